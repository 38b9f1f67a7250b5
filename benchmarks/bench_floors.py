"""Speed that must not be lost: ratios of processor time to named peers in the same run, each with its floor.

    pytest benchmarks -m small            # under a minute; fails if a ratio falls under its floor

Ratios of processor time, not seconds: they hold on a slow machine and on a busy one. A ratio is measured up to
three times before it counts as lost.
"""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from typing import Any

import comparisons_answers
import comparisons_explanations
import comparisons_score
import comparisons_segment
import pytest
from comparison import Comparison, Timings, shortfalls

MODULES = (comparisons_answers, comparisons_explanations, comparisons_segment, comparisons_score)
SMALL = {comparison.key: comparison for module in MODULES for comparison in module.small()}
TRIES = 3
ROUNDS = 5


def processor_time() -> float:
    """Seconds of processor time of this process and of the processes that it has started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@pytest.mark.small
@pytest.mark.benchmark(group="floors", timer=processor_time, disable_gc=True)
@pytest.mark.parametrize("key", SMALL)
def bench_floor(benchmark: Any, key: str) -> None:
    comparison = SMALL[key]
    if comparison.agree is not None:
        comparison.agree()
    benchmark.pedantic(comparison.ours.run, rounds=ROUNDS, warmup_rounds=1)
    # Among several test processes pytest-benchmark measures nothing.
    ours = benchmark.stats.stats.min if benchmark.stats else best(comparison.ours.run, ROUNDS)
    missed = lost_floors(comparison, ours)
    assert not missed, missed


def lost_floors(comparison: Comparison, ours: float) -> list[str]:
    """One line for each floor that is not reached in any of a few tries; `ours` is the time of the first."""
    for _ in range(TRIES):
        peers = {peer.name: best(peer.run, peer.repeats) for peer in comparison.peers}
        missed = shortfalls(comparison, Timings({comparison.ours.name: ours, **peers}))
        if not missed:
            return []
        ours = min(ours, best(comparison.ours.run, ROUNDS))
    return missed


def best(run: Callable[[], object], repeats: int) -> float:
    """The least processor time of a few calls, without the garbage collector's share."""
    seconds = []
    for _ in range(repeats):
        gc.collect()
        gc.disable()
        try:
            start = processor_time()
            run()
            seconds.append(processor_time() - start)
        finally:
            gc.enable()
    return min(seconds)
