"""The terms of a training exam: words and pairs of characters, counted as sparse rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import join_texts, segment_sum, split_texts
from cmexam_baseline.features.text import cut_words, normalize

if TYPE_CHECKING:
    import scipy.sparse as sp

_CODE_POINT_BITS = 21


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Terms with their weight by rarity; term ids are words first, then character pairs.

    words: w words, sorted
    pairs: uint64 (p,), two code points each (or one without neighbours), sorted
    idf:   float32 (w + p,)
    """

    words: list[str]
    pairs: NDArray[np.uint64]
    idf: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], documents: NDArray[np.int64]) -> Vocabulary:
        """The terms of `texts`; `documents` (n,) says which document (a question) each text belongs to.

        idf is ln((1 + number of documents) / (1 + documents that hold the term)) + 1, as in scikit-learn.

        >>> vocabulary = Vocabulary.fit(["甲肝", "乙肝"], np.array([0, 1]))
        >>> vocabulary.words, len(vocabulary.pairs)
        (['乙肝', '甲肝'], 2)
        """
        import scipy.sparse as sp

        folded = [normalize(text) for text in texts]
        cut = cut_words(folded)
        words = sorted({word for row in cut for word in row})
        rows, codes = _character_pairs(folded)
        pairs = np.unique(codes)
        n_documents = int(documents.max(initial=-1)) + 1
        counts = _count(cut, rows, codes, words, pairs)
        in_document = sp.csr_matrix(
            (np.ones(len(texts), dtype=np.float32), (documents, np.arange(len(texts)))),
            shape=(n_documents, len(texts)),
        )
        frequency = np.bincount((in_document @ counts).indices, minlength=counts.shape[1])
        idf = (np.log((1 + n_documents) / (1 + frequency)) + 1).astype(np.float32)
        return cls(words, pairs, idf)

    @classmethod
    def fit_chunks(cls, chunks: Sequence[Sequence[str]]) -> Vocabulary:
        """The terms of many texts, each a document of its own, chunk by chunk to bound memory.

        >>> chunks = Vocabulary.fit_chunks([["甲肝"], ["乙肝", "甲肝"]])
        >>> whole = Vocabulary.fit(["甲肝", "乙肝", "甲肝"], np.arange(3))
        >>> chunks.words == whole.words, chunks.idf.tolist() == whole.idf.tolist()
        (True, True)
        """
        words: dict[str, int] = {}
        pairs: dict[int, int] = {}
        n_documents = sum(map(len, chunks))
        for chunk in chunks:
            part = cls.fit(chunk, np.arange(len(chunk)))
            # The idf of a part tells in how many of its documents a term occurs.
            frequency = np.rint((1 + len(chunk)) / np.exp(part.idf.astype(np.float64) - 1) - 1).astype(int)
            for word, count in zip(part.words, frequency.tolist(), strict=False):
                words[word] = words.get(word, 0) + count
            for pair, count in zip(part.pairs.tolist(), frequency[len(part.words) :].tolist(), strict=True):
                pairs[pair] = pairs.get(pair, 0) + count
        ordered, codes = sorted(words), sorted(pairs)
        counts = np.array([words[word] for word in ordered] + [pairs[pair] for pair in codes], np.float64)
        idf = (np.log((1 + n_documents) / (1 + counts)) + 1).astype(np.float32)
        return cls(ordered, np.array(codes, np.uint64), idf)

    def counts(self, texts: Sequence[str]) -> sp.csr_matrix:
        """How often each known term occurs in each text, float32 CSR (n texts, n terms)."""
        folded = [normalize(text) for text in texts]
        rows, codes = _character_pairs(folded)
        return _count(cut_words(folded), rows, codes, self.words, self.pairs)

    def tfidf(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Rows of length 1 with weights (1 + ln count) · idf, float32 CSR; rows without terms stay empty."""
        weights = counts.copy()
        weights.data = ((1 + np.log(weights.data)) * self.idf[weights.indices]).astype(np.float32)
        _divide_rows(weights, np.sqrt(segment_sum(weights.data.astype(np.float64) ** 2, weights.indptr)))
        return weights

    def shares(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Rows of sum 1 with weights idf² for each distinct term, float32 CSR."""
        rows = counts.copy()
        rows.data = (self.idf**2)[rows.indices]
        _divide_rows(rows, segment_sum(rows.data, rows.indptr))
        return rows

    def norms(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        """The length of each row with weight idf for each distinct term, float32 (n,), at least 1."""
        squares = segment_sum((self.idf**2)[counts.indices], counts.indptr)
        return np.sqrt(np.maximum(squares, 1)).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {**join_texts("words", self.words), "pairs": self.pairs, "idf": self.idf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Vocabulary:
        """The vocabulary that `arrays` described."""
        return cls(split_texts("words", arrays), arrays["pairs"], arrays["idf"])


def _divide_rows(rows: sp.csr_matrix, divisors: NDArray[np.float64]) -> None:
    rows.data /= np.repeat(divisors, np.diff(rows.indptr)).astype(np.float32)


def _count(
    cut: list[list[str]],
    pair_rows: NDArray[np.int64],
    pair_codes: NDArray[np.uint64],
    words: list[str],
    pairs: NDArray[np.uint64],
) -> sp.csr_matrix:
    import scipy.sparse as sp

    ids = {word: number for number, word in enumerate(words)}
    word_ids = np.fromiter((ids.get(word, -1) for row in cut for word in row), dtype=np.int64)
    word_rows = np.repeat(np.arange(len(cut)), [len(row) for row in cut])
    known_word = word_ids >= 0
    places = np.searchsorted(pairs, pair_codes)
    known_pair = places < len(pairs)
    known_pair[known_pair] = pairs[places[known_pair]] == pair_codes[known_pair]
    rows = np.concatenate([word_rows[known_word], pair_rows[known_pair]])
    columns = np.concatenate([word_ids[known_word], len(words) + places[known_pair]])
    shape = (len(cut), len(words) + len(pairs))
    matrix = sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    return matrix


def _character_pairs(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Text number and code of each pair of neighbouring letters, and of each letter without neighbours."""
    points = np.frombuffer("\n".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    owner = np.repeat(np.arange(len(texts)), lengths + 1)[: len(points)]
    distinct, inverse = np.unique(points, return_inverse=True)
    letter = np.array([chr(point).isalnum() for point in distinct], dtype=bool)[inverse]
    paired = letter[:-1] & letter[1:] if len(points) else np.zeros(0, dtype=bool)
    left, right = np.append(False, paired), np.append(paired, False)
    alone = letter & ~left[: len(points)] & ~right[: len(points)]
    codes = points.astype(np.uint64)
    pair_codes = (codes[:-1][paired] << np.uint64(_CODE_POINT_BITS)) | codes[1:][paired]
    return (
        np.concatenate([owner[:-1][paired], owner[alone]]),
        np.concatenate([pair_codes, codes[alone]]),
    )
