"""`cmexam-baseline export`: a trained encoder as an ONNX model that needs no torch."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.common_options import OUTPUT, OVERWRITE, QUIET, InputPath


@click.command()
@click.argument("run", type=InputPath())
@OUTPUT("--onnx", help="The folder to make.")
@OVERWRITE
@QUIET
def export(run: Path, output: Path, overwrite: bool, quiet: bool) -> None:
    """Write the encoder of the run folder RUN as ONNX; `predict` takes the new folder in its place.

    Prediction from it needs onnxruntime, tokenizers and numpy, and neither torch nor transformers.

    \b
    Examples:
      cmexam-baseline export runs/bert -o bert-onnx
      cmexam-baseline predict bert-onnx CMExam/data/val.csv -o predictions.csv
    """
    from cmexam_baseline.baselines.run_folder import load_run

    load_run(run).export_onnx(output, overwrite)
    if not quiet:
        from cmexam_baseline.cli import console

        console.notes().print(f"ONNX model: {output}")
