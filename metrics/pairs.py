"""References and predictions as they come in: checked, with what is missing or empty told apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, IntArray


@dataclass(frozen=True, eq=False)
class Pairs:
    """n rows: a reference and a prediction each, texts or lists of tokens, with None made empty.

    `missing` and `empty`, of shape (2, n), tell for the references and the predictions which were None, and
    which hold nothing but whitespace.
    """

    references: list[Any]
    predictions: list[Any]
    missing: BoolArray
    empty: BoolArray

    def __len__(self) -> int:
        return len(self.references)

    def lengths(self) -> IntArray:
        """Characters (or tokens, if those are given) of both sides together."""
        sides = (
            np.fromiter(map(len, side), np.int64, len(self)) for side in (self.references, self.predictions)
        )
        return sum(sides, start=np.zeros(len(self), np.int64))

    def scored(self, empty_rows: str) -> BoolArray:
        """Which rows are scored; see `Profile.empty_rows`."""
        return _SCORED[empty_rows](self)

    def sides(self, index: IntArray) -> list[Any]:
        """Reference, prediction, reference, … of some rows."""
        rows = index.tolist()
        return [side[row] for row in rows for side in (self.references, self.predictions)]


def read_pairs(references: Iterable[Any], predictions: Iterable[Any], are_tokens: bool) -> Pairs:
    """Check the two sides of all pairs; entries are str, or lists of str if `are_tokens`, or None.

    Raises `ValueError` if there are not as many of both, `TypeError` naming the first wrong entry.
    """
    sides = [
        _checked(references, "references", are_tokens),
        _checked(predictions, "predictions", are_tokens),
    ]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"{len(sides[0])} references but {len(sides[1])} predictions; "
            "there must be one prediction a reference, None where it is missing"
        )
    missing = np.array([_are_none(side) for side in sides], np.bool_)
    nothing: Sequence[str] = [] if are_tokens else ""
    for side, flags in zip(sides, missing, strict=True):
        for row in np.flatnonzero(flags).tolist():
            side[row] = nothing
    are_empty = _no_tokens if are_tokens else _no_text
    empty = np.array([are_empty(side) for side in sides], np.bool_) & ~missing
    return Pairs(sides[0], sides[1], missing, empty)


def _checked(side: Iterable[Any], name: str, are_tokens: bool) -> list[Any]:
    kind = "lists of tokens" if are_tokens else "texts"
    if isinstance(side, (str, bytes)) or not isinstance(side, Iterable):
        raise TypeError(f"{name} must be a list of {kind}, not {type(side).__name__}")
    entries = list(side)
    is_right: Callable[[Any], bool] = _are_tokens if are_tokens else _is_text
    if set(map(type, entries)) <= {str, type(None)} and not are_tokens:
        return entries
    for row, entry in enumerate(entries):
        if entry is not None and not is_right(entry):
            remedy = (
                "" if are_tokens or not _are_tokens(entry) else "; lists of tokens need tokenizer='tokens'"
            )
            raise TypeError(
                f"{name} must be {kind}, or None where one is missing; entry {row} is {entry!r:.40}{remedy}"
            )
    return entries


def _is_text(entry: object) -> bool:
    return isinstance(entry, str)


def _are_tokens(entry: object) -> bool:
    return isinstance(entry, (list, tuple)) and all(isinstance(token, str) for token in entry)


def _are_none(entries: list[Any]) -> list[bool]:
    if None not in entries:
        return [False] * len(entries)
    return [entry is None for entry in entries]


def _no_text(texts: Sequence[str]) -> list[bool]:
    return [not text or text.isspace() for text in texts]


def _no_tokens(lists: Sequence[Sequence[str]]) -> list[bool]:
    return [not any(token.strip() for token in tokens) for tokens in lists]


def _nowhere(flags: BoolArray) -> BoolArray:
    nowhere: BoolArray = ~np.logical_or(flags[0], flags[1])
    return nowhere


_SCORED: dict[str, Callable[[Pairs], BoolArray]] = {
    "drop-missing": lambda pairs: _nowhere(pairs.missing),
    "keep": lambda pairs: np.ones(len(pairs), np.bool_),
    "drop-empty": lambda pairs: _nowhere(pairs.missing | pairs.empty),
}
