"""How strongly words of a stem and words of an option belong together, over all training questions and explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns, Segments
from cmexam_baseline.features.inverted_index import InvertedIndex
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.features.vocabulary import scale_to_unit_length
from cmexam_baseline.metrics.ragged import offsets_of, positions, row_numbers

if TYPE_CHECKING:
    import scipy.sparse as sp

# Added to counts, so that a pair of words that was never seen says nothing.
_TRUE, _FALSE = 0.2, 0.8
_SMOOTH, _RARE = 0.5, 0.05
# The share of the options that are right.
_RIGHT = 0.2


def word_associations(index: TrainingIndex, queries: Queries) -> Columns:
    """Log odds, lift and pointwise mutual information of the word pairs of stem and option.

    A pair consists of a word of the stem and one of the option, weighted by the product of their TF-IDF weights.
    Its odds compare the training options that made a stem with this word true and those that made it false; its
    lift compares the former with chance; its mutual information does so with the sentences of explanations. All of
    them ignore what the question itself and its copies say. Stems that ask for what is wrong turn the sign.
    """
    pairs = _Pairs(index, queries)
    true, false = (pairs.count(index.stems, words) for words in index.option_words)
    together = pairs.count(index.sentences, index.sentences.presence)
    in_stems, in_options = (np.diff(one.postings.indptr) for one in (index.stems, index.options))
    by_chance = (
        _RIGHT * in_stems[pairs.stem_words] * in_options[pairs.option_words] / max(1, len(index.stems))
    )
    odds = np.log((true + _TRUE) / (false + _FALSE) * (_FALSE / _TRUE))
    lift = np.log((true + _SMOOTH) / (by_chance + _SMOOTH))
    # Not the frequencies in explanations: they change with the question's own explanation.
    information = np.maximum(np.log((together + _RARE) / (by_chance + _RARE)), 0) * (together > 0)
    sign = np.where(queries.negated, -1.0, 1.0)[queries.owner]
    return {
        "association_odds": sign * pairs.of_option.sum(odds * pairs.weights),
        "association_odds_best": sign * pairs.of_option.max(odds * pairs.weights),
        "association_lift": sign * pairs.of_option.sum(lift * pairs.weights),
        "association_information": pairs.of_option.sum(information * pairs.weights),
    }


class _Pairs:
    """The word pairs of some questions.

    stem_words, option_words: int64 (k,), terms; weights: float64 (k,); of_option: the option of each pair
    """

    def __init__(self, index: TrainingIndex, queries: Queries) -> None:
        n_pairs = index.vocabulary.n_pairs
        stems = _unit_rows(queries.stems, n_pairs, np.diff(index.stems.postings.indptr) > 1)
        options = _unit_rows(queries.options, n_pairs, np.diff(index.options.postings.indptr) > 0)
        n_options = np.diff(options.indptr).astype(np.int64)
        counts = np.diff(stems.indptr)[queries.owner] * n_options
        of_option = offsets_of(counts)
        rows, place = row_numbers(of_option), positions(of_option)
        left = stems.indptr[queries.owner[rows]] + place // n_options[rows]
        right = options.indptr[rows] + place % n_options[rows]
        self.of_option = Segments(rows, len(counts))
        self.weights = (stems.data[left] * options.data[right]).astype(np.float64)
        self.stem_words, self.option_words = stems.indices[left], options.indices[right]
        self._distinct = [np.unique(one, return_inverse=True) for one in (self.stem_words, self.option_words)]
        self._keys, self._asking = queries.keys, queries.owner[rows]

    def count(self, index: InvertedIndex, right: sp.csr_matrix) -> NDArray[np.float64]:
        """In how many documents of other keys each pair occurs: the stem's word in `index`, the option's in `right`.

        right: CSR (terms, documents), how often each document counts for a term
        """
        (stem_words, left), (option_words, other) = self._distinct
        first, second = index.presence[stem_words], right[option_words]
        counts: NDArray[np.float64] = (first @ second.T).toarray()[left, other].astype(np.float64)
        question, documents = index.documents_with(self._keys)
        own_first, own_second = first[:, documents].toarray(), second[:, documents].toarray()
        bounds = np.searchsorted(question, np.arange(len(self._keys) + 1))
        of_pair = offsets_of(np.diff(bounds)[self._asking])
        pair = row_numbers(of_pair)
        own = positions(of_pair) + bounds[self._asking[pair]]
        counts -= np.bincount(pair, own_first[left[pair], own] * own_second[other[pair], own], len(counts))
        return counts


def _unit_rows(rows: sp.csr_matrix, first: int, kept: NDArray[np.bool_]) -> sp.csr_matrix:
    """Rows of length 1 with the kept terms alone, from the term `first` on."""
    rows = rows.copy()
    rows.data[~kept[rows.indices] | (rows.indices < first)] = 0
    rows.eliminate_zeros()
    scale_to_unit_length(rows)
    return rows
