"""`cmexam-baseline leaderboard`: all systems and the published ones in one table and one chart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, FORMAT, OVERWRITE, PATH, TO_FILE, InputPath

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
@click.option("--chart", type=PATH, help="Draw accuracy against size: .svg, .png or .pdf.")
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
    output_format: str,
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
    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard, parse_sizes
    from cmexam_baseline.baselines.leaderboard_entries import leaderboard as rank
    from cmexam_baseline.exam.io.files import check_output

    inputs = [*systems, *filter(None, (exam, train))]
    for place in filter(None, (chart, output)):
        check_output(place, inputs, overwrite=overwrite)
    if chart is not None:
        from cmexam_baseline.exam.charts import check_chart

        check_chart(chart)
    found = rank(
        systems,
        exam=exam,
        train=train,
        split=split,
        sizes=parse_sizes(sizes),
        published=not no_published,
        bad_rows=bad_rows,
    )
    from cmexam_baseline.cli import console

    for remark in found.remarks:
        console.notes().print(console.sanitize(remark), style="yellow" if ": warning:" in remark else "dim")
    if chart is not None:
        from cmexam_baseline.baselines.charts import draw_leaderboard

        draw_leaderboard(found.entries, chart)
    writers: dict[str, Callable[[Leaderboard], str]] = {
        "json": lambda board: console.json_text(board.to_dict()) + "\n",
        "csv": Leaderboard.to_csv,
        "markdown": Leaderboard.to_markdown,
        "latex": Leaderboard.to_latex,
    }
    with console.results_to(output) as results:
        if output_format == "table" and not as_json:
            _print_table(results, found)
        else:
            results.file.write(writers["json" if as_json else output_format](found))


def _print_table(results: Console, found: Leaderboard) -> None:
    from cmexam_baseline.baselines.leaderboard_entries import LEFT
    from cmexam_baseline.cli import console

    table = console.new_table(found.headings(), LEFT, f"Accuracy on {found.split}, percent", lines=False)
    for each, row in zip(found.entries, found.rows(), strict=True):
        table.add_row(*map(console.sanitize, row), style="dim" if each.kind == "published" else None)
    results.print(table)
    for note in found.notes():
        results.print(note, style="dim", markup=False)
