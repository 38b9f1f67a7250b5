"""`cmexam-baseline leaderboard`: all systems and the published ones in one table and one chart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OVERWRITE, InputPath
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard, LeaderboardEntry

COLUMNS = ("", "system", "kind", "size", "questions", "accuracy", "95% interval", "weighted F1")
FORMATS = ("table", "json", "csv", "markdown", "latex")


@click.command()
@click.argument("systems", nargs=-1, type=InputPath())
@click.option("--exam", type=InputPath(), help="The exam that prediction files answer.")
@click.option(
    "--train",
    type=InputPath(),
    help="The training exam, for the dummy baseline that counts its letters.",
)
@click.option(
    "--split",
    type=click.Choice(["val", "test"]),
    help="Which split to rank.  [test, or val if no system has test]",
)
@click.option(
    "--size", "sizes", multiple=True, metavar="SYSTEM=SIZE", help="Parameters of a system, as in bert=0.1B."
)
@click.option("--no-published", is_flag=True, help="Omit the rows of the paper's Table 3.")
@click.option(
    "--chart", type=click.Path(path_type=Path), help="Draw accuracy against size: .svg, .png or .pdf."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the ranking to a file, not to the terminal.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="How to print the ranking.",
)
@BAD_ROWS
@OVERWRITE
@AS_JSON
def leaderboard(
    systems: tuple[Path, ...],
    exam: Path | None,
    train: Path | None,
    split: str | None,
    sizes: tuple[str, ...],
    no_published: bool,
    chart: Path | None,
    output: Path | None,
    form: str,
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Rank SYSTEMS: run folders, reports of `score --json`, prediction files, and folders that hold such.

    Runs and reports contain their figures; prediction files are scored on --exam, unanswered questions
    counting as wrong. Dummy baselines are ranked among them, and the paper's rows, marked: they are
    figures on CMExam's own test split of 6,811 questions.

    \b
    Examples:
      cmexam-baseline leaderboard runs
      cmexam-baseline leaderboard runs/lightgbm replies.jsonl --exam test.csv --chart board.svg
      cmexam-baseline leaderboard runs --format markdown --size encoder=35.7M
    """
    from cmexam_baseline.baselines.leaderboard_entries import leaderboard as rank
    from cmexam_baseline.exam.io.files import check_output, write_atomically

    inputs = [*systems, *filter(None, (exam, train))]
    for place in filter(None, (chart, output)):
        check_output(place, inputs, overwrite=overwrite)
    if chart is not None and chart.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InputError(f"{chart}: charts end in .svg, .png or .pdf")
    if chart is not None:
        from cmexam_baseline.exam.extras import require

        require("report", "matplotlib", purpose="a chart")
    found = rank(
        systems,
        exam=exam,
        train=train,
        split=split,
        sizes=_sizes(sizes),
        published=not no_published,
        bad_rows=bad_rows,
    )
    if chart is not None:
        from cmexam_baseline.cli.charts import draw_leaderboard

        draw_leaderboard(found.entries, chart)
    text = WRITERS["json" if as_json else form](found)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_atomically(output, text)


def _sizes(options: Sequence[str]) -> dict[str, float]:
    from cmexam_baseline.baselines.leaderboard_entries import parse_size

    sizes = {}
    for option in options:
        name, sign, size = option.rpartition("=")
        if not sign or not name:
            raise InputError(f"--size {option!r}: write it as in bert=0.1B")
        sizes[name] = parse_size(size)
    return sizes


def _rows(entries: Sequence[LeaderboardEntry]) -> list[tuple[str, ...]]:
    from cmexam_baseline.cli.console import percent

    return [
        (
            str(rank),
            each.system,
            each.kind,
            shown_size(each.size),
            "" if each.n is None else f"{each.n:,}",
            percent(each.accuracy),
            "" if each.interval is None else f"{percent(each.interval[0])}–{percent(each.interval[1])}",
            "" if each.weighted_f1 is None else percent(each.weighted_f1),
        )
        for rank, each in enumerate(entries, 1)
    ]


def shown_size(size: float | None) -> str:
    """A number of parameters in the unit that fits.

    >>> shown_size(7e9), shown_size(35.7e6), shown_size(None)
    ('7B', '35.7M', '')
    """
    if size is None:
        return ""
    unit, letter = next((pair for pair in ((1e9, "B"), (1e6, "M"), (1e3, "K")) if size >= pair[0]), (1.0, ""))
    if letter == "M" and size >= 1e8:
        unit, letter = 1e9, "B"  # the paper writes 0.1B
    return f"{size / unit:.3g}{letter}"


def _as_table(found: Leaderboard) -> str:
    from rich.table import Table

    from cmexam_baseline.cli import console

    title = f"Accuracy on {found.split}, percent"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("system", "kind") else "right")
    for each, row in zip(found.entries, _rows(found.entries), strict=True):
        table.add_row(*map(console.sanitize, row), style="dim" if each.kind == "published" else None)
    return console.rendered(table, *_notes(found))


def _as_json(found: Leaderboard) -> str:
    from cmexam_baseline.cli.console import json_text

    return json_text(found.to_dict())


def _as_markdown(found: Leaderboard) -> str:
    lines = ["| " + " | ".join(COLUMNS) + " |"]
    lines.append("|" + "|".join("---" if name in ("system", "kind") else "---:" for name in COLUMNS) + "|")
    for row in _rows(found.entries):
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join([*lines, *(f"\n{note}" for note in _notes(found))]) + "\n"


def _as_latex(found: Leaderboard) -> str:
    from cmexam_baseline.cli.console import latex_table

    return latex_table(COLUMNS, _rows(found.entries), left=("system", "kind"))


def _as_csv(found: Leaderboard) -> str:
    from cmexam_baseline.cli.console import csv_text

    rows: list[Sequence[object]] = []
    for each in found.entries:
        low, high = each.interval or (None, None)
        rows.append(
            (
                each.system,
                each.kind,
                each.split,
                each.n,
                each.accuracy,
                low,
                high,
                each.weighted_f1,
                each.size,
            )
        )
    return csv_text(["system", "kind", "split", "n", "accuracy", "low", "high", "weighted_f1", "size"], rows)


WRITERS: dict[str, Callable[[Leaderboard], str]] = {
    "table": _as_table,
    "json": _as_json,
    "csv": _as_csv,
    "markdown": _as_markdown,
    "latex": _as_latex,
}


def _notes(found: Leaderboard) -> list[str]:
    notes = []
    if any(each.kind == "published" for each in found.entries):
        notes.append(
            "Published: Liu et al. 2023, Table 3, on CMExam's whole test split; the intervals are those of its "
            "6,811 questions. Figures on other questions are not strictly comparable."
        )
    exams = {each.questions for each in found.entries if each.questions}
    if len(exams) > 1:
        notes.append(f"These systems answered {len(exams)} different sets of questions.")
    return notes
