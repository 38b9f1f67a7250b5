"""`cmexam-baseline leaderboard`: all systems and the published ones in one table and one chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.baselines.leaderboard_entries import Standing

COLUMNS = ("", "system", "kind", "size", "questions", "accuracy", "95% interval", "weighted F1")


@click.command()
@click.argument("systems", nargs=-1, type=click.Path(path_type=Path))
@click.option("--exam", type=click.Path(path_type=Path), help="The exam that prediction files answer.")
@click.option(
    "--train",
    type=click.Path(path_type=Path),
    help="The training exam, for the free baseline that counts its letters.",
)
@click.option(
    "--split",
    type=click.Choice(["val", "test"]),
    help="Which split to rank.  [test, or val where no system has test]",
)
@click.option(
    "--size", "sizes", multiple=True, metavar="SYSTEM=SIZE", help="Parameters of a system, as in bert=0.1B."
)
@click.option("--no-published", is_flag=True, help="Without the rows of the paper's Table 3.")
@click.option(
    "--chart", type=click.Path(path_type=Path), help="Draw accuracy against size: .svg, .png or .pdf."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "markdown", "csv"]),
    default="table",
    show_default=True,
    help="How to print the ranking.",
)
@BAD_ROWS
@AS_JSON
def leaderboard(
    systems: tuple[Path, ...],
    exam: Path | None,
    train: Path | None,
    split: str | None,
    sizes: tuple[str, ...],
    no_published: bool,
    chart: Path | None,
    form: str,
    bad_rows: str,
    as_json: bool,
) -> None:
    """Rank SYSTEMS: run folders, reports of `score --json`, prediction files, and folders that hold such.

    Runs and reports bring their figures along; prediction files are scored on --exam, unanswered questions
    counting as wrong. Baselines that cost nothing stand among them, and the paper's rows, marked: they are
    figures on CMExam's own test split of 6,811 questions.

    \b
    Examples:
      cmexam-baseline leaderboard runs
      cmexam-baseline leaderboard runs/lightgbm replies.jsonl --exam test.csv --chart board.svg
      cmexam-baseline leaderboard runs --format markdown --size encoder=35.7M
    """
    from cmexam_baseline.baselines.leaderboard_entries import published_standings, ranked, with_sizes
    from cmexam_baseline.cli import console

    if chart is not None and chart.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InputError(f"{chart}: charts end in .svg, .png or .pdf")
    own = _read(systems, exam, train, split, bad_rows)
    if own:
        split = split or ("test" if any(each.split == "test" for each in own) else "val")
        own = [each for each in own if each.split == split]
        if not own:
            raise InputError(f"no system has figures on {split}; give another --split")
    standings = ranked(with_sizes([*own, *([] if no_published else published_standings())], _sizes(sizes)))
    if not standings:
        raise InputError("nothing to rank; give run folders or prediction files, or leave out --no-published")
    if chart is not None:
        from cmexam_baseline.cli.charts import draw_leaderboard

        draw_leaderboard(standings, chart)
    if as_json:
        console.print_json({"split": split or "test", "systems": [each.to_dict() for each in standings]})
        return
    PRINTERS[form](standings, split or "test")


def _read(
    systems: Sequence[Path], exam: Path | None, train: Path | None, split: str | None, bad_rows: str
) -> list[Standing]:
    from cmexam_baseline.baselines.leaderboard_entries import (
        find_systems,
        score_report,
        standings_of_report,
        standings_of_run,
    )

    runs, files = find_systems(systems)
    reports = [file for file in files if score_report(file) is not None]
    predictions = [file for file in files if file not in reports]
    standings = [each for folder in runs for each in standings_of_run(folder)]
    standings += [each for file in reports for each in standings_of_report(file)]
    if predictions and exam is None:
        raise InputError(f"{predictions[0]} holds predictions; give the exam that they answer as --exam")
    return standings + ([] if exam is None else _answered(predictions, exam, train, split, bad_rows))


def _answered(
    files: Sequence[Path], path: Path, train: Path | None, split: str | None, bad_rows: str
) -> list[Standing]:
    """The systems of prediction files and the free baselines on the exam at `path`."""
    from cmexam_baseline.baselines.leaderboard_entries import (
        standings_of_free_baselines,
        standings_of_predictions,
    )
    from cmexam_baseline.exam.splits import load_exam, split_of, stem_of

    if path.is_dir() and split is None:
        raise InputError(f"{path} is a folder; say which split the predictions answer with --split")
    exam = load_exam(path, split if path.is_dir() else None, bad_rows).exam
    known = None if train is None else load_exam(train, "train" if train.is_dir() else None, bad_rows).exam
    name = split or split_of(stem_of(path)) or "test"
    systems = [each for file in files for each in standings_of_predictions(file, exam, name)]
    return systems + standings_of_free_baselines(exam, known, name)


def _sizes(options: Sequence[str]) -> dict[str, float]:
    from cmexam_baseline.baselines.leaderboard_entries import parse_size

    sizes = {}
    for option in options:
        name, sign, size = option.rpartition("=")
        if not sign or not name:
            raise InputError(f"--size {option!r}: write it as in bert=0.1B")
        sizes[name] = parse_size(size)
    return sizes


def _rows(standings: Sequence[Standing]) -> list[tuple[str, ...]]:
    from cmexam_baseline.cli.percent import percent

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
        for rank, each in enumerate(standings, 1)
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


def _print_table(standings: Sequence[Standing], split: str) -> None:
    from rich.table import Table

    from cmexam_baseline.cli import console

    table = Table(box=None, header_style="bold", title=f"Accuracy on {split}, percent", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("system", "kind") else "right")
    for each, row in zip(standings, _rows(standings), strict=True):
        table.add_row(*row, style="dim" if each.kind == "published" else None)
    console.results().print(table)
    notes = [_published_note(standings), _mixed_note(standings)]
    for note in filter(None, notes):
        console.results().print(note, style="dim")


def _print_markdown(standings: Sequence[Standing], split: str) -> None:
    def cell(text: str) -> str:
        return text.replace("|", "\\|")

    click.echo("| " + " | ".join(COLUMNS) + " |")
    click.echo("|" + "|".join("---" if name in ("system", "kind") else "---:" for name in COLUMNS) + "|")
    for row in _rows(standings):
        click.echo("| " + " | ".join(map(cell, row)) + " |")
    for note in filter(None, [_published_note(standings), _mixed_note(standings)]):
        click.echo(f"\n{note}")


def _print_csv(standings: Sequence[Standing], split: str) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["system", "kind", "split", "n", "accuracy", "low", "high", "weighted_f1", "size"])
    for each in standings:
        low, high = each.interval or ("", "")
        f1, size = ("" if value is None else value for value in (each.weighted_f1, each.size))
        table.writerow([each.system, each.kind, each.split, each.n or "", each.accuracy, low, high, f1, size])
    click.echo(text.getvalue(), nl=False)


PRINTERS: dict[str, Callable[[Sequence[Standing], str], None]] = {
    "table": _print_table,
    "markdown": _print_markdown,
    "csv": _print_csv,
}


def _published_note(standings: Sequence[Standing]) -> str:
    if not any(each.kind == "published" for each in standings):
        return ""
    return (
        "Published: Liu et al. 2023, Table 3, on CMExam's whole test split; the intervals are those of its "
        "6,811 questions. Figures on other questions are not strictly comparable."
    )


def _mixed_note(standings: Sequence[Standing]) -> str:
    exams = {each.questions for each in standings if each.questions}
    return f"These systems answered {len(exams)} different sets of questions." if len(exams) > 1 else ""
