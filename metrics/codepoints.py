"""Texts as arrays of Unicode code points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import offsets_of

BLANK = 2
"""Kind of U+0020; other whitespace is 1, everything else 0. See `kinds`."""

_BEYOND_WHITESPACE = 0x3001
_KINDS = np.array([chr(code).isspace() for code in range(_BEYOND_WHITESPACE + 1)], np.uint8)
_KINDS[ord(" ")] = BLANK


def encode(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """All code points of the texts in one array, and the offsets (n + 1,) at which texts begin and end.

    Lone surrogates are code points like others.

    >>> codes, offsets = encode(["ab", "", "癌"])
    >>> codes.tolist(), offsets.tolist()
    ([97, 98, 30284], [0, 2, 2, 3])
    """
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return np.frombuffer(joined, "<u4").astype(np.uint32, copy=False), offsets_of(lengths)


def kinds(codes: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """For each code point 0, or 1 if `str.isspace` is true, or `BLANK` if it is U+0020.

    >>> kinds(encode(["a b\\n"])[0]).tolist()
    [0, 2, 0, 1]
    """
    # Everything from U+3001 on is clipped to U+3001, which is no whitespace, like everything beyond it.
    return _KINDS.take(codes, mode="clip")


def number_code_points(codes: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], int]:
    """Consecutive numbers from 0 for the code points that occur, and how many there are.

    >>> number_code_points(np.array([97, 30284, 97], np.uint32))
    (array([0, 1, 0], dtype=uint32), 2)
    """
    places = codes.astype(np.intp)  # numpy would convert them again at each use
    present = np.zeros(int(codes.max(initial=0)) + 1, np.bool_)
    present[places] = True
    different = np.flatnonzero(present)
    numbers = np.empty(len(present), np.uint32)
    numbers[different] = np.arange(len(different))
    # "wrap" because no place is out of bounds, and saying so saves the check.
    return numbers.take(places, mode="wrap"), len(different)
