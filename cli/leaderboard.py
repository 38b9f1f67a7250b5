"""`cmexam-baseline leaderboard`: all systems and the published ones in one table and one chart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OVERWRITE, InputPath
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard

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
    from cmexam_baseline.baselines.leaderboard_entries import parse_sizes
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
        sizes=parse_sizes(sizes),
        published=not no_published,
        bad_rows=bad_rows,
    )
    if chart is not None:
        from cmexam_baseline.baselines.charts import draw_leaderboard

        draw_leaderboard(found.entries, chart)
    text = WRITERS["json" if as_json else form](found)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_atomically(output, text)


def _as_table(found: Leaderboard) -> str:
    from rich.table import Table

    from cmexam_baseline.baselines.leaderboard_tables import COLUMNS, LEFT, notes_on, rows_of
    from cmexam_baseline.cli import console

    title = f"Accuracy on {found.split}, percent"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in LEFT else "right")
    for each, row in zip(found.entries, rows_of(found.entries), strict=True):
        table.add_row(*map(console.sanitize, row), style="dim" if each.kind == "published" else None)
    return console.rendered(table, *notes_on(found))


WRITERS: dict[str, Callable[[Leaderboard], str]] = {
    "table": _as_table,
    "json": lambda found: json.dumps(found.to_dict(), ensure_ascii=False, indent=2),
    "csv": lambda found: found.to_csv(),
    "markdown": lambda found: found.to_markdown(),
    "latex": lambda found: found.to_latex(),
}
