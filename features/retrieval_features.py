"""Evidence for each option of a question from the training index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.answered_question_similarity import answered_question_similarity
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.explanation_similarity import explanation_similarity
from cmexam_baseline.features.inverted_index import Keys, as_array, top_k
from cmexam_baseline.features.neighbour_votes import neighbour_votes, option_history
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.threads import in_threads
from cmexam_baseline.features.training_index import TrainingIndex

if TYPE_CHECKING:
    import scipy.sparse as sp

_BLOCK = 64
_NEIGHBOURS = 5


def retrieval_features(
    index: TrainingIndex, exam: Exam, keys: Keys | None = None, progress: Progress = no_progress
) -> Columns:
    """Columns of evidence, each float64 with one value per option, flat in exam order.

    Questions see no training question with their own key (default: `copy_keys`).
    """
    keys = copy_keys(exam) if keys is None else keys
    queries = Queries.of(exam, keys, index)
    parts: list[Columns] = []
    for columns in in_threads(lambda block: _block(index, block), queries.blocks(_BLOCK)):
        progress("looking up evidence", min(len(parts) * _BLOCK, len(exam)), len(exam))
        parts.append(columns)
    progress("looking up evidence", len(exam), len(exam))
    gathered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**gathered, **option_history(index, exam, keys)}


def _block(index: TrainingIndex, queries: Queries) -> Columns:
    """Evidence for the options of a few questions."""
    stem_scores = index.stems.scores(queries.stems, queries.keys)
    with as_array(stem_scores) as near:
        return {
            **_neighbourhood(stem_scores, queries.owner),
            **neighbour_votes(index, queries, near),
            **explanation_similarity(index, queries, near),
            **answered_question_similarity(index, queries, near),
        }


def _neighbourhood(stem_scores: sp.csr_matrix, owner: NDArray[np.int64]) -> Columns:
    """How near the nearest training questions are."""
    _, best = top_k(stem_scores, _NEIGHBOURS)
    return {
        "stem_nearest": best[:, 0].astype(np.float64)[owner],
        "stem_near": best.mean(axis=1, dtype=np.float64)[owner],
    }
