"""`cmexam-baseline data stats`: an exam in figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, KEY, QUIET, InputPath

if TYPE_CHECKING:
    from rich.table import Table

    from cmexam_baseline.exam.statistics import Lengths, SplitStatistics, Statistics, Total

SHOWN_VALUES = 12
KINDS = {"Q": "question", "A": "answer", "E": "explanation"}


@click.command()
@click.argument("exam", type=InputPath(exam=True), required=False)
@click.option(
    "--charts", type=click.Path(path_type=Path), help="A folder to make, with the figures as SVG charts."
)
@click.option(
    "--all-values", is_flag=True, help=f"All values of an annotation, not the first {SHOWN_VALUES}."
)
@KEY
@AS_JSON
@QUIET
def stats(
    exam: Path | None, charts: Path | None, all_values: bool, key: Path | None, as_json: bool, quiet: bool
) -> None:
    """Describe EXAM (a file or a folder of splits; without it, the bundled sample) as CMExam's paper does.

    Lengths are characters, the vocabulary is the different characters of questions and explanations, and
    the total column averages the splits: the definitions of the authors' own notebook. Rows without a usable
    answer count as well. EXAM is read as `data convert` reads it.

    \b
    Examples:
      cmexam-baseline data stats CMExam/data
      cmexam-baseline data stats CMExam/data --charts charts
      cmexam-baseline data stats CMExam/data/val.csv --json
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.foreign_exams.reader import import_exams
    from cmexam_baseline.exam.io.files import new_folder
    from cmexam_baseline.exam.sample import SAMPLE_FOLDER
    from cmexam_baseline.exam.statistics import describe_exams

    found = import_exams(SAMPLE_FOLDER if exam is None else exam, "keep", need_answers=False, key=key)
    exams = {name: each.exam for name, each in found.items()}
    if not quiet:
        for name, each in found.items():
            for note in each.notes:
                console.notes().print(f"{name}: {note}", markup=False)
    statistics = describe_exams(exams)
    if charts is not None:
        from cmexam_baseline.exam.charts import draw_statistics

        with new_folder(charts) as folder:
            draw_statistics(exams, statistics, folder)
        if not quiet:
            console.notes().print(f"Charts: {charts}", markup=False)
    if as_json:
        console.print_json(statistics.to_dict())
        return
    results = console.results()
    results.print(_main_table(statistics))
    results.print("\nAnswers, share of questions", style="bold")
    results.print(_answer_table(statistics))
    for name, split in statistics.splits.items():
        for column, counts in split.annotations.items():
            shown = len(counts) if all_values else SHOWN_VALUES
            results.print(f"\n{name}, {column}: {_number_of_values(counts)}", style="bold", markup=False)
            results.print(_value_table(counts, split.questions, shown))


def _main_table(statistics: Statistics) -> Table:
    from rich.table import Table

    columns: dict[str, SplitStatistics | Total] = dict(statistics.splits)
    if len(columns) > 1:
        columns["total"] = statistics.total
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    described = list(columns.values())
    table.add_row("questions", *(f"{each.questions:,}" for each in described))
    table.add_row("vocabulary", *(f"{each.vocabulary:,}" for each in described))
    rows = {
        "longest": lambda lengths: f"{lengths.longest:,}",
        "mean": lambda lengths: f"{lengths.mean:.2f}",
        "median (quartiles)": _median_and_quartiles,
    }
    for title, show in rows.items():
        for text, kind in KINDS.items():
            table.add_row(f"{title} {kind}", *(show(each.lengths[text]) for each in described))
    return table


def _median_and_quartiles(lengths: Lengths) -> str:
    return f"{lengths.median:g} ({lengths.lower_quartile:g}, {lengths.upper_quartile:g})"


def _answer_table(statistics: Statistics) -> Table:
    from rich.table import Table

    splits = statistics.splits
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for name in splits:
        table.add_column(name, justify="right")
    letters = sorted({letter for split in splits.values() for letter in split.letters})
    for letter in letters:
        table.add_row(
            f"answer holds {letter}", *(f"{split.letters.get(letter, 0):.1%}" for split in splits.values())
        )
    table.add_row("several letters", *(f"{split.share_multi:.1%}" for split in splits.values()))
    table.add_row("explained", *(f"{split.share_explained:.1%}" for split in splits.values()))
    for count in sorted({count for split in splits.values() for count in split.options}):
        shares = (split.options.get(count, 0) / split.questions for split in splits.values())
        table.add_row(f"{count} options", *(f"{share:.1%}" for share in shares))
    return table


def _number_of_values(counts: dict[str, int]) -> str:
    # CMExam's own counts of values leave 不符合 (not applicable) aside.
    from cmexam_baseline.exam.statistics import NOT_APPLICABLE

    applicable = len(counts) - (NOT_APPLICABLE in counts)
    return f"{applicable} values" + (f" and {NOT_APPLICABLE}" if NOT_APPLICABLE in counts else "")


def _value_table(counts: dict[str, int], n: int, shown: int) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("value")
    table.add_column("questions", justify="right")
    table.add_column("share", justify="right")
    for value, count in list(counts.items())[:shown]:
        table.add_row(value or "(empty)", f"{count:,}", f"{count / n:.1%}")
    if len(counts) > shown:
        rest = sum(list(counts.values())[shown:])
        table.add_row(f"… {len(counts) - shown} more (--all-values)", f"{rest:,}", f"{rest / n:.1%}")
    return table
