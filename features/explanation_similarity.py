"""What sentences of explanations say about stem and option together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.inverted_index import COVERAGE_THRESHOLD, FULLY, SIMILARITY_THRESHOLD, as_array
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex


def explanation_similarity(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How well one sentence speaks of stem and option: by likeness, and by how much of the option it holds.

    near: float32 (n, training questions), likeness of the stems
    """
    with as_array(index.sentences.scores(queries.stems, queries.keys)) as near_sentence:
        return {
            **_alike(index, queries, near, near_sentence),
            **_covered(index, queries, near, near_sentence),
        }


def _alike(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32], near_sentence: NDArray[np.float32]
) -> Columns:
    scores = index.sentences.scores(queries.options, queries.option_keys, SIMILARITY_THRESHOLD)
    asking = queries.owner[segment_rows(scores.indptr)]
    alike = scores.data.astype(np.float64)
    stem_alike = near_sentence[asking, scores.indices].astype(np.float64)
    question_alike = near[asking, index.sentence_owner[scores.indices]].astype(np.float64)
    joint = stem_alike * alike
    return {
        "explanation_best": segment_max(joint, scores.indptr),
        "explanation_sum": segment_sum(joint, scores.indptr),
        "explanation_squares": segment_sum(joint**2, scores.indptr),
        "explanation_both": segment_max(np.minimum(stem_alike, alike), scores.indptr),
        "explanation_near_best": segment_max(question_alike * alike, scores.indptr),
        "explanation_near_sum": segment_sum(question_alike * alike, scores.indptr),
    }


def _covered(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32], near_sentence: NDArray[np.float32]
) -> Columns:
    scores = index.sentences.coverage(queries.option_shares, queries.option_keys, COVERAGE_THRESHOLD)
    asking = queries.owner[segment_rows(scores.indptr)]
    covered = scores.data.astype(np.float64)
    full = covered > FULLY
    stem_alike = near_sentence[asking, scores.indices].astype(np.float64)
    question_alike = near[asking, index.sentence_owner[scores.indices]].astype(np.float64)
    joint = stem_alike * covered
    return {
        "sentence_best": segment_max(joint, scores.indptr),
        "sentence_squares": segment_sum(joint**2, scores.indptr),
        "sentence_sharp": segment_sum(stem_alike**2 * covered**4, scores.indptr),
        "sentence_full_best": segment_max(stem_alike * full, scores.indptr),
        "sentence_full_sum": segment_sum(stem_alike * full, scores.indptr),
        "sentence_full_count": np.log1p(segment_sum(full, scores.indptr)),
        "sentence_near_best": segment_max(question_alike * covered, scores.indptr),
        "sentence_near_full": segment_sum(question_alike**2 * full, scores.indptr),
    }
