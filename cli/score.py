"""`cmexam-baseline score`: the figures of any model's output file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import QUIET, InputPath
from cmexam_baseline.cli.score_options import scoring_options

FORMATS = ("table", "json", "csv", "markdown", "latex")


@click.command()
@click.argument("files", nargs=-1, required=True, type=InputPath(), metavar="FILE... [EXAM]")
@scoring_options
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help=(
        "Write a row for every question and system: gold, answer, rule, BLEU, ROUGE (.csv, .jsonl). Names and "
        "ids stand as they are: import a CSV of an untrusted file as text, so that no cell is a formula."
    ),
)
@click.option(
    "--slices",
    default="main",
    show_default=True,
    metavar="main|all|none|COLUMN",
    help="Groups in the table: the ten that differ most, all, none, or those of one column.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Write a self-contained HTML page.")
@click.option(
    "--lang",
    "language",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    help="Language of the page.",
)
@click.option(
    "--show-extraction", is_flag=True, help="Print what was read out of every reply, and by which rule."
)
@QUIET
def score(
    files: tuple[Path, ...],
    form: str,
    as_json: bool,
    save: Path | None,
    slices: str,
    report: Path | None,
    language: str,
    show_extraction: bool,
    quiet: bool,
    **scoring: Any,
) -> None:
    """Score prediction FILEs of any model against an exam.

    A FILE is CSV, TSV, JSONL, JSON, Parquet or XLSX, also gzipped; "-" is standard input (CSV or JSONL).
    Which column holds what is recognised and printed. Without --exam the last argument is the exam; a single
    FILE that brings its questions and right answers, or reference explanations, along needs none.
    Files may have up to 1 GiB; a million rows with explanations take about 1.6 GB of memory (CSV).

    \b
    Examples:
      cmexam-baseline score predictions.csv --exam CMExam/data --split test
      cmexam-baseline score predictions.csv CMExam/data/val.csv
      cmexam-baseline score replies.jsonl --exam CMExam/data --split test --report report.html
      cmexam-baseline score replies.jsonl --exam test.csv --format json --save rows.csv
    """
    from cmexam_baseline.cli import console, score_messages, score_tables
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.io.files import refuse_unwritable
    from cmexam_baseline.scoring.report_data import report_of, rows_of
    from cmexam_baseline.scoring.score_files import Scoring, score_files

    for place in filter(None, (save, report)):
        refuse_unwritable(place)
    form = "json" if as_json else form
    scored = score_files([str(file) for file in files], Scoring(**scoring))
    if not quiet:
        score_messages.say_what_was_read(console.notes(), scored)
    content = report_of(scored.exam, scored.source.to_dict(), scored.systems, scored.settings)
    if save is not None:
        if scored.exam is None:
            raise InputError("--save needs the exam that was answered; name it with --exam")
        _save_rows(save, rows_of(scored.exam, scored.systems))
    if report is not None:
        _write_report(report, scored, language)
    if show_extraction:
        score_messages.show_extractions(console.results(), scored)
    if form == "table":
        score_tables.print_tables(content, slices, scoring["slice_columns"])
    else:
        score_tables.PRINTERS[form](content)


def _save_rows(path: Path, parts: Iterable[dict[str, list[Any]]]) -> None:
    from cmexam_baseline.exam.io.result_writer import write_column_parts

    write_column_parts(parts, path)


def _write_report(path: Path, scored: Any, language: str) -> None:
    from cmexam_baseline.exam.io.files import write_atomically
    from cmexam_baseline.scoring.report import report_page

    write_atomically(path, report_page(scored, language).encode("utf-8", "replace"))
