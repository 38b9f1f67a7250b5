"""Where messages go: results to standard output, progress and notes to standard error."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cmexam_baseline.exam.progress import detail_of


def notes() -> Console:
    """The console for progress and notes (standard error)."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def results() -> Console:
    """The console for tables (standard output); as wide as the terminal, 120 columns in a pipe."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=120)


def plain(text: str) -> str:
    """Text from outside as rich should show it: without markup or anything that moves the cursor.

    >>> plain("[red]a\\x1b[2J")
    '\\\\[red]a�[2J'
    """
    return escape("".join(char if char.isprintable() or char == "\n" else "�" for char in text))


def print_json(value: object) -> None:
    """Print `value` as JSON that keeps Chinese readable."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


class Stages:
    """Progress by named stage: a bar on a terminal, a line with its seconds when a stage ends.

    An instance is the `progress` callback that baselines take: `stages(stage, done, total)`.
    A stage may carry a `detail`, what there is to say of it at the moment. `seconds` holds each stage's time
    when the work is over.
    """

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stage: str | None = None
        self._detail = ""
        self._started = 0.0
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self.close_stage()
            self._stage, self._started = stage, time.perf_counter()
            if self._bar is not None:
                self._task = self._bar.add_task(stage, total=total or None, detail="")
        self._detail = detail_of(stage)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None, detail=self._detail)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block of work that cannot tell how far it is."""
        self(name, 0, 0)
        yield
        self.close_stage()

    def close_stage(self) -> None:
        """End the current stage and say how long it took."""
        if self._stage is None:
            return
        seconds = time.perf_counter() - self._started
        self.seconds[self._stage] = round(self.seconds.get(self._stage, 0.0) + seconds, 3)
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
        if not self._quiet:
            line = f"  {self._stage:<44} {seconds:7.1f} s  {self._detail}"
            self._console.print(line.rstrip(), style="dim")
        self._stage = self._task = None

    def say(self, line: str) -> None:
        """End the current stage and print a line of what came of it."""
        self.close_stage()
        if not self._quiet:
            self._console.print(f"  {line}", style="dim")

    def __enter__(self) -> Stages:
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
