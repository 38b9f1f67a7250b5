"""Rows of unequal length in one flat array: row i is `values[offsets[i]:offsets[i + 1]]`.

`offsets` has one entry more than there are rows, begins with 0 and ends with the number of values.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import IntArray

_Value = TypeVar("_Value", bound=np.generic)


def offsets_of(lengths: npt.ArrayLike) -> IntArray:
    """Where rows of these lengths begin in their concatenation, and where the last one ends.

    >>> offsets_of([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    sizes = np.asarray(lengths, np.int64)
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def row_numbers(offsets: npt.NDArray[Any]) -> IntArray:
    """The row of each value.

    >>> row_numbers(np.array([0, 2, 2, 5])).tolist()
    [0, 0, 2, 2, 2]
    """
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def positions(offsets: npt.NDArray[Any]) -> IntArray:
    """The position of each value in its row, from 0.

    >>> positions(np.array([0, 2, 2, 5])).tolist()
    [0, 1, 0, 1, 2]
    """
    found: IntArray = np.arange(int(offsets[-1])) - np.repeat(offsets[:-1], np.diff(offsets))
    return found


def span_indices(starts: npt.NDArray[Any], lengths: npt.NDArray[Any]) -> IntArray:
    """The indices of all spans `starts[i]` to `starts[i] + lengths[i]`, one span after the other.

    >>> span_indices(np.array([3, 10]), np.array([2, 3])).tolist()
    [3, 4, 10, 11, 12]
    """
    offsets = offsets_of(lengths)
    indices = np.arange(offsets[-1])
    indices += np.repeat(starts - offsets[:-1], lengths)
    return indices


def take_spans(
    values: npt.NDArray[_Value], starts: npt.NDArray[Any], lengths: npt.NDArray[Any]
) -> npt.NDArray[_Value]:
    """The spans `values[starts[i]:starts[i] + lengths[i]]`, one after the other.

    >>> take_spans(np.array([10, 11, 12, 13]), np.array([2, 0]), np.array([2, 1])).tolist()
    [12, 13, 10]
    """
    return values[span_indices(starts, lengths)]


def row_sums(values: npt.NDArray[Any], offsets: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The sum of each row, 0 for an empty one: int64 of integers and booleans, else float64.

    The sum of a row does not depend on the other rows, to the last bit.

    >>> row_sums(np.array([1, 2, 4]), np.array([0, 2, 2, 3])).tolist()
    [3, 0, 4]
    """
    if values.dtype.kind in "biu":
        totals = offsets_of(values)
        sums: npt.NDArray[Any] = totals[offsets[1:]] - totals[offsets[:-1]]
        return sums
    return np.bincount(row_numbers(offsets), values, len(offsets) - 1).astype(np.float64, copy=False)


def row_max(values: npt.NDArray[_Value], offsets: npt.NDArray[Any]) -> npt.NDArray[_Value]:
    """The greatest value of each row, 0 for an empty one.

    >>> row_max(np.array([1.0, 3.0, 2.0]), np.array([0, 2, 2, 3])).tolist()
    [3.0, 0.0, 2.0]
    """
    greatest = np.zeros(len(offsets) - 1, values.dtype)
    filled = offsets[:-1] < offsets[1:]
    if filled.any():
        greatest[filled] = np.maximum.reduceat(values, offsets[:-1][filled])
    return greatest
