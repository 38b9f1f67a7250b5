"""Blocks of questions, processed in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cmexam_baseline.metrics.cpu_count import cpu_count

Block = TypeVar("Block")
Result = TypeVar("Result")

# Each thread holds arrays of its own, as large as a block of questions times all sentences.
_MAX_THREADS = 8


def in_threads(task: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """The result of `task` for each block, in the order of the blocks; one thread per processor.

    >>> list(in_threads(len, [[1, 2], [], [3]]))
    [2, 0, 1]
    """
    with ThreadPoolExecutor(min(cpu_count(), _MAX_THREADS)) as threads:
        yield from threads.map(task, blocks)
