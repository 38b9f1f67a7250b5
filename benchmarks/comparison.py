"""The same work done by ours and by others, timed in turn in one process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Contender:
    """Something that does the work: `run` is called without arguments, `repeats` times, and its best time counts."""

    name: str
    run: Callable[[], object]
    repeats: int = 5


@dataclass(frozen=True)
class Comparison:
    """Ours against peers at one piece of work.

    `floors` says how many times faster ours has to be than a peer, or than several joined by " + " together.
    `agree` raises `AssertionError` if contenders that should give the same figures do not.
    """

    key: str
    title: str
    work: str
    ours: Contender
    peers: Sequence[Contender]
    floors: dict[str, float] = field(default_factory=dict)
    agree: Callable[[], None] | None = None


@dataclass(frozen=True)
class Timings:
    """Best seconds by contender's name; ours is the first."""

    seconds: dict[str, float]

    @property
    def ours(self) -> float:
        return next(iter(self.seconds.values()))

    def ratio(self, peers: str) -> float:
        """How many times as long as ours these peers (joined by " + ") take together."""
        return sum(self.seconds[peer] for peer in peers.split(" + ")) / self.ours


def measure(comparison: Comparison) -> Timings:
    """Time all contenders, taking turns so that a slow spell of the machine meets each of them."""
    if comparison.agree is not None:
        comparison.agree()
    contenders = [comparison.ours, *comparison.peers]
    comparison.ours.run()  # what is loaded or built at the first call is told apart
    seconds = {contender.name: float("inf") for contender in contenders}
    for turn in range(max(contender.repeats for contender in contenders)):
        for contender in contenders:
            if turn < contender.repeats:
                seconds[contender.name] = min(seconds[contender.name], time_once(contender.run))
    return Timings(seconds)


def time_once(run: Callable[[], object]) -> float:
    """Seconds of one call, without the garbage collector's own moments."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
    finally:
        gc.enable()


def shortfalls(comparison: Comparison, timings: Timings) -> list[str]:
    """One line for each floor that is not reached."""
    return [
        f"{comparison.title}: {timings.ratio(peers):.1f} times faster than {peers}, must be {floor:g}"
        for peers, floor in comparison.floors.items()
        if timings.ratio(peers) < floor
    ]
