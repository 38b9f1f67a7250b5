"""Lengths of the longest common subsequences of many pairs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_SURROGATE = 0xD800


def lcs_lengths(numbers: NDArray[Any], offsets: NDArray[np.int64], n_numbers: int) -> NDArray[np.int64]:
    """The LCS length of each pair of sequences of numbers below `n_numbers`.

    The sequences are laid out as in `TokenStreams`: `offsets` (2 n + 1,) bounds the reference and the
    prediction of each pair in turn. The work is done by rapidfuzz's bit-parallel `LCSseq` (Hyyrö 2004), which
    is fastest on bytes, then on strings, and takes lists of any numbers.

    >>> lcs_lengths(np.array([1, 2, 3, 2, 3, 1], np.uint32), np.array([0, 3, 6]), 4).tolist()
    [2]
    """
    # Importing rapidfuzz takes longer than most calls and is not needed for accuracy.
    from rapidfuzz import process
    from rapidfuzz.distance import LCSseq

    sequences: Any = _as_sequence(numbers, n_numbers)
    bounds = offsets.tolist()
    sides = [sequences[start:end] for start, end in pairwise(bounds)]
    lengths: NDArray[np.int64] = process.cpdist(
        sides[::2], sides[1::2], scorer=LCSseq.similarity, dtype=np.int64
    )
    return lengths


def _as_sequence(numbers: NDArray[Any], n_numbers: int) -> bytes | str | list[int]:
    if n_numbers <= 256:
        return numbers.astype(np.uint8, copy=False).tobytes()
    if n_numbers <= _FIRST_SURROGATE:
        return numbers.astype("<u4").tobytes().decode("utf-32-le")
    numbers_alone: list[int] = numbers.tolist()
    return numbers_alone
