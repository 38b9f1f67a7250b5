"""n-gram overlaps and longest common subsequences of many pairs at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import offsets_of
from cmexam_baseline.metrics.tokens import TokenStreams

MAX_ORDER = 4
SET_ORDERS = 2

COUNTS = np.dtype(
    [
        ("reference_tokens", np.int64),
        ("prediction_tokens", np.int64),
        ("clipped", np.int64, (MAX_ORDER,)),
        ("shared", np.int64, (SET_ORDERS,)),
        ("reference_types", np.int64, (SET_ORDERS,)),
        ("prediction_types", np.int64, (SET_ORDERS,)),
        ("lcs", np.int64),
    ]
)
"""The counts of a pair. Arrays run over the orders 1, 2, …: `clipped` is the sum over n-grams of the
smaller of both counts, `shared` the number of different n-grams on both sides, `*_types` on one side, `lcs`
the length of the longest common subsequence."""

_EIGHT = 8  # flags are counted eight at a time, so rows are a multiple of eight wide
_FEW = 4  # repetitions of an n-gram that are followed step by step


class PairRows:
    """A chunk of pairs as a matrix, and the counting over it."""

    def __init__(self, streams: TokenStreams, index: NDArray[np.int64]) -> None:
        self.counts = np.zeros(len(index), COUNTS)
        starts = streams.offsets[2 * index]
        middles = streams.offsets[2 * index + 1]
        ends = streams.offsets[2 * index + 2]
        self.counts["reference_tokens"] = middles - starts
        self.counts["prediction_tokens"] = ends - middles
        longest = int((ends - starts).max(initial=0))
        # An n-gram that would run into the next row meets padding first.
        self.width = -(-(longest + MAX_ORDER - 1) // _EIGHT) * _EIGHT
        self.size = len(index) * self.width
        self.padding = streams.n_types
        tokens = np.full(self.size, self.padding, np.uint32)
        for row, start, end in zip(self._matrix(tokens), starts.tolist(), ends.tolist(), strict=True):
            row[: end - start] = streams.ids[start:end]
        self.tokens = tokens
        self.boundaries = middles - starts
        columns = np.arange(self.width, dtype=np.int32)
        self.side = (columns >= self.boundaries.astype(np.int32)[:, None]).ravel()
        self.local = np.zeros(0, np.uint8)
        self.n_local = 0

    def count(self, max_order: int) -> None:
        """Fill in all counts but the LCS, for the orders 1 to `max_order` (2 or 4), and set `local`."""
        self._count_tokens()
        self._count_bigrams()
        if max_order > SET_ORDERS:
            self._count_longer()

    def _matrix(self, flat: NDArray[Any]) -> NDArray[Any]:
        return flat.reshape(-1, self.width)

    def per_row(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many flags are set in each row."""
        return self._row_sums(np.bitwise_count(flags.view(np.uint64)))

    def _row_sums(self, counts_of_eight: NDArray[np.uint8]) -> NDArray[np.int64]:
        eights = counts_of_eight.reshape(-1, self.width // _EIGHT)
        return np.asarray(eights.sum(axis=1, dtype=np.int64))

    def _compare(self, keys: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For sorted rows of n-gram and side: the flags `again` and `both`, by comparison with the left
        neighbour.

        `again` has one entry more than there are keys, so that the end of a run can be found.
        """
        difference = np.empty_like(keys)
        np.bitwise_xor(keys[1:], keys[:-1], out=difference[1:])
        again = np.empty(self.size + 1, np.bool_)
        np.equal(difference, 0, out=again[:-1])
        again[:: self.width] = False
        both = difference == 1
        both[:: self.width] = False
        return again, both

    def _count_types(self, order: int, keys: NDArray[Any], again: NDArray[np.bool_]) -> None:
        first = ~again[:-1]
        in_prediction = (keys & 1).astype(np.bool_)
        in_prediction &= first
        predictions = self.per_row(in_prediction)
        self.counts["reference_types"][:, order - 1] = self.per_row(first) - predictions
        # Padding counts as one n-gram of the prediction: it has the highest key and occurs in every row.
        self.counts["prediction_types"][:, order - 1] = predictions - 1

    def _count_tokens(self) -> None:
        """Order 1, and the numbers of the tokens on both sides."""
        keys = np.empty(self.size, _integers(int(self.padding).bit_length() + 1))
        np.left_shift(self.tokens, 1, out=keys, casting="same_kind")
        keys |= self.side
        self._matrix(keys).sort(axis=1)
        again, both = self._compare(keys)
        shared = self.per_row(both)
        self.counts["shared"][:, 0] = shared
        self._count_types(1, keys, again)

        # Single tokens have many repetitions: this is faster than following them.
        starts = np.flatnonzero(~again)
        lengths = np.diff(starts)
        runs = np.flatnonzero(both[starts[:-1]])
        rows = np.repeat(np.arange(len(shared)), shared)
        matches = np.minimum(lengths[runs - 1], lengths[runs])
        self.counts["clipped"][:, 0] = np.bincount(rows, matches, len(shared))
        self._number_shared(keys[starts[runs]] >> 1, rows, shared)

    def _number_shared(
        self, tokens: NDArray[Any], rows: NDArray[np.int64], shared: NDArray[np.int64]
    ) -> None:
        """Set `local`, given the shared tokens, the row of each, and how many of them each row has."""
        self.n_local = int(shared.max(initial=0)) + 1
        n_types = self.padding + 1
        first_cells = np.arange(0, len(shared) * n_types, n_types)
        table = np.zeros(len(shared) * n_types, np.min_scalar_type(self.n_local))
        cells = tokens + first_cells[rows]
        numbers = np.arange(1, len(cells) + 1) - (np.cumsum(shared) - shared)[rows]
        table[cells] = numbers.astype(table.dtype)
        places = (self._matrix(self.tokens) + first_cells[:, None]).ravel()
        # "wrap" skips the check of bounds, which no index violates.
        self.local = table.take(places, mode="wrap")

    def _count_bigrams(self) -> None:
        token_bits = int(self.padding).bit_length()
        kind = _integers(2 * token_bits + 1)
        keys = np.left_shift(self.tokens, kind(token_bits), dtype=kind)
        keys[:-1] |= self.tokens[1:]
        outside = self.tokens == self.padding
        outside[:-1] |= outside[1:]
        self._leave_out_crossing(outside, 2)
        again, both = self._count_sorted(2, keys, outside)
        self.counts["shared"][:, 1] = self.per_row(both)
        self._count_types(2, keys, again)

    def _count_longer(self) -> None:
        """Orders 3 and 4 of the tokens on both sides."""
        local, n_local = self.local, self.n_local
        pairs, n_pairs = self._packed(local, n_local, local, n_local, distance=1), n_local**2
        if 2 * n_pairs**2 >= 1 << 64:
            pairs[:] = np.unique(pairs, return_inverse=True)[1]
            n_pairs = int(pairs.max()) + 1
        alone = local == 0
        outside = alone.copy()
        outside[:-1] |= alone[1:]
        outside[-1] = True
        self._leave_out_crossing(outside, 2)

        outside[:-2] |= alone[2:]
        self._leave_out_crossing(outside, 3)
        self._count_sorted(3, self._packed(pairs, n_pairs, local, n_local, distance=2), outside)

        outside[:-3] |= alone[3:]
        self._leave_out_crossing(outside, 4)
        self._count_sorted(4, self._packed(pairs, n_pairs, pairs, n_pairs, distance=2), outside)

    def _packed(
        self, first: NDArray[Any], n_first: int, second: NDArray[Any], n_second: int, distance: int
    ) -> NDArray[Any]:
        """Each number of `first` with the one `distance` further on in `second`, in one integer with a bit to spare.

        The numbers are below `n_first` and `n_second`.
        """
        kind = _integers((2 * n_first * n_second).bit_length())
        packed: NDArray[Any] = np.multiply(first, kind(n_second), dtype=kind)
        packed[:-distance] += second[distance:]
        return packed

    def _leave_out_crossing(self, outside: NDArray[np.bool_], order: int) -> None:
        """Mark the n-grams that run from the reference into the prediction, beyond those of order - 1."""
        reaching = np.flatnonzero(self.boundaries >= order - 1)
        outside[reaching * self.width + self.boundaries[reaching] - (order - 1)] = True

    def _count_sorted(
        self, order: int, keys: NDArray[Any], outside: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        keys <<= keys.dtype.type(1)
        keys |= self.side
        keys |= np.negative(outside.view(np.int8)).astype(keys.dtype)  # all bits, faster than a masked copy
        self._matrix(keys).sort(axis=1)
        again, both = self._compare(keys)
        self.counts["clipped"][:, order - 1] = self._matches(again, both)
        return again, both

    def _matches(self, again: NDArray[np.bool_], both: NDArray[np.bool_]) -> NDArray[np.int64]:
        """For each row the sum over n-grams of the smaller count: k where k entries before and after a turn agree."""
        matching = both.copy()
        eights = matching.view(np.uint64)
        counts_of_eight = np.bitwise_count(eights)
        for step in range(1, _FEW):
            matching[step:] &= again[: -1 - step]
            matching[: len(again) - step] &= again[step:]
            if not matching.any():
                return self._row_sums(counts_of_eight)
            counts_of_eight += np.bitwise_count(eights)
        return self._row_sums(counts_of_eight) + self._beyond_few(again, np.flatnonzero(matching))

    def _beyond_few(self, again: NDArray[np.bool_], turns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Matches beyond the first few for each row, by the lengths of the runs before and after the turns."""
        starts = np.flatnonzero(~again)
        runs = np.searchsorted(starts, turns)
        matches = np.minimum(turns - starts[runs - 1], starts[runs + 1] - turns) - _FEW
        return np.bincount(turns // self.width, matches, len(self.counts)).astype(np.int64)


def _integers(bits: int) -> type[np.unsignedinteger[Any]]:
    return np.uint32 if bits <= 32 else np.uint64


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


CHUNK_TOKENS = 1 << 16
"""Tokens per chunk, padding included: its arrays stay in the processor's cache."""


CHUNK_CELLS = 1 << 22
"""Pairs per chunk times distinct tokens: the size of the table in which the tokens of a pair are numbered."""


def count_pairs(streams: TokenStreams, max_order: int = MAX_ORDER, with_lcs: bool = True) -> NDArray[Any]:
    """All counts that BLEU and ROUGE are computed from, one record of type `COUNTS` per pair.

    Orders above `max_order` (2 or 4) and, without `with_lcs`, the LCS stay 0.
    """
    counts = np.zeros(len(streams), COUNTS)
    lengths = np.diff(streams.offsets[::2])
    for index in chunks(lengths, CHUNK_TOKENS, max(1, CHUNK_CELLS // (streams.n_types + 1))):
        rows = PairRows(streams, index)
        rows.count(max_order)
        if with_lcs:
            rows.counts["lcs"] = _lcs_of(rows)
        counts[index] = rows.counts
    return counts


def chunks(
    lengths: NDArray[np.int64], limit: int, most_pairs: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Indices of pairs of similar length, longest first: up to `most_pairs`, of about `limit` tokens with padding."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]]) + MAX_ORDER
        end = start + min(max(1, limit // longest), most_pairs or len(order))
        yield order[start:end]
        start = end


def _lcs_of(rows: PairRows) -> NDArray[np.int64]:
    """A token missing on the other side is in no common subsequence: only shared tokens are compared."""
    shared = rows.local != 0
    numbers = rows.local[shared]
    sides = np.stack([rows.per_row(shared & ~rows.side), rows.per_row(shared & rows.side)], axis=1)
    return lcs_lengths(numbers, offsets_of(sides.ravel()), rows.n_local)
