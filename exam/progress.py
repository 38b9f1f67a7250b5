"""How a long step says how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Called as progress(stage, done, total); a stage is a phrase for people, "looking up evidence".
Progress = Callable[[str, int, int], None]


def no_progress(stage: str, done: int, total: int) -> None:
    """The progress of a step that nobody watches."""


class DetailedStage(str):
    """The name of a stage, with what there is to say of it at the moment in `detail`."""

    detail: str

    def __new__(cls, name: str, detail: str) -> DetailedStage:
        stage = super().__new__(cls, name)
        stage.detail = detail
        return stage


def detail_of(stage: str) -> str:
    """What there is to say of a stage, "" for nothing."""
    return getattr(stage, "detail", "")


@dataclass(frozen=True)
class _Prefixed:
    progress: Progress
    prefix: str

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.progress(DetailedStage(f"{self.prefix}: {stage}", detail_of(stage)), done, total)

    def say(self, line: str) -> None:
        remark(self.progress, f"{self.prefix}: {line}")


def prefix_progress(progress: Progress, prefix: str) -> Progress:
    """A progress callback whose stages and remarks begin with `prefix`.

    >>> prefix_progress(lambda stage, done, total: print(stage), "fold 1")("training", 0, 9)
    fold 1: training
    """
    return _Prefixed(progress, prefix)


def remark(progress: Progress | None, line: str) -> None:
    """Pass a line to a callback that takes remarks, as a `StageTimer` does; others are not told."""
    say = getattr(progress, "say", None)
    if say is not None:
        say(line)


class StageTimer:
    """A progress callback that records the seconds of each stage and prints nothing.

    `seconds` maps each finished stage to its time; a stage that is entered twice adds up. `cores` is the processor
    time of the last stage divided by its time: how many cores were busy. Subclasses draw.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage: str | None = None
        self._started = 0.0
        self._processor_started = 0.0
        self.cores = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self.close_stage()
            self._stage, self._started = stage, time.perf_counter()
            self._processor_started = time.process_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block of work that cannot tell how far it is."""
        self(name, 0, 0)
        yield
        self.close_stage()

    def close_stage(self) -> float:
        """End the current stage, if there is one, and return its seconds."""
        if self._stage is None:
            return 0.0
        seconds = time.perf_counter() - self._started
        self.cores = (time.process_time() - self._processor_started) / max(seconds, 1e-9)
        self.seconds[self._stage] = round(self.seconds.get(self._stage, 0.0) + seconds, 3)
        self._stage = None
        return seconds

    def say(self, line: str) -> None:
        """End the current stage; subclasses print `line`, a remark on what came of it."""
        self.close_stage()
