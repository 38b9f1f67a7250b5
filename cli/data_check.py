"""`cmexam-baseline data check`: every row of an exam that is not as it should be."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from cmexam_baseline.cli.common_options import AS_JSON, KEY, QUIET, InputPath
from cmexam_baseline.exam.errors import InputError


@click.command()
@click.argument("exam", type=InputPath(exam=True))
@click.option(
    "--strict", is_flag=True, help="End with exit code 2 if any row is listed, not only unusable ones."
)
@click.option("--unanswered", is_flag=True, help="The exam has no answers yet: a missing answer is no fault.")
@KEY
@AS_JSON
@QUIET
def check(exam: Path, strict: bool, unanswered: bool, key: Path | None, as_json: bool, quiet: bool) -> None:
    """List the rows of EXAM (a file, or a folder with train, val and test files) that are not in order.

    EXAM is read as `data convert` reads it.

    Unusable rows (no question, unreadable options, no answer, a letter without option) are those that
    training and scoring leave out; doubtful ones (a duplicate or empty option, a question that occurs in the
    file already) stay in. Ends with exit code 2 where more than 1% of a file cannot be used.

    \b
    Examples:
      cmexam-baseline data check CMExam/data
      cmexam-baseline data check CMExam/data/val.csv --strict --json
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.errors import BAD_ROW_LIMIT, count_left_out
    from cmexam_baseline.exam.io.formats import import_exams

    found = import_exams(exam, "skip", need_answers=not unanswered, key=key)
    bad = [row for each in found.values() for row in each.bad_rows]
    usable = {name if exam.is_dir() else exam.name: len(each.exam) for name, each in found.items()}
    left_out = count_left_out(bad)
    rows = sum(usable.values()) + left_out
    doubtful = len({(row.file, row.row) for row in bad}) - left_out
    if as_json:
        listed = [{**asdict(row), "file": Path(row.file).name} for row in bad]
        counts = {"rows": rows, "usable": usable, "left_out": left_out, "doubtful": doubtful}
        console.print_json({**counts, "bad_rows": listed})
    else:
        if bad:
            console.results().print(console.bad_row_table(bad))
        if not quiet:
            console.say_remarks(found)
            parts = ", ".join(f"{name} {count:,}" for name, count in usable.items())
            verdict = f"{rows - left_out:,} usable ({parts}), {left_out:,} not, {doubtful:,} doubtful"
            click.echo(f"{rows:,} rows: {verdict}")
    if left_out > BAD_ROW_LIMIT * rows:
        raise InputError(f"{exam}: {left_out} of {rows} rows cannot be used, more than {BAD_ROW_LIMIT:.0%}")
    if strict and bad:
        raise InputError(f"{exam}: {left_out + doubtful} of {rows} rows are listed; correct them")
