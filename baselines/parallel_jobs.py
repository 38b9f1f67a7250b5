"""Independent trainings side by side, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics.threads import cpu_count


def threads_per_job(jobs: int) -> int:
    """How many threads each of `jobs` processes may use, so that together they use every processor once."""
    return max(1, cpu_count() // jobs)


def run_jobs(
    work: Callable[..., Any], calls: Sequence[tuple[Any, ...]], jobs: int
) -> Iterator[tuple[int, Any]]:
    """Call `work` with each of `calls` in up to `jobs` processes; yields (index of the call, result) as they end.

    `work`, its arguments and its results must be picklable. After an exception, calls that have not started are
    cancelled. Raises what `work` raises, and `InputError` where a process was killed.

    >>> sorted(run_jobs(pow, [(2, 3), (2, 4)], 2))
    [(0, 8), (1, 16)]
    """
    threads = str(threads_per_job(jobs))
    with ProcessPoolExecutor(
        min(jobs, len(calls)), multiprocessing.get_context("spawn"), _limit_threads, (threads,)
    ) as pool:
        futures = {pool.submit(work, *call): i for i, call in enumerate(calls)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise InputError("a process was killed, perhaps for want of memory; use fewer `jobs`") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _limit_threads(threads: str) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, threads)
