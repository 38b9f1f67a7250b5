"""`cmexam-baseline curve`: accuracy against the number of training questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, QUIET

PUBLISHED_TRAINING_QUESTIONS = 54_497


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Folder with train and val; default: the bundled sample."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs/curve"),
    show_default=True,
    help="Folder for points.json, curve.csv and curve.svg. Points that stand there are not measured again.",
)
@click.option(
    "--sizes",
    multiple=True,
    type=click.IntRange(min=2),
    help="Training questions; repeatable. Default: all, a half, a quarter and so on, six in all.",
)
@click.option("--seeds", multiple=True, type=click.IntRange(min=0), help="Repeatable. Default: 0, 1 and 2.")
@click.option(
    "--to",
    type=click.IntRange(min=1),
    default=PUBLISHED_TRAINING_QUESTIONS,
    show_default=True,
    help="Extrapolate to this many training questions; the default is CMExam's published training split.",
)
@BAD_ROWS
@AS_JSON
@QUIET
def curve(
    data: Path | None,
    out: Path,
    sizes: tuple[int, ...],
    seeds: tuple[int, ...],
    to: int,
    bad_rows: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train LightGBM on more and more questions, and draw its accuracy on val with intervals.

    Parts are drawn at random, smaller ones within larger ones. A power law through the measured points gives
    what another size should reach; it is an extrapolation and marked as one.

    \b
    Examples:
      cmexam-baseline curve
      cmexam-baseline curve --data CMExam/data --out runs/curve --sizes 2000 --sizes 8000 --seeds 0
    """
    from cmexam_baseline.baselines.curve_points import Points, measure, usual_sizes
    from cmexam_baseline.cli import console
    from cmexam_baseline.cli.bad_row_table import say_bad_rows
    from cmexam_baseline.cli.curve_summary import draw, show, summary, write_table
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.io.files import refuse_unwritable
    from cmexam_baseline.exam.splits import load_splits

    notes = console.notes()
    refuse_unwritable(out / "points.json")
    splits = load_splits(data, bad_rows, needed=("train", "val"))
    if not quiet:
        say_bad_rows(notes, splits)
    exams = {name: splits[name].exam for name in ("train", "val")}
    wanted = sorted(set(sizes)) or usual_sizes(len(exams["train"]))
    if wanted[-1] > len(exams["train"]):
        raise InputError(f"--sizes {wanted[-1]}: there are {len(exams['train'])} training questions only")
    if len(wanted) < 2:
        raise InputError("a curve needs two sizes or more; repeat --sizes, or leave it out")
    out.mkdir(parents=True, exist_ok=True)
    with console.StageProgress(notes, quiet) as stages:
        points = Points(out / "points.json", exams)
        measured = list(measure(exams, wanted, sorted(set(seeds)) or [0, 1, 2], points, stages))
    found: dict[str, Any] = summary(measured, to)
    write_table(found, out / "curve.csv")
    drawn = draw(found, out / "curve.svg")
    if as_json:
        console.print_json(found)
        return
    show(console.results(), found)
    if not quiet:
        notes.print(f"Points, table{' and chart' if drawn else ''}: {out}")
        if not drawn:
            notes.print("No chart without matplotlib: pip install 'cmexam-baseline[report]'")
