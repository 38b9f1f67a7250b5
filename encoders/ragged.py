"""Rows of unequal length in one flat array."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import offsets_of

Number = TypeVar("Number", bound=np.generic)


def within(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of every element of rows of these lengths: its place in its row.

    >>> within(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    offsets = offsets_of(lengths)
    return np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)


def gather(flat: NDArray[Number], starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[Number]:
    """The pieces flat[starts[i] : starts[i] + lengths[i]], one after the other.

    >>> gather(np.array([10, 11, 12, 13]), np.array([2, 0]), np.array([2, 1])).tolist()
    [12, 13, 10]
    """
    pieces: NDArray[Number] = flat[np.repeat(starts, lengths) + within(lengths)]
    return pieces


def sums(values: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of every row values[offsets[i] : offsets[i + 1]]; an empty row sums to 0.

    >>> sums(np.array([1, 2, 4]), np.array([0, 2, 2, 3])).tolist()
    [3, 0, 4]
    """
    total = offsets_of(values)
    return total[offsets[1:]] - total[offsets[:-1]]


def largest(values: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest value of every row; 0 of an empty one.

    >>> largest(np.array([1, 2, 4]), np.array([0, 2, 2, 3])).tolist()
    [2, 0, 4]
    """
    result = np.zeros(len(offsets) - 1, np.int64)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        result[filled] = np.maximum.reduceat(values, offsets[:-1][filled])
    return result
