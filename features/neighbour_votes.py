"""Votes of training questions with similar options."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features.arrays import Columns, Segments, segment_rows
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex, comparable

# Options that are less similar have no vote.
SIMILARITY_THRESHOLD = 0.3
# A text that was offered this often counts half by its own history, half by that of all options.
_PRIOR_WEIGHT = 3.0
_PRIOR_RIGHT = 0.2


def neighbour_votes(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How often similar options were right and wrong, weighted by the similarity of stem and of option.

    near: float32 (n, training questions), similarity of the stems
    """
    scores = index.options.scores(queries.options, queries.option_keys, SIMILARITY_THRESHOLD)
    found = Segments(segment_rows(scores.indptr), scores.shape[0])
    asking, question = queries.owner[found.rows], index.option_owner[scores.indices]
    of_stem, of_option = near[asking, question], scores.data
    right = index.option_right[scores.indices]
    same_sense = queries.negated[asking] == index.negated[question]
    joint, squares, fourth = of_stem * of_option, (of_stem * of_option) ** 2, of_option**4
    columns: Columns = {}
    for verdict, holds in (("right", right), ("wrong", ~right)):
        part, own_joint, own_sense = found.where(holds), joint[holds], same_sense[holds]
        columns[f"votes_{verdict}_sum"] = part.sum(own_joint)
        columns[f"votes_{verdict}_squares"] = part.sum(squares[holds])
        columns[f"votes_{verdict}_alike"] = part.sum((of_stem * fourth)[holds])
        columns[f"votes_{verdict}_best"] = part.max(own_joint)
        columns[f"votes_{verdict}_same_sense"] = part.max(own_joint * own_sense)
        columns[f"votes_{verdict}_turned"] = part.max(own_joint * ~own_sense)
        columns[f"history_{verdict}_like"] = part.sum(fourth[holds])
    for kind in ("sum", "squares", "alike", "best", "same_sense", "turned"):
        good, bad = columns[f"votes_right_{kind}"], columns[f"votes_wrong_{kind}"]
        columns[f"votes_balance_{kind}"] = good - bad
        columns[f"votes_odds_{kind}"] = (good + 0.001) / (good + bad + 0.004)
    if index.from_other_exam.any():
        votes = squares * np.where(right, 1, -1) * ~index.from_other_exam[question]
        columns["votes_balance_own"] = found.sum(votes)
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
