"""How strongly words of a stem and words of an option belong together, over all training questions and explanations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns, Segments
from cmexam_baseline.features.inverted_index import as_array
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.features.vocabulary import scale_to_unit_length
from cmexam_baseline.metrics.ragged import offsets_of, positions, row_numbers
from cmexam_baseline.metrics.tokens import number_code_points

if TYPE_CHECKING:
    import scipy.sparse as sp

# Added to counts, so that a pair of words that was never seen says nothing.
_TRUE, _FALSE = 0.2, 0.8
_SMOOTH, _RARE = 0.5, 0.05
# Five times the above for terms alone, which are seen more often than pairs.
_ALONE = 5.0
# The share of the options that are right.
_RIGHT = 0.2


def word_associations(index: TrainingIndex, queries: Queries) -> Columns:
    """Log odds, lift and pointwise mutual information of the word pairs of stem and option.

    A pair consists of a word of the stem and one of the option, weighted by the product of their TF-IDF weights.
    Its odds compare the training options that made a stem with this word true and those that made it false; its
    lift compares the former with chance; its mutual information does so with the sentences of explanations. All of
    them ignore what the question itself and its copies say. Stems that ask for what is wrong turn the sign.
    """
    in_stems, in_options = (np.diff(one.postings.indptr) for one in (index.stems, index.options))
    n_pairs = index.vocabulary.n_pairs
    pairs = WordPairs(
        words_of(queries.stems, n_pairs, in_stems > 1),
        words_of(queries.options, n_pairs, in_options > 0),
        queries.owner,
    )
    of_questions = index.stems.documents_with(queries.keys)
    true, false = pairs.count(index.stems.presence, index.option_words, of_questions)
    told = index.sentences.presence
    (together,) = pairs.count(told, [told], index.sentences.documents_with(queries.keys))
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
        **_terms_alone(index, queries),
    }


def _terms_alone(index: TrainingIndex, queries: Queries) -> Columns:
    """Log odds of the terms of an option, whatever the stem: their mean by TF-IDF weight, the greatest, the least.

    They compare the training options with the term that made their stem true and those that made it false.
    """
    import scipy.sparse as sp

    options = queries.options
    of_option, terms = Segments(row_numbers(options.indptr), options.shape[0]), options.indices
    question, documents = index.stems.documents_with(queries.keys)
    shape = (len(queries), len(documents))
    copies = sp.csr_matrix((np.ones(len(documents), np.float32), (question, np.arange(shape[1]))), shape)
    counts = []
    for by_question, total in index.option_word_counts:
        with as_array((copies @ by_question[documents]).tocsr()) as own:
            counts.append(total[terms] - own[queries.owner[of_option.rows], terms])
    true, false = counts
    odds = np.log((true + _ALONE * _TRUE) / (false + _ALONE * _FALSE) * (_FALSE / _TRUE))
    sign = np.where(queries.negated, -1.0, 1.0)[queries.owner]
    weight = np.maximum(of_option.sum(options.data), 1e-9)
    return {
        "association_alone": sign * of_option.sum(odds * options.data) / weight,
        "association_alone_best": sign * of_option.max(odds),
        "association_alone_worst": sign * -of_option.max(-odds),
    }


class WordPairs:
    """The word pairs of some questions: each word of the stem with each of the option.

    stem_words, option_words: int64 (k,), terms; weights: float64 (k,); of_option: the option of each pair
    """

    def __init__(self, stems: sp.csr_matrix, options: sp.csr_matrix, owner: NDArray[np.int64]) -> None:
        """The pairs of `stems` (n, terms) and `options` (m, terms), as `words_of` gives them; `owner` (m,)."""
        n_options = np.diff(options.indptr).astype(np.int64)
        counts = np.diff(stems.indptr)[owner] * n_options
        of_option = offsets_of(counts)
        rows, place = row_numbers(of_option), positions(of_option)
        left = stems.indptr[owner[rows]] + place // n_options[rows]
        right = options.indptr[rows] + place % n_options[rows]
        self.of_option = Segments(rows, len(counts))
        self.weights = (stems.data[left] * options.data[right]).astype(np.float64)
        self.stem_words, self.option_words = stems.indices[left], options.indices[right]
        self._distinct = [number_code_points(one) for one in (self.stem_words, self.option_words)]
        self._asking, self._n_questions = owner[rows], stems.shape[0]

    def count(
        self,
        left: sp.csr_matrix,
        rights: Sequence[sp.csr_matrix],
        hidden: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> list[NDArray[np.float64]]:
        """In how many documents each pair occurs: the stem's word in `left`, the option's in each of `rights`.

        left, rights: CSR (terms, documents), how often each document counts for a term
        hidden:       questions, which do not decrease, and the documents that each of them does not see
        """
        (first_place, stem_words), (second_place, option_words) = self._distinct
        question, documents = hidden
        bounds = np.searchsorted(question, np.arange(self._n_questions + 1))
        of_pair = offsets_of(np.diff(bounds)[self._asking])
        pair = row_numbers(of_pair)
        own = positions(of_pair) + bounds[self._asking[pair]]
        first = left[stem_words]
        own_first = first[:, documents].toarray()[first_place[pair], own]
        counts = []
        for right in rights:
            second = right[option_words]
            own_second = second[:, documents].toarray()[second_place[pair], own]
            together = (first @ second.T).toarray()[first_place, second_place]
            counts.append(together - np.bincount(pair, own_first * own_second, len(together)))
        return counts


def words_of(rows: sp.csr_matrix, n_pairs: int, kept: NDArray[np.bool_]) -> sp.csr_matrix:
    """Rows of length 1 with the kept words alone, which follow `n_pairs` pairs of characters among the terms."""
    rows = rows.copy()
    rows.data[~kept[rows.indices] | (rows.indices < n_pairs)] = 0
    rows.eliminate_zeros()
    scale_to_unit_length(rows)
    return rows
