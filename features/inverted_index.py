"""An inverted index: the training documents that resemble a query, never those of the query's own question."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Segments
from cmexam_baseline.metrics.ragged import row_max, row_numbers

if TYPE_CHECKING:
    import scipy.sparse as sp

Keys = NDArray[np.uint64]

# A term in more documents than this says little and costs most of the time; a constant keeps growth linear.
_MAX_POSTINGS = 3000

# A match is at least this similar, or covers at least this share of the query; from the last on it counts as all.
MIN_SIMILARITY = 0.12
MIN_COVERAGE = 0.3
FULL_COVERAGE = 0.95


@dataclass(frozen=True, eq=False)
class Matches(Segments):
    """Documents that match queries: k pairs in the order of the queries, whose number is in `rows`.

    documents:  int32 (k,)
    coverage:   float32 (k,), the share of the query's weight that the document holds, 0–1
    similarity: float32 (k,), their cosine similarity with weight idf for each distinct term
    """

    documents: NDArray[np.int32]
    coverage: NDArray[np.float32]
    similarity: NDArray[np.float32]

    def without(self, dropped: NDArray[np.bool_]) -> Matches:
        """The pairs that are not dropped."""
        kept = ~dropped
        return Matches(
            self.rows[kept], self.n, self.documents[kept], self.coverage[kept], self.similarity[kept]
        )


@dataclass(frozen=True, eq=False)
class InvertedIndex:
    """Documents as postings, ready for sparse products.

    postings: float32 CSR (terms, documents), without the terms that too many documents hold
    keys:     uint64 (documents,); a query sees only documents with another key than its own
    norms:    float32 (documents,), as of `Vocabulary.norms`; ones where `matches` is not used

    The key identifies the question a document comes from and all its copies (see `copy_keys`), or a fold.
    So no answer and no explanation reaches the rows they belong to: there is no other way to read an index.
    """

    postings: sp.csr_matrix
    keys: Keys
    norms: NDArray[np.float32]

    @classmethod
    def build(
        cls,
        documents: sp.csr_matrix,
        keys: Keys,
        norms: NDArray[np.float32] | None = None,
        max_postings: int = _MAX_POSTINGS,
    ) -> InvertedIndex:
        """The index over weighted rows, one document per row."""
        frequency = np.bincount(documents.indices, minlength=documents.shape[1])
        pruned = documents.copy()
        pruned.data[frequency[pruned.indices] > max_postings] = 0
        pruned.eliminate_zeros()
        return cls(pruned.T.tocsr(), keys, np.ones(len(keys), np.float32) if norms is None else norms)

    def __len__(self) -> int:
        return len(self.keys)

    def scores(self, queries: sp.csr_matrix, keys: Keys, threshold: float = 0.0) -> sp.csr_matrix:
        """Scalar products above `threshold` of queries with documents of other keys, CSR (queries, documents)."""
        scores = queries @ self.postings
        if threshold:
            scores.data[scores.data <= threshold] = 0
            scores.eliminate_zeros()
        own = np.repeat(keys, np.diff(scores.indptr)) == self.keys[scores.indices]
        if own.any():
            scores.data[own] = 0
            scores.eliminate_zeros()
        return scores

    @contextmanager
    def score_array(self, queries: sp.csr_matrix, keys: Keys) -> Iterator[NDArray[np.float32]]:
        """All `scores` as an array (queries, documents) while the context lasts; see `as_array`."""
        with as_array(queries @ self.postings) as scores:
            scores[self.documents_with(keys)] = 0
            yield scores

    def matches(self, shares: sp.csr_matrix, keys: Keys, norms: NDArray[np.float32] | None = None) -> Matches:
        """The documents that cover each query, or with `norms` resemble it, from one product.

        shares and norms: of the queries, as `Vocabulary.shares` and `Vocabulary.norms` give them. The squared
        norm of a query is the sum of its squared weights, so the share that a document holds, times the norm
        of the query, by the norm of the document, is their cosine similarity. Without `norms` it is 0.
        """
        found = shares @ self.presence
        rows = row_numbers(found.indptr)
        kept = found.data > MIN_COVERAGE
        similarity = None
        if norms is not None:
            similarity = found.data * norms[rows] / self.norms[found.indices]
            kept |= similarity > MIN_SIMILARITY
        places = np.flatnonzero(kept)
        places = places[keys[rows[places]] != self.keys[found.indices[places]]]
        coverage = found.data[places]
        similarity = np.zeros_like(coverage) if similarity is None else similarity[places]
        return Matches(rows[places], shares.shape[0], found.indices[places], coverage, similarity)

    @cached_property
    def presence(self) -> sp.csr_matrix:
        """1 for each term that a document holds, float32 CSR (terms, documents), without the frequent terms."""
        import scipy.sparse as sp

        ones = np.ones_like(self.postings.data)
        parts = (ones, self.postings.indices, self.postings.indptr)
        return sp.csr_matrix(parts, shape=self.postings.shape)

    def documents_with(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pairs (place in `keys`, document with that key), in the order of `keys`."""
        order = self._by_key
        first = np.searchsorted(self.keys, keys, sorter=order)
        counts = np.searchsorted(self.keys, keys, "right", sorter=order) - first
        rows = np.repeat(np.arange(len(keys)), counts)
        return rows, order[np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + first[rows]]

    @cached_property
    def _by_key(self) -> NDArray[np.int64]:
        return np.argsort(self.keys, kind="stable")

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {
            "data": self.postings.data,
            "indices": self.postings.indices,
            "indptr": self.postings.indptr,
            "shape": np.array(self.postings.shape, dtype=np.int64),
            "keys": self.keys,
            "norms": self.norms,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> InvertedIndex:
        """The index that `arrays` described."""
        import scipy.sparse as sp

        parts = (arrays["data"], arrays["indices"], arrays["indptr"])
        return cls(
            sp.csr_matrix(parts, shape=tuple(arrays["shape"].tolist())), arrays["keys"], arrays["norms"]
        )


@contextmanager
def as_array(scores: sp.csr_matrix) -> Iterator[NDArray[np.float32]]:
    """`scores` as an array (queries, documents) for random access while the context lasts.

    Each thread reuses its arrays and clears only what was written, so the cost is that of the scores, however
    many documents there are.
    """
    free = _scratch.__dict__.setdefault("free", [])
    size = scores.shape[0] * scores.shape[1]
    fitting = next((place for place, flat in enumerate(free) if len(flat) >= size), None)
    flat = np.zeros(size, dtype=np.float32) if fitting is None else free.pop(fitting)
    places = row_numbers(scores.indptr) * scores.shape[1] + scores.indices
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


def best_documents(scores: sp.csr_matrix) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best document of each row, the first of equals, -1 for none, and its score, 0 for none; as of `top_k`."""
    values = row_max(scores.data, scores.indptr)
    rows = row_numbers(scores.indptr)
    best = np.flatnonzero(scores.data == values[rows])
    documents = np.full(scores.shape[0], scores.shape[1])
    np.minimum.at(documents, rows[best], scores.indices[best])
    documents[documents == scores.shape[1]] = -1
    return documents, values


def best_pairs(
    like_option: sp.csr_matrix, like_stem: NDArray[np.float32], k: int
) -> list[list[tuple[int, float, float]]]:
    """For each row the at most k documents with the greatest product of both: document, like_stem, like_option.

    like_stem: one value for each stored value of `like_option`
    """
    joint = like_option.copy()
    joint.data = like_option.data * like_stem
    joint.eliminate_zeros()
    found = []
    for row, (ids, values) in enumerate(zip(*(one.tolist() for one in top_k(joint, k)), strict=True)):
        alike = [
            (one, value, float(like_option[row, one]))
            for one, value in zip(ids, values, strict=True)
            if one >= 0
        ]
        found.append([(one, value / option, option) for one, value, option in alike])
    return found
