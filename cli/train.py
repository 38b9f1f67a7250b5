"""`cmexam-baseline train`: fit a baseline, predict val and test, leave a run folder, print the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.options import AS_JSON, BAD_ROWS, OVERWRITE, QUIET


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder with train, val and test files (CSV, JSONL, JSON, Parquet, XLSX). "
    "Without it the bundled sample exam is used.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/lightgbm"),
    show_default=True,
    help="The run folder to make.",
)
@click.option("--model", default="lightgbm", show_default=True, help="lightgbm.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of everything random."
)
@BAD_ROWS
@OVERWRITE
@AS_JSON
@QUIET
def train(
    data: Path | None,
    out: Path,
    model: str,
    seed: int,
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a baseline on an exam and score it on val (and test, where there is one).

    The model is chosen and tuned on val alone; the test split is read for the final figure only.

    \b
    Examples:
      cmexam-baseline train
      cmexam-baseline train --data CMExam/data --out runs/lightgbm --seed 1
      cmexam-baseline train --data CMExam/data --out runs/lightgbm --overwrite --json
    """
    from cmexam_baseline.cli import console, tables
    from cmexam_baseline.cli.reading import load_splits, say_bad_rows
    from cmexam_baseline.cli.run import model_class, write_run
    from cmexam_baseline.cli.scores import answer_scores, free_baseline_scores
    from cmexam_baseline.exam.files import refuse_taken

    refuse_taken(out, overwrite)
    kind = _model_kind(model)
    notes = console.notes()
    with console.Stages(notes, quiet) as stages:
        with stages.stage("reading the exam"):
            splits = load_splits(data, bad_rows, needed=("train",))
        if not quiet:
            say_bad_rows(notes, splits)
        exams = {name: split.exam for name, split in splits.items()}
        baseline = model_class(kind)(seed=seed)
        baseline.fit(exams["train"], exams.get("val"), progress=stages)
        predictions = {
            name: baseline.predict(exam, progress=_named(stages, f"predicting {name}"))
            for name, exam in exams.items()
            if name != "train"
        }
        scores = {
            name: answer_scores(exams[name], predicted.answers, splits[name].n_left_out)
            for name, predicted in predictions.items()
        }
        scores["free_baselines"] = free_baseline_scores(exams, seed)
        with stages.stage("saving the run"):
            write_run(out, overwrite, kind, baseline, seed, splits, predictions, scores, stages.seconds)
    if as_json:
        console.print_json({"run": str(out), "scores": scores, "seconds": stages.seconds})
        return
    tables.show_training(console.results(), kind, scores)
    if not quiet:
        notes.print(f"Run folder: {out}")


def _named(stages: Any, name: str) -> Any:
    return lambda stage, done, total: stages(f"{name}: {stage}", done, total)


def _model_kind(model: str) -> str:
    from cmexam_baseline.exam.errors import InputError

    if model == "lightgbm":
        return "lightgbm"
    raise InputError(f"unknown model {model!r}; known is lightgbm")
