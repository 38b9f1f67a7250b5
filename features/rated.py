"""How training questions rated options like those that are asked about."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.library import Library, comparable
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.retrieval import Keys

# Options that share less than this say nothing about each other.
LEAST_SIMILARITY = 0.3
# A text that was offered this often is judged half by its own record, half by that of all options.
_PRIOR_WEIGHT = 3.0
_PRIOR_RIGHT = 0.2


def rated(library: Library, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How often options like this one were right and wrong, weighted by the likeness of stem and of option.

    near: float32 (n, training questions), likeness of the stems
    """
    scores = library.options.scores(queries.options, queries.option_keys, LEAST_SIMILARITY)
    asking = queries.owner[segment_rows(scores.indptr)]
    question = library.option_owner[scores.indices]
    alike = scores.data.astype(np.float64)
    stem_alike = near[asking, question].astype(np.float64)
    right = library.option_right[scores.indices]
    same_sense = queries.negated[asking] == library.negated[question]
    joint = stem_alike * alike
    columns: Columns = {}
    for verdict, holds in (("right", right), ("wrong", ~right)):
        columns[f"rated_{verdict}_sum"] = segment_sum(joint * holds, scores.indptr)
        columns[f"rated_{verdict}_squares"] = segment_sum(joint**2 * holds, scores.indptr)
        columns[f"rated_{verdict}_alike"] = segment_sum(stem_alike * alike**4 * holds, scores.indptr)
        columns[f"rated_{verdict}_best"] = segment_max(joint * holds, scores.indptr)
        columns[f"rated_{verdict}_same_sense"] = segment_max(joint * (holds & same_sense), scores.indptr)
        columns[f"rated_{verdict}_turned"] = segment_max(joint * (holds & ~same_sense), scores.indptr)
        columns[f"record_{verdict}_like"] = segment_sum(alike**4 * holds, scores.indptr)
    for kind in ("sum", "squares", "alike", "best", "same_sense", "turned"):
        good, bad = columns[f"rated_right_{kind}"], columns[f"rated_wrong_{kind}"]
        columns[f"rated_balance_{kind}"] = good - bad
        columns[f"rated_odds_{kind}"] = (good + 0.001) / (good + bad + 0.004)
    if library.is_extra.any():
        votes = joint**2 * np.where(right, 1.0, -1.0) * ~library.is_extra[question]
        columns["rated_balance_own"] = segment_sum(votes, scores.indptr)
    columns["record_like"] = _shrunk(columns["record_right_like"], columns["record_wrong_like"])
    return columns


def record(library: Library, exam: Exam, keys: Keys) -> Columns:
    """How often the very text of the option was right and wrong when other questions offered it."""
    own_keys = keys[segment_rows(exam.option_offsets)].tolist()
    texts = comparable(exam.option_texts)
    offered_by = library.options.keys.tolist()
    right, wrong = Counter[object](), Counter[object]()
    for text, key, holds in zip(library.option_texts, offered_by, library.option_right.tolist(), strict=True):
        tally = right if holds else wrong
        tally[text] += 1
        tally[text, key] += 1
    columns = {
        f"record_{verdict}": np.array(
            [tally[text] - tally[text, key] for text, key in zip(texts, own_keys, strict=True)],
            dtype=np.float64,
        )
        for verdict, tally in (("right", right), ("wrong", wrong))
    }
    return {**columns, "record": _shrunk(columns["record_right"], columns["record_wrong"])}


def _shrunk(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    return (right + _PRIOR_WEIGHT * _PRIOR_RIGHT) / (right + wrong + _PRIOR_WEIGHT)
