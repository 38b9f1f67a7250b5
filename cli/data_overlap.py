"""`cmexam-baseline data overlap`: the same question in two exams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OVERWRITE, PATH, InputPath

EXAMPLES = 3


@click.command()
@click.argument("train", type=InputPath())
@click.argument("test", type=InputPath())
@click.option("--size", type=click.IntRange(1, 64), default=10, help="Characters of an n-gram.")
@click.option(
    "--near",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    help="Share of a stem's n-grams that must occur in TRAIN.",
)
@click.option("--save", type=PATH, help="Write every overlapping row (.csv, .jsonl).")
@OVERWRITE
@BAD_ROWS
@AS_JSON
def overlap(
    train: Path,
    test: Path,
    size: int,
    near: float,
    save: Path | None,
    overwrite: bool,
    bad_rows: str,
    as_json: bool,
) -> None:
    """Count the questions of TEST that occur in TRAIN too: the same, with the same stem, or nearly so.

    \b
    Examples:
      cmexam-baseline data overlap CMExam/data/train.csv CMExam/data/test_with_annotations.csv
      cmexam-baseline data overlap train.csv val.csv --near 0.6 --save overlap.csv
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam import read_exam
    from cmexam_baseline.exam.duplicates import find_overlap
    from cmexam_baseline.exam.io.files import check_output
    from cmexam_baseline.exam.io.text_formats import write_columns

    if save is not None:
        check_output(save, [train, test], overwrite=overwrite)
    known, asked = read_exam(train, bad_rows), read_exam(test, bad_rows)
    found = find_overlap(known, asked, size, near)
    rows = [row for row, match in enumerate(found.match.tolist()) if match >= 0]
    columns: dict[str, list[Any]] = {
        "id": [asked.ids[row] for row in rows],
        "overlap": [str(found.category[row]) for row in rows],
        "coverage": [round(float(found.coverage[row]), 4) for row in rows],
        "train_id": [known.ids[found.match[row]] for row in rows],
        "question": [asked.questions[row] for row in rows],
        "train_question": [known.questions[found.match[row]] for row in rows],
    }
    if save is not None:
        write_columns([columns], save)
    counts = found.counts()
    if as_json:
        listed = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        console.print_json({"n": len(asked), "counts": counts, "rows": listed})
        return
    table = console.new_table(("overlap", "questions", "share", "examples"), ("overlap", "examples"))
    for name, count in counts.items():
        examples = [place for place, category in enumerate(columns["overlap"]) if category == name][:EXAMPLES]
        shown = "\n".join(f"{columns['id'][place]}: {columns['question'][place][:40]}" for place in examples)
        share = f"{count / len(asked):.1%}" if len(asked) else "–"
        table.add_row(name, f"{count:,}", share, console.sanitize(shown))
    console.results().print(table)
