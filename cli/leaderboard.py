"""`cmexam-baseline leaderboard`: all systems and the published ones in one table and one chart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, FORMAT, OVERWRITE, TO_FILE, InputPath
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard


@click.command()
@click.argument("systems", nargs=-1, type=InputPath())
@click.option("--exam", type=InputPath(exam=True), help="The exam that prediction files answer.")
@click.option(
    "--train",
    type=InputPath(exam=True),
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
@TO_FILE
@FORMAT
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
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.io.files import check_output

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
    with console.results_to(output) as results:
        if form == "table" and not as_json:
            _print_table(results, found)
        else:
            results.file.write(WRITERS["json" if as_json else form](found))


def _print_table(results: Console, found: Leaderboard) -> None:
    from rich.table import Table

    from cmexam_baseline.baselines.leaderboard_tables import COLUMNS, LEFT, notes_on, rows_of
    from cmexam_baseline.cli import console

    title = f"Accuracy on {found.split}, percent"
    table = Table(box=None, header_style="bold", title=title, title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in LEFT else "right")
    for each, row in zip(found.entries, rows_of(found.entries), strict=True):
        table.add_row(*map(console.sanitize, row), style="dim" if each.kind == "published" else None)
    results.print(table)
    for note in notes_on(found):
        results.print(note, style="dim", markup=False)


def _as_json(found: Leaderboard) -> str:
    from cmexam_baseline.cli import console

    return console.json_text(found.to_dict()) + "\n"


WRITERS: dict[str, Callable[[Leaderboard], str]] = {
    "json": _as_json,
    "csv": lambda found: found.to_csv(),
    "markdown": lambda found: found.to_markdown(),
    "latex": lambda found: found.to_latex(),
}
