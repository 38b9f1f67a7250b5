"""Blocks of questions, shared out among the processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Block = TypeVar("Block")
Result = TypeVar("Result")

# Each thread holds arrays of its own, as large as a block of questions times all sentences.
_MOST = 8


def in_threads(task: Callable[[Block], Result], blocks: Iterable[Block]) -> Iterator[Result]:
    """The result of `task` for each block, in the order of the blocks, from as many threads as processors.

    >>> list(in_threads(len, [[1, 2], [], [3]]))
    [2, 0, 1]
    """
    with ThreadPoolExecutor(min(processors(), _MOST)) as threads:
        yield from threads.map(task, blocks)


def processors() -> int:
    """How many processors this process may use; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
