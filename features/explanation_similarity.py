"""What sentences of explanations say about stem and option together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import FULL_COVERAGE, as_array
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex


def explanation_similarity(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How well one sentence covers stem and option: by cosine similarity, and by the share of the option in it.

    near: float32 (n, training questions), similarity of the stems
    """
    found = index.sentences.matches(queries.option_shares, queries.option_keys, queries.option_norms)
    with as_array(index.sentences.scores(queries.stems, queries.keys)) as near_sentence:
        of_stem = near_sentence[queries.owner[found.rows], found.documents]
    of_question = near[queries.owner[found.rows], index.sentence_owner[found.documents]]
    joint, near_joint = of_stem * found.similarity, of_question * found.similarity
    covered = of_stem * found.coverage
    full = found.coverage > FULL_COVERAGE
    return {
        "explanation_best": found.max(joint),
        "explanation_sum": found.sum(joint),
        "explanation_squares": found.sum(joint**2),
        "explanation_both": found.max(np.minimum(of_stem, found.similarity)),
        "explanation_near_best": found.max(near_joint),
        "explanation_near_sum": found.sum(near_joint),
        "sentence_best": found.max(covered),
        "sentence_squares": found.sum(covered**2),
        "sentence_sharp": found.sum((of_stem * found.coverage**2) ** 2),
        "sentence_full_best": found.max(of_stem * full),
        "sentence_full_sum": found.sum(of_stem * full),
        "sentence_full_count": np.log1p(found.sum(full)),
        "sentence_near_best": found.max(of_question * found.coverage),
        "sentence_near_full": found.sum(of_question**2 * full),
    }
