"""Columns as they come in, answers or explanations: lists with None for missing values, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard
from zlib import crc32

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from cmexam_baseline.metrics.profiles import Profile

_MISSING_TYPES = {"NAType", "NaTType", "MaskedConstant"}
_PLAIN = {str, type(None)}


def is_plain_array(values: object) -> TypeGuard[np.ndarray[Any, Any]]:
    """Whether values are an array without a mask; to name MaskedArray would import numpy.ma, which takes 15 ms."""
    return isinstance(values, np.ndarray) and not hasattr(values, "mask")


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
    if is_plain_array(values):
        values = values.tolist()
    entries = list(values)
    if set(map(type, entries)) <= _PLAIN:
        return entries
    return [None if is_missing(entry) else entry for entry in entries]


@dataclass(frozen=True, eq=False)
class Pairs:
    """n rows of input as pairs of a reference and a prediction, both texts or lists of tokens.

    `rows` is the row of each pair, in order: a row with several references has a pair for each of them.
    `missing` and `empty`, of shape (2, n), mark for the references and the predictions of the rows which are
    missing, and which are empty or only whitespace. Missing texts are empty texts here.
    """

    references: list[Any]
    predictions: list[Any]
    rows: IntArray
    missing: BoolArray
    empty: BoolArray

    def __len__(self) -> int:
        return len(self.references)

    @property
    def n_rows(self) -> int:
        """The number of rows of the input."""
        return int(self.missing.shape[1])

    def lengths(self) -> IntArray:
        """Characters (or tokens, if those are given) of both sides of each pair together."""
        sides = self.references, self.predictions
        first, second = (np.fromiter(map(len, side), np.int64, len(self)) for side in sides)
        return first + second

    def scored(self, profile: Profile) -> BoolArray:
        """Which rows are scored under the profile's policies for missing texts, of shape (n,)."""
        omitted = np.zeros(self.n_rows, np.bool_)
        for side, policy in enumerate((profile.missing_references, profile.missing_predictions)):
            if policy.startswith("drop"):
                omitted |= self.missing[side]
            if policy == "drop-empty":
                omitted |= self.empty[side]
        return ~omitted

    def reference_checksums(self) -> FloatArray:
        """A CRC-32 of the reference of each pair, by which scores of other references are recognised."""
        texts = (text if isinstance(text, str) else "\0".join(text) for text in self.references)
        checksums = (crc32(text.encode("utf-8", "surrogatepass")) for text in texts)
        return np.fromiter(checksums, np.float64, len(self))

    def sides(self, index: IntArray) -> list[Any]:
        """Reference, prediction, reference, … of some pairs."""
        pairs = index.tolist()
        return [side[pair] for pair in pairs for side in (self.references, self.predictions)]

    def with_predictions(self, index: IntArray, prediction: Any) -> Pairs:
        """These pairs and, after them, some of them once more with another prediction."""
        references = self.references + [self.references[pair] for pair in index.tolist()]
        predictions = self.predictions + [prediction] * len(index)
        rows = np.concatenate([self.rows, self.rows[index]])
        return Pairs(references, predictions, rows, self.missing, self.empty)


def read_pairs(references: Iterable[Any], predictions: Iterable[Any], are_tokens: bool) -> Pairs:
    """Check both sides of all rows; entries are str, or lists of str if `are_tokens`, or missing.

    A reference may also be a list of several references. Raises `ValueError` if the numbers of both differ,
    `TypeError` naming the first wrong entry.
    """
    content = "lists of tokens" if are_tokens else "texts"
    sides = column(references, "references", content), column(predictions, "predictions", content)
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"{len(sides[0])} references but {len(sides[1])} predictions; "
            "there must be one prediction per reference, None where it is missing"
        )
    several = _several(sides[0], are_tokens)
    first = [several[row][0] if row in several else entry for row, entry in enumerate(sides[0])]
    _check(first, "references", are_tokens)
    _check(sides[1], "predictions", are_tokens)
    missing = np.array([[entry is None for entry in side] for side in (first, sides[1])], np.bool_)
    nothing: Any = [] if are_tokens else ""
    texts: list[list[Any]] = [
        [nothing if entry is None else entry for entry in side] for side in (first, sides[1])
    ]
    empty = [[not ("".join(text) if are_tokens else text).strip() for text in side] for side in texts]
    rows = np.arange(len(first))
    if several:
        listed = [several.get(row, (text,)) for row, text in enumerate(texts[0])]
        rows = np.repeat(rows, list(map(len, listed)))
        texts = [[text for each in listed for text in each], [texts[1][row] for row in rows.tolist()]]
    return Pairs(texts[0], texts[1], rows, missing, np.array(empty, np.bool_) & ~missing)


def _several(references: list[Any], are_tokens: bool) -> dict[int, Sequence[Any]]:
    """The rows that have a list of references, each checked."""
    found: dict[int, Sequence[Any]] = {}
    if set(map(type, references)) <= _PLAIN:
        return found
    for row, entry in enumerate(references):
        if not isinstance(entry, (list, tuple)) or not entry or (are_tokens and isinstance(entry[0], str)):
            continue
        if not all(_is_right(reference, are_tokens) for reference in entry):
            raise TypeError(
                f"several references must be a list of {'lists of tokens' if are_tokens else 'texts'}; "
                f"entry {row} of references is {entry!r:.40}"
            )
        found[row] = entry
    return found


def _check(entries: list[Any], name: str, are_tokens: bool) -> None:
    if not are_tokens and set(map(type, entries)) <= _PLAIN:
        return
    for row, entry in enumerate(entries):
        if entry is not None and not _is_right(entry, are_tokens):
            has_tokens = not are_tokens and _is_right(entry, True)
            remedy = "; lists of tokens need tokenizer='tokens'" if has_tokens else ""
            raise TypeError(
                f"{name} must be {'lists of tokens' if are_tokens else 'texts'}, or None where one is missing; "
                f"entry {row} is {entry!r:.40}{remedy}"
            )


def _is_right(entry: object, are_tokens: bool) -> bool:
    if not are_tokens:
        return isinstance(entry, str)
    return isinstance(entry, (list, tuple)) and all(isinstance(token, str) for token in entry)
