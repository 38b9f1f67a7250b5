"""The terms of a training exam: words and pairs of characters, counted as sparse rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import join_texts, split_texts
from cmexam_baseline.features.text import normalize
from cmexam_baseline.metrics.ragged import row_numbers, row_sums
from cmexam_baseline.metrics.segment import word_starts
from cmexam_baseline.metrics.tokens import WordSpans, number_code_points, number_words

if TYPE_CHECKING:
    import scipy.sparse as sp

# Before the characters of a pair; no word of jieba begins with it.
_PAIR = "\n"
# Texts are cut this many at a time, so that memory does not grow with them.
_CHUNK = 20_000


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

        numbers = {_PAIR: 0}
        counts = _counts(texts, numbers, lambda term, _: numbers.setdefault(term, len(numbers)))
        terms = sorted(numbers)
        places = np.empty(len(terms), np.int32)
        places[[numbers[term] for term in terms]] = np.arange(len(terms))
        counts.indices = places[counts.indices]
        counts.sort_indices()
        n_documents = int(documents.max(initial=-1)) + 1
        in_document = sp.csr_matrix(
            (np.ones(len(texts), dtype=np.float32), (documents, np.arange(len(texts)))),
            shape=(n_documents, len(texts)),
        )
        frequency = np.bincount((in_document @ counts).indices, minlength=counts.shape[1])
        idf = (np.log((1 + n_documents) / (1 + frequency)) + 1).astype(np.float32)
        return cls(terms, idf), counts

    @cached_property
    def n_pairs(self) -> int:
        """How many of the first terms are no words."""
        return sum(term.startswith(_PAIR) for term in self.terms)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {term: number for number, term in enumerate(self.terms)}

    def counts(self, texts: Sequence[str]) -> sp.csr_matrix:
        """How often each known term occurs in each text, float32 CSR (n texts, n terms)."""
        return _counts(texts, self._numbers, self._numbers.get)

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


def _counts(
    texts: Sequence[str], numbers: Mapping[str, int], number_of: Callable[[str, int], int]
) -> sp.csr_matrix:
    """How often each term occurs in each text, float32 CSR (n texts, terms).

    number_of: called with a term and -1; the number of its column in `numbers`, or -1 to leave it out
    """
    import scipy.sparse as sp

    parts = []
    for start in range(0, len(texts) or 1, _CHUNK):
        chunk = texts[start : start + _CHUNK]
        rows, columns = [], []
        for prefix, spans in _term_spans(chunk):
            ids, n_terms = number_words(spans)
            example = np.zeros(n_terms, np.int64)
            example[ids] = np.arange(len(ids))
            begins, ends = spans.starts[example], (spans.starts + spans.lengths)[example]
            text = spans.codes.tobytes().decode("utf-32-le", "surrogatepass")
            words = [text[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
            column = np.array([number_of(prefix + word, -1) for word in words], np.int32)[ids]
            columns.append(column[column >= 0])
            rows.append(row_numbers(spans.offsets)[column >= 0])
        places = (np.concatenate(rows), np.concatenate(columns))
        ones = np.ones(len(places[0]), np.float32)
        parts.append(sp.csr_matrix((ones, places), (len(chunk), len(numbers))))
    for part in parts:
        part.resize(part.shape[0], len(numbers))
    return sp.vstack(parts, format="csr")


def _term_spans(texts: Sequence[str]) -> Iterator[tuple[str, WordSpans]]:
    """Words with a letter, and pairs of neighbouring letters or letters without any, each with its terms' prefix."""
    codes, offsets, starts = word_starts([normalize(text) for text in texts])
    numbers, different = number_code_points(codes)
    is_letter = np.array([chr(code).isalnum() for code in different.tolist()], np.bool_)[numbers]
    bounds = np.flatnonzero(starts)
    kept = row_sums(is_letter, bounds) > 0
    begins = bounds[:-1][kept]
    yield "", WordSpans(codes, begins, np.diff(bounds)[kept], np.searchsorted(begins, offsets))
    ends_text = np.zeros(len(codes) + 1, np.bool_)
    ends_text[offsets] = True
    paired = is_letter & np.append(is_letter, False)[1:] & ~ends_text[1:]
    begins = np.flatnonzero(paired | (is_letter & ~np.append(False, paired)[:-1]))
    yield _PAIR, WordSpans(codes, begins, 1 + paired[begins], np.searchsorted(begins, offsets))
