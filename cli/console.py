"""Where messages go: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import StageTimer, detail_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from cmexam_baseline.baselines.training_data import JoinedExam
    from cmexam_baseline.exam import BadRow, ImportedExam, Split

SHOWN_BAD_ROWS = 10


def notes() -> Console:
    """The console for progress and notes (standard error)."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say_remarks(exams: Mapping[str, ImportedExam]) -> None:
    """Print what was assumed or changed when exams were read."""
    for name, each in exams.items():
        for remark in each.notes:
            notes().print(f"{name}: {remark}", markup=False)


def results() -> Console:
    """The console for tables (standard output); as wide as the terminal, 120 columns in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


def sanitize(text: str) -> str:
    """Text from outside as rich should show it: without markup or anything that moves the cursor.

    >>> sanitize("[red]a\\x1b[2J")
    '\\\\[red]a�[2J'
    """
    return escape("".join(char if char.isprintable() or char == "\n" else "�" for char in text))


def percent(fraction: float | None, interval: Sequence[float] | None = None) -> str:
    """A fraction as percent with one digit, a dash for none; with its interval in brackets.

    >>> percent(0.3184), percent(None), percent(0.5, (0.4, 0.61))
    ('31.8', '–', '50.0 [40.0, 61.0]')
    """
    shown = "–" if fraction is None else f"{100 * fraction:.1f}"
    return f"{shown} [{', '.join(map(percent, interval))}]" if interval else shown


def shown_p(p: float) -> str:
    """A p with four digits; none is 0: a permutation test cannot tell below one in its number of trials."""
    return f"{p:.4f}" if p >= 0.0001 else "<0.0001"


def json_text(value: object) -> str:
    """JSON that keeps Chinese readable."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)


def print_json(value: object) -> None:
    """Print `value` as JSON."""
    click.echo(json_text(value))


@contextmanager
def results_to(file: Path | None) -> Iterator[Console]:
    """The console for results: standard output, or a file that is written when the block ends."""
    if file is None:
        yield results()
        return
    text = io.StringIO()
    yield Console(file=text, highlight=False, width=120, force_terminal=False)
    write_atomically(file, text.getvalue())


def new_table(
    headings: Sequence[str], left: Sequence[str] = ("",), title: str | None = None, *, lines: bool = True
) -> Table:
    """An empty table, with or without lines; columns named in `left` are set flush left, others flush right."""
    if lines:
        table = Table(title=title, title_justify="left")
    else:
        table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for name in headings:
        table.add_column(sanitize(name), justify="left" if name in left else "right", overflow="fold")
    return table


def filled_table(
    headings: Sequence[str], left: Sequence[str], rows: Iterable[Sequence[str]], *, lines: bool = True
) -> Table:
    """`new_table` with rows of text from outside."""
    table = new_table(headings, left, lines=lines)
    for row in rows:
        table.add_row(*map(sanitize, row))
    return table


def print_table(output: Console, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table without lines under a heading; the first column flush left, the others right."""
    if title:
        output.print(f"\n{sanitize(title)}", style="bold")
    output.print(filled_table(header, header[:1], rows, lines=False))


class StageProgress(StageTimer):
    """Progress by named stage: a bar on a terminal, a line with its seconds when a stage ends.

    A stage may carry a `detail`, shown beside the bar and after the seconds.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        super().__init__()
        self._console = console
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._detail = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        is_new = stage != self._stage
        super().__call__(stage, done, total)
        self._detail = detail_of(stage)
        if self._bar is not None:
            if is_new:
                self._task = self._bar.add_task(sanitize(stage), total=total or None, detail="")
            if self._task is not None:
                self._bar.update(
                    self._task, completed=done, total=total or None, detail=sanitize(self._detail)
                )

    def close_stage(self) -> float:
        """End the current stage and print how long it took and how many cores it kept busy."""
        stage, seconds = self._stage, super().close_stage()
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        if stage is not None and not self._quiet:
            line = f"  {stage:<44} {seconds:7.1f} s  {self.cores:3.1f} cores  {self._detail}"
            self._console.print(sanitize(line.rstrip()), style="dim")
        return seconds

    def say(self, line: str) -> None:
        """End the current stage and print a line of what came of it."""
        super().say(line)
        if not self._quiet:
            self._console.print(f"  {sanitize(line)}", style="dim")

    def __enter__(self) -> StageProgress:
        if not self._quiet and self._console.is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("  {task.description}"),
                BarColumn(bar_width=20),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}"),
                console=self._console,
                transient=True,
            )
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if exception[0] is None:
            self.close_stage()
        if self._bar is not None:
            self._bar.stop()


def say_bad_rows(console: Console, splits: Mapping[str, Split]) -> None:
    """Print a table of the rows that were left out or look wrong, and how many there are of each."""
    from cmexam_baseline.exam.errors import count_left_out

    rows = [row for split in splits.values() for row in split.bad_rows]
    if not rows:
        return
    left_out = count_left_out(rows)
    kept = len({(row.file, row.row) for row in rows}) - left_out
    console.print(f"{left_out} rows left out, {kept} kept with a remark:")
    console.print(bad_row_table(rows, SHOWN_BAD_ROWS))
    if len(rows) > SHOWN_BAD_ROWS:
        console.print(f"… and {len(rows) - SHOWN_BAD_ROWS} more; `cmexam-baseline data check` lists all")


def bad_row_table(rows: Sequence[BadRow], shown: int | None = None) -> Table:
    """File, row, reason and excerpt of the first rows, those that were left out before those only remarked on."""
    headings = ("file", "row", "left out", "reason", "excerpt")
    cells = (
        (Path(row.file).name, str(row.row), "yes" if row.left_out else "", row.reason, row.excerpt)
        for row in sorted(rows, key=lambda row: not row.left_out)[:shown]
    )
    return filled_table(headings, (*headings[:1], *headings[2:]), cells, lines=False)


def say_extra(console: Console, joined: JoinedExam | None) -> None:
    """A line per exam that joined the training questions: how many of its questions did, how many did not, and why."""
    reasons = {
        "excluded_val": "overlap with val",
        "excluded_test": "overlap with test",
        "excluded_train": "occur in train",
        "excluded_other": "occur in an earlier file",
    }
    for source, counts in joined.counts().items() if joined is not None else ():
        out = [f"{counts[name]:,} {why}" for name, why in reasons.items() if name in counts]
        left = f"; left out: {', '.join(out)}" if out else ""
        console.print(f"{sanitize(source)}: {counts['joined']:,} questions join the training questions{left}")
