"""What is no comparison of times: one pair alone, growth, memory, and what loading costs."""

from __future__ import annotations

import subprocess
import sys
import timeit
from collections.abc import Callable

from comparison import time_once
from pairs import benchmark_pairs

_GROWTH = 10
_MEMORY_SCRIPT = """
import resource, sys
from pairs import benchmark_pairs
from cmexam_baseline import metrics
pairs = benchmark_pairs().times({times})
metrics.score_profiles(pairs.references[:50], pairs.predictions[:50], ["cmexam", "google"])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
metrics.score_profiles(pairs.references, pairs.predictions, ["cmexam", "google"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
_IMPORT_SCRIPT = """
import time
start = time.perf_counter()
import cmexam_baseline.metrics as metrics
metrics.score_explanations
print(time.perf_counter() - start)
"""
_FIRST_CALL_SCRIPT = """
import time
from cmexam_baseline import metrics
metrics.score_explanations
start = time.perf_counter()
metrics.score_explanations(["发热伴咳嗽。"], ["发热，咳嗽。"])
print(time.perf_counter() - start)
"""


def single_figures() -> dict[str, tuple[float, float]]:
    """By description: the figure measured, and the greatest one allowed."""
    from cmexam_baseline import metrics

    pairs = benchmark_pairs()
    more = pairs.times(_GROWTH)
    profiles = ["cmexam", "google"]
    one = (pairs.references[:1], pairs.predictions[:1])
    metrics.score_explanations(*one)
    # Collecting garbage between calls, as `time_once` does, would empty the caches for so short a call.
    alone = min(timeit.repeat(lambda: metrics.score_explanations(*one), number=20, repeat=10)) / 20
    all_pairs, ten_times = (
        _best(lambda sides=sides: metrics.score_profiles(sides.references, sides.predictions, profiles), 5)
        for sides in (pairs, more)
    )
    scores = metrics.score_explanations(pairs.references, pairs.predictions)
    resampled = _best(lambda: metrics.bootstrap(scores, resamples=1000), 5)
    return {
        "1,000 bootstrap resamples of all figures, seconds": (resampled, 0.5),
        "one pair alone, after the first call, milliseconds": (1e3 * alone, 1),
        "ten times the pairs, times as long": (ten_times / all_pairs, 11),
        "ten times the pairs, MB of memory beyond the input": (
            _of_process(_MEMORY_SCRIPT.format(times=_GROWTH)) / 1e3,
            200,
        ),
        "import and look-up of score_explanations, seconds": (
            min(_of_process(_IMPORT_SCRIPT) for _ in range(5)),
            0.15,
        ),
        "the first call of a process, seconds": (min(_of_process(_FIRST_CALL_SCRIPT) for _ in range(5)), 0.5),
    }


def _best(run: Callable[[], object], repeats: int) -> float:
    return min(time_once(run) for _ in range(repeats))


def _of_process(script: str) -> float:
    command = [sys.executable, "-c", script]
    folder = __file__.rsplit("/", 1)[0]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout)
