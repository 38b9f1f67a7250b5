"""Which training questions chose among the same options, and what they chose.

Questions that share their list of options come in groups, and in a group most options are right once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex

# Two lists with this share of their options in common count as the same list.
_SAME_LIST = 0.75
_PRIOR_RIGHT, _PRIOR_WEIGHT = 0.2, 1.0


def chosen_from_the_same(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How often the option was right and wrong in questions with two or extra_columns, or nearly all, of its companions.

    near: float32 (n, training questions), likeness of the stems
    """
    scores = index.texts.scores(queries.texts, queries.option_keys)
    asking = queries.owner[segment_rows(scores.indptr)]
    question = index.option_owner[scores.indices]
    right = index.option_right[scores.indices]
    _, pair, counts = np.unique(
        asking * np.int64(len(index.stems)) + question, return_inverse=True, return_counts=True
    )
    n_shared = counts[pair]
    n_options = np.maximum(np.diff(queries.offsets)[asking], index.n_options[question])
    share = n_shared / n_options
    same, several = share >= _SAME_LIST, n_shared >= 2
    stem_alike = near[asking, question].astype(np.float64)
    columns: Columns = {}
    for verdict, holds in (("right", right), ("wrong", ~right)):
        columns[f"list_{verdict}_count"] = segment_sum(same & holds, scores.indptr)
        columns[f"list_{verdict}_near"] = segment_max(stem_alike * (same & holds), scores.indptr)
        columns[f"companions_{verdict}_squares"] = segment_sum(share**2 * (several & holds), scores.indptr)
        columns[f"companions_{verdict}_near"] = segment_max(
            stem_alike * share * (several & holds), scores.indptr
        )
    good, bad = columns["companions_right_squares"], columns["companions_wrong_squares"]
    columns["companions_odds"] = (good + _PRIOR_RIGHT) / (good + bad + _PRIOR_WEIGHT)
    return columns
