"""Token streams: the output of every tokenizer and the input of all counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import offsets_of, take_spans

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
