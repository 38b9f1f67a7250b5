"""Token streams of many texts: characters, words and numbers of a column in flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import offsets_of, take_spans

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


_MISSING_TYPES = {"NAType", "NaTType", "MaskedConstant"}


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, pandas.NA or a masked entry.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return value is None or type(value).__name__ in _MISSING_TYPES


def column(values: Iterable[Any], name: str, content: str) -> list[Any]:
    """The values as a list, with None for missing ones (see `is_missing`); `content` says what they should be.

    Takes lists, arrays, masked arrays, columns of data frames and iterators. Raises `TypeError` beginning with
    `name` for one string, and for sets and mappings, whose order means nothing.

    >>> column(iter(["A", float("nan")]), "predicted", "answers")
    ['A', None]
    """
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list or array of {content}, not one string; give [{name}]")
    if isinstance(values, (Set, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list or array of {content}, not {type(values).__name__}")
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ValueError(f"{name} must have one dimension; its shape is {values.shape}")
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
        values = values.tolist()
    entries = list(values)
    if set(map(type, entries)) <= {str, type(None)}:
        return entries
    return [None if is_missing(entry) else entry for entry in entries]


_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False)
class TokenStreams:
    """The tokens of n pairs as numbers, one flat array: reference 0, prediction 0, reference 1, …

    `ids` (uint32) are numbers below `n_types`; equal tokens of a pair have equal numbers. The tokens of
    reference i are `ids[offsets[2 * i]:offsets[2 * i + 1]]`, those of its prediction follow them.
    """

    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    n_types: int

    def __len__(self) -> int:
        return len(self.offsets) // 2

    @property
    def reference_lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each reference, int64 (n,)."""
        return self.offsets[1::2] - self.offsets[:-1:2]

    @property
    def prediction_lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each prediction, int64 (n,)."""
        return self.offsets[2::2] - self.offsets[1:-1:2]

    def pairs(self, index: NDArray[np.int64]) -> TokenStreams:
        """The streams of some pairs alone."""
        ids, offsets = take_pairs(self.ids, self.offsets, index)
        return TokenStreams(ids, offsets, self.n_types)


def take_pairs(
    values: NDArray[_Value], offsets: NDArray[np.int64], index: NDArray[np.int64]
) -> tuple[NDArray[_Value], NDArray[np.int64]]:
    """The values of some pairs alone and their offsets, for values laid out as in `TokenStreams`.

    >>> take_pairs(np.array([5, 6, 7, 8]), np.array([0, 1, 2, 2, 4]), np.array([1]))
    (array([7, 8]), array([0, 0, 2]))
    """
    sides = (2 * index[:, None] + np.arange(2)).ravel()
    lengths = np.diff(offsets)[sides]
    return take_spans(values, offsets[sides], lengths), offsets_of(lengths)


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
