"""How training questions rated options like those that are asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex, comparable

# Options that share less than this say nothing about each other.
SIMILARITY_THRESHOLD = 0.3
# A text that was offered this often is judged half by its own record, half by that of all options.
_PRIOR_WEIGHT = 3.0
_PRIOR_RIGHT = 0.2


def neighbour_votes(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How often options like this one were right and wrong, weighted by the likeness of stem and of option.

    near: float32 (n, training questions), likeness of the stems
    """
    scores = index.options.scores(queries.options, queries.option_keys, SIMILARITY_THRESHOLD)
    asking = queries.owner[segment_rows(scores.indptr)]
    question = index.option_owner[scores.indices]
    alike = scores.data.astype(np.float64)
    stem_alike = near[asking, question].astype(np.float64)
    right = index.option_right[scores.indices]
    same_sense = queries.negated[asking] == index.negated[question]
    joint = stem_alike * alike
    columns: Columns = {}
    for verdict, holds in (("right", right), ("wrong", ~right)):
        columns[f"votes_{verdict}_sum"] = segment_sum(joint * holds, scores.indptr)
        columns[f"votes_{verdict}_squares"] = segment_sum(joint**2 * holds, scores.indptr)
        columns[f"votes_{verdict}_alike"] = segment_sum(stem_alike * alike**4 * holds, scores.indptr)
        columns[f"votes_{verdict}_best"] = segment_max(joint * holds, scores.indptr)
        columns[f"votes_{verdict}_same_sense"] = segment_max(joint * (holds & same_sense), scores.indptr)
        columns[f"votes_{verdict}_turned"] = segment_max(joint * (holds & ~same_sense), scores.indptr)
        columns[f"history_{verdict}_like"] = segment_sum(alike**4 * holds, scores.indptr)
    for kind in ("sum", "squares", "alike", "best", "same_sense", "turned"):
        good, bad = columns[f"votes_right_{kind}"], columns[f"votes_wrong_{kind}"]
        columns[f"votes_balance_{kind}"] = good - bad
        columns[f"votes_odds_{kind}"] = (good + 0.001) / (good + bad + 0.004)
    if index.from_other_exam.any():
        votes = joint**2 * np.where(right, 1.0, -1.0) * ~index.from_other_exam[question]
        columns["votes_balance_own"] = segment_sum(votes, scores.indptr)
    columns["history_like"] = _shrunk(columns["history_right_like"], columns["history_wrong_like"])
    return columns


def option_history(index: TrainingIndex, exam: Exam, keys: Keys) -> Columns:
    """How often the very text of the option was right and wrong when other questions offered it."""
    ids = index.text_ids
    offered = np.array([ids[text] for text in index.option_texts], dtype=np.int64)
    asked = np.array([ids.get(text, -1) for text in comparable(exam.option_texts)], dtype=np.int64)
    known = asked >= 0
    offered_by, asked_by = index.options.keys, np.repeat(keys, exam.n_options)
    distinct_keys = np.unique(offered_by)
    # A text and a key as one number; a key that the index does not know shares no text with it.
    offered_pairs = offered * len(distinct_keys) + np.searchsorted(distinct_keys, offered_by)
    key_places = np.minimum(np.searchsorted(distinct_keys, asked_by), len(distinct_keys) - 1)
    asked_pairs = np.where(distinct_keys[key_places] == asked_by, asked * len(distinct_keys) + key_places, -1)
    columns: Columns = {}
    for verdict, holds in (("right", index.option_right), ("wrong", ~index.option_right)):
        totals = np.bincount(offered[holds], minlength=len(ids))
        pairs, counts = np.unique(offered_pairs[holds], return_counts=True)
        column = np.zeros(len(asked))
        column[known] = totals[asked[known]]
        columns[f"history_{verdict}"] = column - _looked_up(pairs, counts, np.where(known, asked_pairs, -1))
    return {**columns, "history": _shrunk(columns["history_right"], columns["history_wrong"])}


def _shrunk(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    return (right + _PRIOR_WEIGHT * _PRIOR_RIGHT) / (right + wrong + _PRIOR_WEIGHT)


def _looked_up(
    numbers: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The value beside each wanted number, 0 for one that is not among `numbers`, which rise."""
    found = np.zeros(len(wanted))
    places = np.searchsorted(numbers, wanted)
    there = places < len(numbers)
    there[there] = numbers[places[there]] == wanted[there]
    found[there] = values[places[there]]
    return found
