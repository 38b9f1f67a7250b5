"""Why a question was answered as it was: evidence for each option and the contributions of its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.corpus_index import Passage
from cmexam_baseline.features.feature_table import RELATION, FeatureTable
from cmexam_baseline.features.inverted_index import best_pairs
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.retrieval_features import SIMILARITY_THRESHOLD
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.metrics.ragged import row_numbers


@dataclass(frozen=True)
class Evidence:
    """A training question, or a sentence of its explanation, about the option.

    id:          of the training question
    text:        its stem, or the sentence
    option:      the option of it that is like the one asked about; "" for a sentence
    verdict:     "right" or "wrong", what that option was there; "" for a sentence
    like_stem:   0–1, cosine similarity of text and asked stem
    like_option: 0–1, cosine similarity of the options, or the share of the option that the sentence holds
    """

    id: str
    text: str
    option: str
    verdict: str
    like_stem: float
    like_option: float


@dataclass(frozen=True)
class FeatureContribution:
    """A feature, its value, and what it and its comparisons with the other options add to the logit."""

    feature: str
    value: float
    contribution: float


@dataclass(frozen=True)
class OptionAttribution:
    """The probability of an option and its reasons.

    `start` plus all contributions is the logit of the option (the mean over the boosters); the softmax over the
    options of a question gives their probabilities.
    """

    score: float
    start: float
    features: list[FeatureContribution]
    questions: list[Evidence]
    sentences: list[Evidence]
    passages: list[Passage] = field(default_factory=list)


def attributions(
    index: TrainingIndex, boosters: Sequence[Any], exam: Exam, top: int, extra_columns: Columns | None = None
) -> list[OptionAttribution]:
    """For every option of every question of `exam` the `top` strongest features and pieces of evidence.

    extra_columns: what the table holds besides (see `FeatureTable.build`)
    """
    table = FeatureTable.build(index, exam, extra_columns=extra_columns)
    contributions = trees.contributions(boosters, table)
    scores = trees.probabilities(boosters, table)
    queries = Queries.of(exam, copy_keys(exam), index)
    questions, sentences = _questions(index, queries, top), _sentences(index, queries, top)
    return [
        OptionAttribution(
            score=float(scores[option]),
            start=float(contributions[option, -1]),
            features=_features(table, option, contributions[option, :-1], top),
            questions=questions[option],
            sentences=sentences[option],
        )
        for option in range(len(exam.option_texts))
    ]


def _features(
    table: FeatureTable, option: int, contributions: NDArray[np.float64], top: int
) -> list[FeatureContribution]:
    """The features with the greatest contributions, each together with its relations to the other options."""
    totals: dict[str, float] = {}
    for name, contribution in zip(table.names, contributions.tolist(), strict=True):
        feature = name.split(RELATION)[0]
        totals[feature] = totals.get(feature, 0.0) + contribution
    strongest = sorted(totals, key=lambda feature: -abs(totals[feature]))[:top]
    return [
        FeatureContribution(feature, float(table.values[option, table.names.index(feature)]), totals[feature])
        for feature in strongest
    ]


def _questions(index: TrainingIndex, queries: Queries, top: int) -> list[list[Evidence]]:
    scores = index.options.scores(queries.options, queries.option_keys, SIMILARITY_THRESHOLD)
    near = index.stems.scores(queries.stems, queries.keys).toarray()
    like_stem = near[queries.owner[row_numbers(scores.indptr)], index.option_owner[scores.indices]]
    return [
        [
            Evidence(
                id=index.ids[index.option_owner[document]],
                text=index.questions[index.option_owner[document]],
                option=index.option_texts[document],
                verdict="right" if index.option_right[document] else "wrong",
                like_stem=stem,
                like_option=option,
            )
            for document, stem, option in matches
        ]
        for matches in best_pairs(scores, like_stem, top)
    ]


def _sentences(index: TrainingIndex, queries: Queries, top: int) -> list[list[Evidence]]:
    import scipy.sparse as sp

    found = index.sentences.matches(queries.option_shares, queries.option_keys)
    scores = sp.csr_matrix((found.coverage, (found.rows, found.documents)), (found.n, len(index.sentences)))
    near = index.sentences.scores(queries.stems, queries.keys).toarray()
    like_stem = near[queries.owner[row_numbers(scores.indptr)], scores.indices]
    return [
        [
            Evidence(
                id=index.ids[index.sentence_owner[document]],
                text=index.sentence_texts[document],
                option="",
                verdict="",
                like_stem=stem,
                like_option=option,
            )
            for document, stem, option in matches
        ]
        for matches in best_pairs(scores, like_stem, top)
    ]
