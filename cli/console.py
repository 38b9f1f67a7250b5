"""Where messages go: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import StageTimer, detail_of


def notes() -> Console:
    """The console for progress and notes (standard error)."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


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


def percent(fraction: float | None) -> str:
    """A fraction as percent with one digit, a dash for none.

    >>> percent(0.3184), percent(None)
    ('31.8', '–')
    """
    return "–" if fraction is None else f"{100 * fraction:.1f}"


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


def print_table(output: Console, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table without lines under a heading; the first column flush left, the others right."""
    if title:
        output.print(f"\n{sanitize(title)}", style="bold")
    table = Table(box=None, header_style="bold")
    for place, name in enumerate(header):
        table.add_column(sanitize(name), justify="right" if place else "left")
    for row in rows:
        table.add_row(*map(sanitize, row))
    output.print(table)


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
