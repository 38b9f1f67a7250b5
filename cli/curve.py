"""`cmexam-baseline curve`: accuracy against the number of training questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli import common_options
from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, MORE_SEEDS, OUT, QUIET, SEEDS, InputPath


@click.command()
@click.option("--data", type=InputPath(), help="Folder with train and val; default: the bundled sample.")
@OUT(
    default=Path("runs/curve"),
    help="Folder for points.json, curve.csv and curve.svg. Points in points.json are not measured again.",
)
@click.option(
    "--sizes",
    multiple=True,
    type=click.IntRange(min=2),
    help="Training questions; repeatable.  [default: all, a half, a quarter and so on, six in all]",
)
@SEEDS
@MORE_SEEDS
@common_options.JOBS(help="Trainings side by side, each in a process.")
@click.option(
    "--to",
    type=click.IntRange(min=1),
    default=54_497,
    help="Extrapolate to this many training questions; the default is CMExam's published training split.",
)
@BAD_ROWS
@AS_JSON
@QUIET
def curve(
    data: Path | None,
    out: Path,
    sizes: tuple[int, ...],
    seeds: tuple[str, ...],
    more_seeds: tuple[str, ...],
    jobs: int,
    to: int,
    bad_rows: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train LightGBM on more and more questions, and draw its accuracy on val with intervals.

    Parts are drawn at random, smaller ones within larger ones. A power law through the measured points gives
    what another size should reach; it is an extrapolation and marked as one. Without --seeds, 0, 1 and 2.

    \b
    Examples:
      cmexam-baseline curve
      cmexam-baseline curve --data CMExam/data -o runs/curve --sizes 2000 --sizes 8000 --seeds 1 2
    """
    from cmexam_baseline.baselines.curve import check_sizes, curve_notes, learning_curve

    if sizes:
        check_sizes(sizes)
    from cmexam_baseline.baselines.charts import draw_curve
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.extras import install_command, require
    from cmexam_baseline.exam.io.files import check_output, write_atomically
    from cmexam_baseline.exam.splits import load_splits

    require("lightgbm", purpose="curve")
    wanted = common_options.joined_seeds(seeds, more_seeds) or [0, 1, 2]
    points, table, chart = (out / name for name in ("points.json", "curve.csv", "curve.svg"))
    for file in (table, chart):
        check_output(file)
    notes = console.notes()
    splits = load_splits(data, bad_rows, needed=("train", "val"))
    if not quiet:
        console.say_bad_rows(notes, splits)
    with console.StageProgress(notes, quiet) as progress:
        exams = splits["train"].exam, splits["val"].exam
        measured = learning_curve(
            *exams, sizes, wanted, extrapolate_to=to, points_file=points, jobs=jobs, progress=progress
        )
    found = measured.to_dict()
    write_atomically(table, measured.to_csv())
    drawn = draw_curve(found, chart)
    if as_json:
        console.print_json(found)
        return
    console.results().print(_table(found))
    for note in curve_notes(found):
        console.results().print(note, markup=False)
    if not quiet:
        notes.print(f"Points, table{' and chart' if drawn else ''}: {console.sanitize(str(out))}")
        if not drawn:
            notes.print(f"No chart without matplotlib: {console.sanitize(install_command('report'))}")


def _table(found: dict[str, Any]) -> Any:
    from cmexam_baseline.cli import console

    headings = ("training questions", "accuracy", "sd over seeds", "seconds")
    table = console.new_table(headings, (), "LightGBM: accuracy on val in percent")
    for row in found["sizes"]:
        accuracy = console.percent(row["accuracy"], row["interval"])
        table.add_row(f"{row['size']:,}", accuracy, console.percent(row["sd"]), f"{row['seconds']:.0f}")
    beyond = found["extrapolated"]
    if beyond is not None:
        table.add_section()
        accuracy = console.percent(beyond["accuracy"], beyond["interval"])
        table.add_row(f"{beyond['size']:,}, extrapolated", accuracy, "", "")
    return table
