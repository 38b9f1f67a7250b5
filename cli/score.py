"""`cmexam-baseline score`: the figures of any model's output file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, FORMAT, OVERWRITE, QUIET, TO_FILE, InputPath
from cmexam_baseline.cli.score_options import inputs_of, score_arguments, scoring_options


@click.command()
@click.argument("files", nargs=-1, required=True, type=InputPath(), metavar="FILE... [EXAM]")
@scoring_options
@TO_FILE
@FORMAT
@AS_JSON
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    help=(
        "Write a row for every question and system: gold, answer, rule, BLEU, ROUGE (.csv, .jsonl). Names and "
        "ids are written as they are: import a CSV of an untrusted file as text, so that no cell is a formula."
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
@OVERWRITE
@QUIET
def score(
    files: tuple[Path, ...],
    output: Path | None,
    form: str,
    as_json: bool,
    save: Path | None,
    slices: str,
    report: Path | None,
    language: str,
    show_extraction: bool,
    overwrite: bool,
    quiet: bool,
    **scoring: Any,
) -> None:
    """Score prediction FILEs of any model against an exam.

    A FILE is CSV, TSV, JSONL, JSON, Parquet, XLSX or text with one reply a line, also gzipped, in the shapes that
    evaluation tools, servers and pandas write; "-" is standard input. Which column holds what is recognised by
    content and name, and printed; where that is open, the command refuses and names the option that decides.
    Without --exam the last argument is the exam; a single
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
    from cmexam_baseline.exam.extras import require
    from cmexam_baseline.exam.io.files import check_output
    from cmexam_baseline.exam.io.text_formats import write_column_parts
    from cmexam_baseline.scoring.report_data import rows_of

    if report is not None:
        require("report", "jinja2", purpose="--report")
    places = list(filter(None, (output, save, report)))
    if len(set(places)) < len(places):
        raise InputError("two of -o, --save and --report name the same file; give different names")
    for place in places:
        check_output(place, inputs_of(files, scoring), overwrite=overwrite)
    scored = score_arguments(files, scoring)
    if not quiet:
        score_messages.say_what_was_read(console.notes(), scored)
    if save is not None:
        if scored.exam is None:
            raise InputError("--save needs the exam that was answered; name it with --exam")
        write_column_parts(rows_of(scored.exam, scored.systems), save)
    if report is not None:
        scored.save_html(report, language)
    with console.results_to(output) as results:
        if show_extraction:
            score_messages.show_extractions(results, scored)
        if form == "table" and not as_json:
            score_tables.print_tables(results, scored.to_dict(), slices, scoring["slice_by"])
        else:
            results.file.write(score_tables.WRITERS["json" if as_json else form](scored.to_dict()))
