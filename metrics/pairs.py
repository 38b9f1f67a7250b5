"""References and predictions as they come in: checked, with missing and empty texts marked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.profiles import Profile
from cmexam_baseline.metrics.token_streams import column

_REFERENCE, _PREDICTION = 0, 1


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
        sides = (
            np.fromiter(map(len, side), np.int64, len(self)) for side in (self.references, self.predictions)
        )
        return sum(sides, start=np.zeros(len(self), np.int64))

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

    def without_prediction(self) -> IntArray:
        """The pairs whose prediction is missing."""
        return np.flatnonzero(self.missing[_PREDICTION][self.rows])

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
    sides = [
        column(references, "references", content),
        column(predictions, "predictions", content),
    ]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"{len(sides[0])} references but {len(sides[1])} predictions; "
            "there must be one prediction per reference, None where it is missing"
        )
    several = _several(sides[_REFERENCE], are_tokens)
    first = [entry[0] if row in several else entry for row, entry in enumerate(sides[_REFERENCE])]
    _check(first, "references", are_tokens)
    _check(sides[_PREDICTION], "predictions", are_tokens)
    missing = np.array([[entry is None for entry in side] for side in (first, sides[_PREDICTION])], np.bool_)
    nothing: Sequence[str] = [] if are_tokens else ""
    texts = [[nothing if entry is None else entry for entry in side] for side in (first, sides[_PREDICTION])]
    is_empty: Callable[[Any], bool] = _has_no_token if are_tokens else _is_blank
    empty = np.array([list(map(is_empty, side)) for side in texts], np.bool_) & ~missing
    rows = np.arange(len(first))
    if several:
        counts = np.array([len(several.get(row, (None,))) for row in range(len(first))])
        rows = np.repeat(rows, counts)
        texts[_REFERENCE] = [
            text for row, only in enumerate(texts[_REFERENCE]) for text in several.get(row, (only,))
        ]
        texts[_PREDICTION] = [texts[_PREDICTION][row] for row in rows.tolist()]
    return Pairs(texts[_REFERENCE], texts[_PREDICTION], rows, missing, empty)


def _several(references: list[Any], are_tokens: bool) -> dict[int, list[Any]]:
    """The rows that have a list of references, each checked."""
    if set(map(type, references)) <= {str, type(None)}:
        return {}
    found = {}
    for row, entry in enumerate(references):
        is_list = isinstance(entry, (list, tuple)) and len(entry) > 0
        if is_list and not isinstance(entry[0], str) if are_tokens else is_list:
            is_right = _are_tokens if are_tokens else _is_text
            if not all(map(is_right, entry)):
                raise TypeError(
                    f"several references must be a list of {'lists of tokens' if are_tokens else 'texts'}; "
                    f"entry {row} of references is {entry!r:.40}"
                )
            found[row] = list(entry)
    return found


def _check(entries: list[Any], name: str, are_tokens: bool) -> None:
    if set(map(type, entries)) <= {str, type(None)} and not are_tokens:
        return
    kind = "lists of tokens" if are_tokens else "texts"
    is_right = _are_tokens if are_tokens else _is_text
    for row, entry in enumerate(entries):
        if entry is not None and not is_right(entry):
            remedy = (
                "" if are_tokens or not _are_tokens(entry) else "; lists of tokens need tokenizer='tokens'"
            )
            raise TypeError(
                f"{name} must be {kind}, or None where one is missing; entry {row} is {entry!r:.40}{remedy}"
            )


def _is_text(entry: object) -> bool:
    return isinstance(entry, str)


def _are_tokens(entry: object) -> bool:
    return isinstance(entry, (list, tuple)) and all(isinstance(token, str) for token in entry)


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def _has_no_token(tokens: Sequence[str]) -> bool:
    return not any(token.strip() for token in tokens)
