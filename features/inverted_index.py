"""The index: which training documents resemble a query, never those of the query's own question."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import segment_rows

Keys = NDArray[np.uint64]

# A term in more documents than this says little and costs most of the time; a constant keeps growth linear.
_MAX_POSTINGS = 3000

# A document that shares less than this with an option says nothing about it.
SIMILARITY_THRESHOLD = 0.12
# Documents that hold less than this share of an option do not speak of it; from the other on they hold it all.
COVERAGE_THRESHOLD = 0.3
FULLY = 0.95


@dataclass(frozen=True, eq=False)
class InvertedIndex:
    """Documents as postings, ready for sparse products.

    postings: float32 CSR (terms, documents), without the terms that too many documents hold
    keys:     uint64 (documents,); a query sees only documents with another key than its own

    The key stands for the question a document comes from and all its copies (see `copy_keys`), or for a fold.
    So no answer and no explanation reaches the rows they belong to: there is no other way to read an index.
    """

    postings: sp.csr_matrix
    keys: Keys

    @classmethod
    def build(cls, documents: sp.csr_matrix, keys: Keys, max_postings: int = _MAX_POSTINGS) -> InvertedIndex:
        """The index over weighted rows, one document a row."""
        frequency = np.bincount(documents.indices, minlength=documents.shape[1])
        pruned = documents.copy()
        pruned.data[frequency[pruned.indices] > max_postings] = 0
        pruned.eliminate_zeros()
        return cls(pruned.T.tocsr(), keys)

    def __len__(self) -> int:
        return len(self.keys)

    def scores(self, queries: sp.csr_matrix, keys: Keys, threshold: float = 0.0) -> sp.csr_matrix:
        """Scalar products above `least` of queries with documents of other keys, CSR (queries, documents)."""
        return self._visible((queries @ self.postings).tocsr(), keys, threshold)

    def coverage(self, queries: sp.csr_matrix, keys: Keys, threshold: float = 0.0) -> sp.csr_matrix:
        """Sums above `least` of the query's weights over the terms that a document holds, CSR like `scores`.

        With the rows of `Vocabulary.shares` that is the share of a text that the document holds.
        """
        return self._visible((queries @ self._presence).tocsr(), keys, threshold)

    @cached_property
    def _presence(self) -> sp.csr_matrix:
        ones = np.ones_like(self.postings.data)
        parts = (ones, self.postings.indices, self.postings.indptr)
        return sp.csr_matrix(parts, shape=self.postings.shape)

    def _visible(self, scores: sp.csr_matrix, keys: Keys, threshold: float) -> sp.csr_matrix:
        own = np.repeat(keys, np.diff(scores.indptr)) == self.keys[scores.indices]
        scores.data[own | (scores.data <= threshold)] = 0
        scores.eliminate_zeros()
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {
            "data": self.postings.data,
            "indices": self.postings.indices,
            "indptr": self.postings.indptr,
            "shape": np.array(self.postings.shape, dtype=np.int64),
            "keys": self.keys,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> InvertedIndex:
        """The index that `arrays` described."""
        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(sp.csr_matrix(parts, shape=tuple(arrays["shape"].tolist())), arrays["keys"])


@contextmanager
def as_array(scores: sp.csr_matrix) -> Iterator[NDArray[np.float32]]:
    """`scores` as an array (queries, documents) to look up pairs in, as long as the context lasts.

    Each thread keeps its arrays and wipes only what was written, so that a block of queries costs what its
    scores cost, however many documents there are.
    """
    free = _scratch.__dict__.setdefault("free", [])
    size = scores.shape[0] * scores.shape[1]
    fitting = next((place for place, flat in enumerate(free) if len(flat) >= size), None)
    flat = np.zeros(size, dtype=np.float32) if fitting is None else free.pop(fitting)
    places = segment_rows(scores.indptr) * scores.shape[1] + scores.indices
    flat[places] = scores.data
    try:
        yield flat[:size].reshape(scores.shape)
    finally:
        flat[places] = 0
        free.append(flat)


_scratch = threading.local()


def top_k(scores: sp.csr_matrix, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best documents of each row and their scores, best first, equals by document number.

    Both arrays are (rows, k); places without a document are -1 with score 0.
    """
    documents = np.full((scores.shape[0], k), -1, dtype=np.int64)
    values = np.zeros((scores.shape[0], k), dtype=np.float32)
    for row in range(scores.shape[0]):
        start, end = scores.indptr[row], scores.indptr[row + 1]
        ids, row_values = scores.indices[start:end], scores.data[start:end]
        if len(ids) > k:
            # Everything at least as good as the k-th, so that ties end the same way in every run.
            kept = row_values >= np.partition(row_values, len(ids) - k)[len(ids) - k]
            ids, row_values = ids[kept], row_values[kept]
        order = np.lexsort((ids, -row_values))[:k]
        documents[row, : len(order)] = ids[order]
        values[row, : len(order)] = row_values[order]
    return documents, values
