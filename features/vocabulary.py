"""The terms of a training exam: words and pairs of characters, counted as sparse rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import join_texts, split_texts
from cmexam_baseline.features.text import cut_words, normalize
from cmexam_baseline.metrics.ragged import row_sums

if TYPE_CHECKING:
    import scipy.sparse as sp

# Before the characters of a pair; no word of jieba begins with it.
_PAIR = "\n"
# Texts are cut this many at a time, so that memory does not grow with them.
_CHUNK = 5000


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Terms with their weight by rarity.

    terms: sorted: a line feed, so that there always is a term; pairs of neighbouring letters (or one without
           neighbours) after a line feed; words
    idf:   float32 (terms,)
    """

    terms: list[str]
    idf: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], documents: NDArray[np.int64]) -> Vocabulary:
        """The terms of `texts`; `documents` (n,) says which document (a question) each text belongs to.

        idf is ln((1 + number of documents) / (1 + documents that hold the term)) + 1, as in scikit-learn.

        >>> vocabulary = Vocabulary.fit(["甲肝", "乙肝"], np.array([0, 1]))
        >>> vocabulary.terms[vocabulary.n_pairs :], vocabulary.n_pairs
        (['乙肝', '甲肝'], 3)
        """
        return cls.fit_counts(texts, documents)[0]

    @classmethod
    def fit_counts(
        cls, texts: Sequence[str], documents: NDArray[np.int64]
    ) -> tuple[Vocabulary, sp.csr_matrix]:
        """What `fit` returns, and the `counts` of the same texts."""
        import scipy.sparse as sp

        counter = _counter(None)
        counts = counter.fit_transform(chain([[_PAIR]], _terms(texts)))[1:]
        n_documents = int(documents.max(initial=-1)) + 1
        in_document = sp.csr_matrix(
            (np.ones(len(texts), dtype=np.float32), (documents, np.arange(len(texts)))),
            shape=(n_documents, len(texts)),
        )
        frequency = np.bincount((in_document @ counts).indices, minlength=counts.shape[1])
        idf = (np.log((1 + n_documents) / (1 + frequency)) + 1).astype(np.float32)
        counts.sort_indices()
        return cls(counter.get_feature_names_out().tolist(), idf), counts

    @cached_property
    def n_pairs(self) -> int:
        """How many of the first terms are no words."""
        return sum(term.startswith(_PAIR) for term in self.terms)

    @cached_property
    def _fitted(self) -> Any:
        return _counter({term: number for number, term in enumerate(self.terms)})

    def counts(self, texts: Sequence[str]) -> sp.csr_matrix:
        """How often each known term occurs in each text, float32 CSR (n texts, n terms)."""
        return self._fitted.transform(_terms(texts))

    def tfidf(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Rows of length 1 with weights (1 + ln count) · idf, float32 CSR; rows without terms stay empty."""
        weights = counts.copy()
        weights.data = ((1 + np.log(weights.data)) * self.idf[weights.indices]).astype(np.float32)
        scale_to_unit_length(weights)
        return weights

    def shares(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Rows of sum 1 with weights idf² for each distinct term, float32 CSR."""
        rows = counts.copy()
        rows.data = (self.idf**2)[rows.indices]
        _divide_rows(rows, row_sums(rows.data, rows.indptr))
        return rows

    def norms(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        """The length of each row with weight idf for each distinct term, float32 (n,), at least 1."""
        squares = row_sums((self.idf**2)[counts.indices], counts.indptr)
        lengths: NDArray[np.float32] = np.sqrt(np.maximum(squares, 1)).astype(np.float32)
        return lengths

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {**join_texts("terms", self.terms), "idf": self.idf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Vocabulary:
        """The vocabulary that `arrays` described."""
        return cls(split_texts("terms", arrays), arrays["idf"])


def scale_to_unit_length(rows: sp.csr_matrix) -> None:
    """Divide each row by its length, in place; empty rows stay empty."""
    _divide_rows(rows, np.sqrt(row_sums(rows.data.astype(np.float64) ** 2, rows.indptr)))


def _divide_rows(rows: sp.csr_matrix, divisors: NDArray[np.float64]) -> None:
    rows.data /= np.repeat(divisors, np.diff(rows.indptr)).astype(np.float32)


def _counter(vocabulary: dict[str, int] | None) -> Any:
    """A counter of terms, given lists of them."""
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(analyzer=list, vocabulary=vocabulary, dtype=np.float32)


def _terms(texts: Sequence[str]) -> Iterator[Iterable[str]]:
    """The words and pairs of each text."""
    for start in range(0, len(texts), _CHUNK):
        folded = [normalize(text) for text in texts[start : start + _CHUNK]]
        for text, words in zip(folded, cut_words(folded), strict=True):
            runs = ("".join(letters) for is_letter, letters in groupby(text, str.isalnum) if is_letter)
            yield words + [f"{_PAIR}{run[i : i + 2]}" for run in runs for i in range(max(1, len(run) - 1))]
