"""`cmexam-baseline predict`: the answers of a trained run to the questions of an exam."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OUTPUT, OVERWRITE, QUIET, SPLIT, InputPath


@click.command()
@click.argument("run", type=InputPath())
@click.argument("exam", type=InputPath(exam=True))
@OUTPUT(help="Where the predictions go: .csv or .jsonl, with letters, option probabilities and explanations.")
@SPLIT
@click.option(
    "--embeddings",
    metavar="NAME-OR-PATH",
    help="Where the frozen encoder of a run trained with embeddings is now, if it has moved.",
)
@BAD_ROWS
@OVERWRITE
@AS_JSON
@QUIET
def predict(
    run: Path,
    exam: Path,
    output: Path,
    split: str | None,
    embeddings: str | None,
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Answer the questions of EXAM with the model in the run folder RUN.

    \b
    Examples:
      cmexam-baseline predict runs/lightgbm CMExam/data/val.csv -o predictions.csv
      cmexam-baseline predict runs/lightgbm CMExam/data --split test -o predictions.jsonl
    """
    from cmexam_baseline.baselines.run_folder import load_run
    from cmexam_baseline.exam.io.files import check_output

    check_output(output, [exam], overwrite=overwrite)
    loaded = load_run(run, embeddings)
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam import Predictions
    from cmexam_baseline.exam.splits import load_exam

    notes = console.notes()
    with console.StageProgress(notes, quiet) as progress:
        with progress.stage("loading the model"):
            loaded.model  # noqa: B018 - loads it
        with progress.stage("reading the exam"):
            questions = load_exam(exam, split, bad_rows, need_answers=False)
        if not quiet:
            console.say_bad_rows(notes, {"exam": questions})
        batches = loaded.predict_batches(questions.exam, progress)
        Predictions.write_parts(batches, output, int(questions.exam.n_options.max(initial=0)))
    n = len(questions.exam)
    if as_json:
        console.print_json({"predictions": str(output), "n": n, "left_out": questions.n_left_out})
    elif not quiet:
        notes.print(f"{n} predictions: {console.sanitize(str(output))}")
