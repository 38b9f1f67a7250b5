"""Why a question was answered as it was: the evidence for each option, and the features that decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns, segment_rows
from cmexam_baseline.features.feature_table import RELATION, Table
from cmexam_baseline.features.folds import copy_keys
from cmexam_baseline.features.inverted_index import LEAST_COVERAGE, best_documents
from cmexam_baseline.features.neighbour_votes import LEAST_SIMILARITY
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import Library


@dataclass(frozen=True)
class Witness:
    """A training question, or a sentence of its explanation, that speaks of the option.

    id:          of the training question
    text:        its stem, or the sentence
    option:      the option of it that is like the one asked about; "" for a sentence
    verdict:     "right" or "wrong", what that option was there; "" for a sentence
    like_stem:   0–1, likeness of text and asked stem
    like_option: 0–1, likeness of the options, or the share of the option that the sentence holds
    """

    id: str
    text: str
    option: str
    verdict: str
    like_stem: float
    like_option: float


@dataclass(frozen=True)
class Reason:
    """A feature, its value, and what it and its comparisons with the other options add to the log-odds."""

    feature: str
    value: float
    contribution: float


@dataclass(frozen=True)
class OptionReasons:
    """The probability of an option, in log-odds `start` plus all contributions, and what speaks of it."""

    score: float
    start: float
    features: list[Reason]
    questions: list[Witness]
    sentences: list[Witness]


def reasons(
    library: Library, booster: Any, exam: Exam, most: int, more: Columns | None = None
) -> list[OptionReasons]:
    """For every option of every question of `exam` the `most` weightiest features and pieces of evidence.

    more: what the table holds besides (see `Table.build`)
    """
    table = Table.build(library, exam, more=more)
    contributions = trees.contributions(booster, table)
    scores = trees.probabilities(booster, table)
    queries = Queries.of(exam, copy_keys(exam), library)
    questions, sentences = _questions(library, queries, most), _sentences(library, queries, most)
    return [
        OptionReasons(
            score=float(scores[option]),
            start=float(contributions[option, -1]),
            features=_features(table, option, contributions[option, :-1], most),
            questions=questions[option],
            sentences=sentences[option],
        )
        for option in range(len(exam.option_texts))
    ]


def _features(table: Table, option: int, contributions: NDArray[np.float64], most: int) -> list[Reason]:
    """The features with the greatest contributions, each together with its relations to the other options."""
    totals: dict[str, float] = {}
    for name, contribution in zip(table.names, contributions.tolist(), strict=True):
        feature = name.split(RELATION)[0]
        totals[feature] = totals.get(feature, 0.0) + contribution
    weightiest = sorted(totals, key=lambda feature: -abs(totals[feature]))[:most]
    return [
        Reason(feature, float(table.values[option, table.names.index(feature)]), totals[feature])
        for feature in weightiest
    ]


def _questions(library: Library, queries: Queries, most: int) -> list[list[Witness]]:
    scores = library.options.scores(queries.options, queries.option_keys, LEAST_SIMILARITY)
    near = library.stems.scores(queries.stems, queries.keys).toarray()
    like_stem = near[queries.owner[segment_rows(scores.indptr)], library.option_owner[scores.indices]]
    return [
        [
            Witness(
                id=library.ids[library.option_owner[document]],
                text=library.questions[library.option_owner[document]],
                option=library.option_texts[document],
                verdict="right" if library.option_right[document] else "wrong",
                like_stem=stem,
                like_option=option,
            )
            for document, stem, option in found
        ]
        for found in _best(scores, like_stem, most)
    ]


def _sentences(library: Library, queries: Queries, most: int) -> list[list[Witness]]:
    scores = library.sentences.coverage(queries.option_shares, queries.option_keys, LEAST_COVERAGE)
    near = library.sentences.scores(queries.stems, queries.keys).toarray()
    like_stem = near[queries.owner[segment_rows(scores.indptr)], scores.indices]
    return [
        [
            Witness(
                id=library.ids[library.sentence_owner[document]],
                text=library.sentence_texts[document],
                option="",
                verdict="",
                like_stem=stem,
                like_option=option,
            )
            for document, stem, option in found
        ]
        for found in _best(scores, like_stem, most)
    ]


def _best(
    like_option: sp.csr_matrix, like_stem: NDArray[np.float32], most: int
) -> list[list[tuple[int, float, float]]]:
    """For each row the documents with the greatest product of both: document, like_stem, like_option."""
    joint = like_option.copy()
    joint.data = like_option.data * like_stem
    joint.eliminate_zeros()
    documents, products = best_documents(joint, most)
    found = []
    for row, (ids, values) in enumerate(zip(documents.tolist(), products.tolist(), strict=True)):
        pairs = [(one, value) for one, value in zip(ids, values, strict=True) if one >= 0]
        alike = [float(like_option[row, one]) for one, _ in pairs]
        found.append(
            [(one, value / option, option) for (one, value), option in zip(pairs, alike, strict=True)]
        )
    return found
