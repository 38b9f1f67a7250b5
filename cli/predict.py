"""`cmexam-baseline predict`: the answers of a trained run to the questions of an exam."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OUTPUT, QUIET, SPLIT

if TYPE_CHECKING:
    from cmexam_baseline.exam import Exam, Predictions
    from cmexam_baseline.exam.progress import Progress

# An exam of more questions is answered so many at a time, which bounds the memory.
QUESTIONS_AT_ONCE = 20_000


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("exam", type=click.Path(path_type=Path))
@OUTPUT(help="Where the predictions go: .csv or .jsonl, with letters, option probabilities and explanations.")
@SPLIT
@click.option(
    "--embeddings",
    metavar="NAME-OR-PATH",
    help="Where the frozen encoder of a run trained with embeddings is now, if it has moved.",
)
@BAD_ROWS
@AS_JSON
@QUIET
def predict(
    run: Path,
    exam: Path,
    output: Path,
    split: str | None,
    embeddings: str | None,
    bad_rows: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Answer the questions of EXAM with the model in the run folder RUN.

    \b
    Examples:
      cmexam-baseline predict runs/lightgbm CMExam/data/val.csv -o predictions.csv
      cmexam-baseline predict runs/lightgbm CMExam/data --split test -o predictions.jsonl
    """
    from cmexam_baseline.baselines.run_folder import load_predictor
    from cmexam_baseline.cli import console
    from cmexam_baseline.cli.bad_row_table import say_bad_rows
    from cmexam_baseline.exam import Predictions
    from cmexam_baseline.exam.io.files import refuse_unwritable
    from cmexam_baseline.exam.splits import Split, load_exam

    refuse_unwritable(output)
    notes = console.notes()
    with console.StageProgress(notes, quiet) as stages:
        with stages.stage("loading the model"):
            model = load_predictor(run, embeddings)
        with stages.stage("reading the exam"):
            questions: Split = load_exam(exam, split, bad_rows, need_answers=False)
        if not quiet:
            say_bad_rows(notes, {"exam": questions})
        n = len(questions.exam)
        batches = _in_batches(model, questions.exam, stages)
        Predictions.write_parts(batches, output, int(questions.exam.n_options.max(initial=0)))
    if as_json:
        console.print_json({"predictions": str(output), "n": n, "left_out": questions.n_left_out})
    elif not quiet:
        notes.print(f"{n} predictions: {output}")


def _in_batches(model: Any, exam: Exam, report: Progress) -> Iterator[Predictions]:
    n = len(exam)
    if n <= QUESTIONS_AT_ONCE:
        yield model.predict(exam, progress=report)
        return
    for start in range(0, n, QUESTIONS_AT_ONCE):
        report("answering", start, n)
        yield model.predict(exam[start : start + QUESTIONS_AT_ONCE])
    report("answering", n, n)
