"""Words as numbers, without a Python string per word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.codepoints import number_code_points

_LONG = np.uint64(1 << 63)
_FEWEST_BITS = 8


@dataclass(frozen=True, eq=False)
class WordSpans:
    """Words as spans of code points: word i is `codes[starts[i]:starts[i] + lengths[i]]`.

    The words of text t are those from `offsets[t]` to `offsets[t + 1]`.
    """

    codes: NDArray[np.uint32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]


def number_words(spans: WordSpans) -> tuple[NDArray[np.uint32], int]:
    """Consecutive numbers from 0 for the different words, and how many there are.

    Words of a few characters are packed into one integer each, and long ones go by a dictionary.

    >>> codes = np.array([97, 98, 97, 98, 98], np.uint32)
    >>> starts, lengths = np.array([0, 2, 4]), np.array([2, 2, 1])
    >>> numbers, n_words = number_words(WordSpans(codes, starts, lengths, np.array([0, 3])))
    >>> numbers[0] == numbers[1] != numbers[2], n_words
    (np.True_, 2)
    """
    characters, n_characters = number_code_points(spans.codes)
    bits = n_characters.bit_length()
    most = 63 // bits if bits else 1
    keys = np.zeros(len(spans.starts), np.uint64)
    for place in range(min(most, int(spans.lengths.max(initial=0)))):
        reaching = np.flatnonzero(spans.lengths > place)
        packed = characters[spans.starts[reaching] + place].astype(np.uint64)
        # Numbers from 1 on, so that a shorter word never packs to the same integer as a longer one.
        keys[reaching] |= (packed + np.uint64(1)) << np.uint64(bits * place)
    long = np.flatnonzero(spans.lengths > most)
    seen: dict[bytes, int] = {}
    for word in long.tolist():
        start = spans.starts[word]
        content = spans.codes[start : start + spans.lengths[word]].tobytes()
        keys[word] = _LONG | np.uint64(seen.setdefault(content, len(seen)))
    return number_keys(keys)


def number_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], int]:
    """Consecutive numbers from 0 for the different keys, in no particular order, and how many there are.

    Many times faster than sorting: every key is written into a table at a position computed from it. Keys that
    are found there afterwards have their number; the others, overwritten, are placed in another table.

    >>> number_keys(np.array([7, 5, 7], np.uint64))[1]
    2
    """
    numbers = np.empty(len(keys), np.uint32)
    n_different = 0
    rows = np.arange(len(keys))
    multipliers = np.random.default_rng(0)
    while len(keys):
        bits = max(len(keys).bit_length() - 1, _FEWEST_BITS)
        multiplier = multipliers.integers(1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        places = ((keys * multiplier) >> np.uint64(64 - bits)).astype(np.int64)
        table = np.empty(1 << bits, np.uint64)
        table[places] = keys
        found = table[places] == keys
        taken = np.zeros(1 << bits, np.bool_)
        taken[places] = True
        different = np.flatnonzero(taken)
        numbers_of_places = np.empty(1 << bits, np.uint32)
        numbers_of_places[different] = np.arange(n_different, n_different + len(different))
        n_different += len(different)
        numbers[rows[found]] = numbers_of_places[places[found]]
        rows, keys = rows[~found], keys[~found]
    return numbers, n_different
