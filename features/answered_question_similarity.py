"""What training questions state once they are answered, read forwards and backwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.inverted_index import COVERAGE_THRESHOLD, FULLY, as_array
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex


def answered_question_similarity(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32]
) -> Columns:
    """How well training questions with their answers speak of stem and option together.

    near: float32 (n, training questions), likeness of the stems
    """
    return {**_forwards(index, queries), **_backwards(index, queries, near)}


def _forwards(index: TrainingIndex, queries: Queries) -> Columns:
    """A statement (a stem with what makes it true) that is like this stem and holds this option."""
    scores = index.statements.coverage(queries.option_shares, queries.option_keys, COVERAGE_THRESHOLD)
    asking = queries.owner[segment_rows(scores.indptr)]
    covered = scores.data.astype(np.float64)
    full = covered > FULLY
    with as_array(index.statements.scores(queries.stems, queries.keys)) as alike_all:
        alike = alike_all[asking, scores.indices].astype(np.float64)
    joint = alike * covered
    columns: Columns = {
        "stated_best": segment_max(joint, scores.indptr),
        "stated_squares": segment_sum(joint**2, scores.indptr),
        "stated_sharp": segment_sum(alike**2 * covered**4, scores.indptr),
        "stated_full_best": segment_max(alike * full, scores.indptr),
        "stated_full_sum": segment_sum(alike * full, scores.indptr),
    }
    if index.from_other_exam.any():
        columns["stated_best_own"] = segment_max(
            joint * ~index.from_other_exam[scores.indices], scores.indptr
        )
    return columns


def _backwards(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """A stem that holds this option and whose right, or wrong, options are like this stem."""
    scores = index.stems.coverage(queries.option_shares, queries.option_keys, COVERAGE_THRESHOLD)
    asking = queries.owner[segment_rows(scores.indptr)]
    covered = scores.data.astype(np.float64)
    full = covered > FULLY
    columns: Columns = {
        "reversed_stem": segment_max(covered * near[asking, scores.indices], scores.indptr),
        "reversed_count": np.log1p(segment_sum(full, scores.indptr)),
    }
    for verdict, options in (("right", index.right), ("wrong", index.wrong)):
        with as_array(options.scores(queries.stems, queries.keys)) as alike_all:
            alike = alike_all[asking, scores.indices].astype(np.float64)
        columns[f"reversed_{verdict}_best"] = segment_max(covered * alike, scores.indptr)
        columns[f"reversed_{verdict}_squares"] = segment_sum((covered * alike) ** 2, scores.indptr)
        columns[f"reversed_{verdict}_full"] = segment_max(alike * full, scores.indptr)
    for kind in ("best", "squares"):
        columns[f"reversed_balance_{kind}"] = (
            columns[f"reversed_right_{kind}"] - columns[f"reversed_wrong_{kind}"]
        )
    return columns
