"""`cmexam-baseline explain`: why a trained run answers one question as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, SPLIT, InputPath

EXPLAINED = ("lightgbm", "ensemble")


@click.command()
@click.argument("run", type=InputPath())
@click.argument("exam", type=InputPath(exam=True))
@click.option("--id", "wanted", help="The id of the question.")
@click.option("--row", type=click.IntRange(min=1), help="Its number among the usable questions, from 1.")
@SPLIT
@click.option(
    "--top",
    type=click.IntRange(1, 50),
    default=3,
    help="How many features, training questions and sentences to show for each option.",
)
@BAD_ROWS
@AS_JSON
def explain(
    run: Path,
    exam: Path,
    wanted: str | None,
    row: int | None,
    split: str | None,
    top: int,
    bad_rows: str,
    as_json: bool,
) -> None:
    """Show what decided about one question of EXAM: evidence and features for each of its options.

    RUN is a run folder of the LightGBM baseline, or of an ensemble, in which the encoder's scores are
    features; of an ensemble with one fold, LightGBM is explained, which does not read them. Contributions are
    logits (TreeSHAP); a feature counts together with its comparisons with the other options.

    \b
    Examples:
      cmexam-baseline explain runs/lightgbm CMExam/data/val.csv --row 7
      cmexam-baseline explain runs/lightgbm CMExam/data --split val --id val-7 --json
    """
    from cmexam_baseline.baselines.run_folder import load_run
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.splits import load_exam

    if (wanted is None) == (row is None):
        raise InputError("name the question by --id or by --row, one of them")
    opened = load_run(run)
    if opened.kind not in EXPLAINED:
        raise InputError(
            f"{run} holds a model of kind {opened.kind!r}; explain reads runs of " + " and ".join(EXPLAINED)
        )
    from cmexam_baseline.cli import console
    from cmexam_baseline.cli.explain_tables import as_dict, show

    questions = load_exam(exam, split, bad_rows, need_answers=False).exam
    place = _place(questions, wanted, row, exam)
    model: Any = opened.model
    asked = questions[place : place + 1]
    answer = model.predict(asked).letters()[0]
    found, alone = model.attributions(asked, top), ""
    if getattr(model, "mixture_", None) is not None:
        alone = model.lightgbm_.predict(asked).letters()[0]
    if as_json:
        console.print_json(as_dict(asked[0], answer, found, alone))
    else:
        show(console.results(), asked[0], answer, found, alone)


def _place(questions: Any, wanted: str | None, row: int | None, exam: Path) -> int:
    """The place of the question in `questions`."""
    from cmexam_baseline.exam.errors import InputError

    if row is not None:
        if row > len(questions):
            raise InputError(f"{exam} has {len(questions)} questions; --row {row} is beyond the last")
        return row - 1
    if wanted not in questions.ids:
        raise InputError(f"{exam} has no question {wanted!r}; its ids are like {questions.ids[0]!r}")
    place: int = questions.ids.index(wanted)
    return place
