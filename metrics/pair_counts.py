"""Counting over all pairs of a batch, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.lcs import lcs_lengths
from cmexam_baseline.metrics.ngrams import COUNTS, MAX_ORDER, Buffers, PairRows
from cmexam_baseline.metrics.ragged import offsets_of
from cmexam_baseline.metrics.token_streams import TokenStreams

CHUNK_TOKENS = 1 << 16
"""Tokens per chunk, padding included: its arrays stay in the processor's cache."""


CHUNK_CELLS = 1 << 22
"""Pairs per chunk times distinct tokens: the size of the table in which the tokens of a pair are numbered."""


def count_pairs(streams: TokenStreams, max_order: int = MAX_ORDER, with_lcs: bool = True) -> NDArray[Any]:
    """All counts that BLEU and ROUGE are computed from, one record of type `COUNTS` per pair.

    Orders above `max_order` (2 or 4) and, without `with_lcs`, the LCS stay 0.
    """
    counts = np.zeros(len(streams), COUNTS)
    buffers = Buffers()
    lengths = streams.reference_lengths + streams.prediction_lengths
    for index in chunks(lengths, CHUNK_TOKENS, max(1, CHUNK_CELLS // (streams.n_types + 1))):
        rows = PairRows(streams, index, buffers)
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
