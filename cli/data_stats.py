"""`cmexam-baseline data stats`: an exam in figures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import (
    AS_JSON,
    FORMAT,
    KEY,
    OVERWRITE,
    PATH,
    QUIET,
    TO_FILE,
    InputPath,
)

if TYPE_CHECKING:
    from cmexam_baseline.exam.statistics import Lengths, Statistics

    # A heading, the names of the columns, and the rows.
    Section = tuple[str, list[str], list[list[str]]]

SHOWN_VALUES = 12


@click.command()
@click.argument("exam", type=InputPath(exam=True), required=False)
@click.option("--charts", type=PATH, help="A folder to make, with the figures as SVG charts.")
@click.option(
    "--all-values", is_flag=True, help=f"All values of an annotation, not the first {SHOWN_VALUES}."
)
@KEY
@TO_FILE
@FORMAT
@AS_JSON
@OVERWRITE
@QUIET
def stats(
    exam: Path | None,
    charts: Path | None,
    all_values: bool,
    key: Path | None,
    output: Path | None,
    output_format: str,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Describe EXAM (a file or a folder of splits; without it, the bundled sample) as CMExam's paper does.

    Lengths are characters, the vocabulary is the different characters of questions and explanations, and
    the total column averages the splits: the definitions of the authors' own notebook. Rows without a usable
    answer count as well. EXAM is read as `data convert` reads it. CSV has a row for each figure, not rounded, and as
    JSON all values of annotations.

    \b
    Examples:
      cmexam-baseline data stats CMExam/data
      cmexam-baseline data stats CMExam/data --charts charts
      cmexam-baseline data stats CMExam/data --format latex -o table.tex
      cmexam-baseline data stats CMExam/data/val.csv --json
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.io.files import check_output, check_output_folder, new_folder
    from cmexam_baseline.exam.io.formats import import_exams
    from cmexam_baseline.exam.io.text_formats import csv_text, latex_table, markdown_table
    from cmexam_baseline.exam.sample import SAMPLE_FOLDER
    from cmexam_baseline.exam.statistics import describe_exams

    inputs = list(filter(None, (exam, key)))
    if output is not None:
        check_output(output, inputs, overwrite=overwrite)
    if charts is not None:
        check_output_folder(charts, inputs)
    found = import_exams(SAMPLE_FOLDER if exam is None else exam, "keep", need_answers=False, key=key)
    exams = {name: each.exam for name, each in found.items()}
    if not quiet:
        console.say_remarks(found)
    statistics = describe_exams(exams)
    if charts is not None:
        from cmexam_baseline.exam.charts import draw_statistics

        with new_folder(charts) as folder:
            draw_statistics(exams, statistics, folder)
        if not quiet:
            console.notes().print(f"Charts: {charts}", markup=False)
    output_format = "json" if as_json else output_format
    with console.results_to(output) as results:
        if output_format == "json":
            results.file.write(console.json_text(statistics.to_dict()) + "\n")
        elif output_format == "csv":
            results.file.write(csv_text(["split", "figure", "value"], statistics.figures()))
        else:
            for title, header, rows in _sections(statistics, all_values):
                if output_format == "table":
                    console.print_table(results, title, header, rows)
                elif output_format == "markdown":
                    heading = f"{title}\n\n" if title else ""
                    results.file.write(f"{heading}{markdown_table(header, rows, header[:1])}\n")
                else:
                    heading = f"% {title}\n" if title else ""
                    results.file.write(heading + latex_table(header, rows, header[:1]))


def _sections(statistics: Statistics, all_values: bool) -> Iterator[Section]:
    from cmexam_baseline.exam.statistics import TEXTS

    columns = statistics.columns()
    described = list(columns.values())
    rows = [
        ["questions", *(f"{each.questions:,}" for each in described)],
        ["vocabulary", *(f"{each.vocabulary:,}" for each in described)],
    ]
    for title, show in {
        "longest": lambda lengths: f"{lengths.longest:,}",
        "mean": lambda lengths: f"{lengths.mean:.2f}",
        "median (quartiles)": _median_and_quartiles,
    }.items():
        for text, kind in TEXTS.items():
            rows.append([f"{title} {kind}", *(show(each.lengths[text]) for each in described)])
    yield "", ["", *columns], rows
    rows = [[name, *(f"{share:.1%}" for share in shares)] for name, shares in statistics.shares().items()]
    yield "Answers, share of questions", ["", *statistics.splits], rows
    for name, split in statistics.splits.items():
        for column, counts in split.annotations.items():
            title = " ".join(f"{name}, {column}: {_number_of_values(counts)}".split())
            yield title, ["value", "questions", "share"], _values(counts, split.questions, all_values)


def _median_and_quartiles(lengths: Lengths) -> str:
    return f"{lengths.median:g} ({lengths.lower_quartile:g}, {lengths.upper_quartile:g})"


def _number_of_values(counts: dict[str, int]) -> str:
    # CMExam's own counts of values leave 不符合 (not applicable) aside.
    from cmexam_baseline.exam.statistics import NOT_APPLICABLE

    applicable = len(counts) - (NOT_APPLICABLE in counts)
    return f"{applicable} values" + (f" and {NOT_APPLICABLE}" if NOT_APPLICABLE in counts else "")


def _values(counts: dict[str, int], n: int, all_values: bool) -> list[list[str]]:
    shown = len(counts) if all_values else SHOWN_VALUES
    rows = [
        [value or "(empty)", f"{count:,}", f"{count / n:.1%}"]
        for value, count in list(counts.items())[:shown]
    ]
    if len(counts) > shown:
        rest = sum(list(counts.values())[shown:])
        rows.append([f"… {len(counts) - shown} more (--all-values)", f"{rest:,}", f"{rest / n:.1%}"])
    return rows
