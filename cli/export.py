"""`cmexam-baseline export`: a trained encoder as an ONNX model that needs no torch."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.options import OVERWRITE, QUIET


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--onnx", type=click.Path(path_type=Path), required=True, help="The folder to make.")
@OVERWRITE
@QUIET
def export(run: Path, onnx: Path, overwrite: bool, quiet: bool) -> None:
    """Write the encoder of the run folder RUN as ONNX; `predict` takes the new folder in its place.

    Prediction from it needs onnxruntime, tokenizers and numpy, and neither torch nor transformers.

    \b
    Examples:
      cmexam-baseline export runs/bert --onnx bert-onnx
      cmexam-baseline predict bert-onnx CMExam/data/val.csv -o predictions.csv
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.cli.run import Run
    from cmexam_baseline.exam.errors import InputError

    opened = Run.open(run)
    if opened.config["model"] != "encoder":
        raise InputError(f"{run} holds a {opened.config['model']} model; only encoders are exported")
    from cmexam_baseline.encoders import EncoderBaseline, export_onnx

    export_onnx(EncoderBaseline.load(opened.folder / "model", device="cpu"), onnx, overwrite)
    if not quiet:
        console.notes().print(f"ONNX model: {onnx}")
