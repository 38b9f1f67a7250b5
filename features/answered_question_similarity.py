"""Training questions with their answers as evidence, read forwards and backwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import FULL_COVERAGE, as_array
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex


def answered_question_similarity(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32]
) -> Columns:
    """How well training questions with their answers cover stem and option together.

    near: float32 (n, training questions), similarity of the stems
    """
    return {**_forwards(index, queries), **_backwards(index, queries, near)}


def _forwards(index: TrainingIndex, queries: Queries) -> Columns:
    """A statement (a stem with what makes it true) that resembles this stem and covers this option."""
    found = index.statements.matches(queries.option_shares, queries.option_keys)
    with as_array(index.statements.scores(queries.stems, queries.keys)) as of_stems:
        of_stem = of_stems[queries.owner[found.rows], found.documents]
    joint, full = of_stem * found.coverage, found.coverage > FULL_COVERAGE
    columns: Columns = {
        "answered_best": found.max(joint),
        "answered_squares": found.sum(joint**2),
        "answered_sharp": found.sum((of_stem * found.coverage**2) ** 2),
        "answered_full_best": found.max(of_stem * full),
        "answered_full_sum": found.sum(of_stem * full),
    }
    if index.from_other_exam.any():
        columns["answered_best_own"] = found.max(joint * ~index.from_other_exam[found.documents])
    return columns


def _backwards(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """A stem that covers this option and whose right, or wrong, options resemble this stem."""
    found = index.stems.matches(queries.option_shares, queries.option_keys)
    asking = queries.owner[found.rows]
    full = found.coverage > FULL_COVERAGE
    columns: Columns = {
        "reversed_stem": found.max(found.coverage * near[asking, found.documents]),
        "reversed_count": np.log1p(found.sum(full)),
    }
    for verdict, options in (("right", index.right), ("wrong", index.wrong)):
        with as_array(options.scores(queries.stems, queries.keys)) as of_options:
            alike = of_options[asking, found.documents]
        joint = found.coverage * alike
        columns[f"reversed_{verdict}_best"] = found.max(joint)
        columns[f"reversed_{verdict}_squares"] = found.sum(joint**2)
        columns[f"reversed_{verdict}_full"] = found.max(alike * full)
    for kind in ("best", "squares"):
        columns[f"reversed_balance_{kind}"] = (
            columns[f"reversed_right_{kind}"] - columns[f"reversed_wrong_{kind}"]
        )
    return columns
