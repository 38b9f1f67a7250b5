"""Evidence for each option of a question from the training index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.arrays import Columns, Segments
from cmexam_baseline.features.inverted_index import FULL_COVERAGE, Keys, as_array, top_k
from cmexam_baseline.features.nearest_evidence import nearest_question, nearest_sentences
from cmexam_baseline.features.queries import Queries
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.features.word_associations import word_associations
from cmexam_baseline.metrics.ragged import row_numbers
from cmexam_baseline.metrics.threads import in_threads

if TYPE_CHECKING:
    import scipy.sparse as sp

_NEIGHBOURS = 5
# Options that are less similar have no vote.
SIMILARITY_THRESHOLD = 0.3
# A text that was offered this often counts half by its own history, half by that of all options.
_PRIOR_WEIGHT = 3.0
_PRIOR_RIGHT = 0.2


def retrieval_features(
    index: TrainingIndex, exam: Exam, keys: Keys | None = None, progress: Progress = no_progress
) -> Columns:
    """Columns of evidence, each float64 with one value per option, flat in exam order.

    Questions see no training question with their own key (default: `copy_keys`).
    """
    keys = copy_keys(exam) if keys is None else keys
    queries = Queries.of(exam, keys, index)
    size, parts = index.block_size, list[Columns]()
    for columns in in_threads(lambda block: _block(index, block), queries.blocks(size)):
        progress("looking up evidence", min(len(parts) * size, len(exam)), len(exam))
        parts.append(columns)
    progress("looking up evidence", len(exam), len(exam))
    gathered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**gathered, **option_history(index, queries)}


def _block(index: TrainingIndex, queries: Queries) -> Columns:
    """Evidence for the options of a few questions."""
    stem_scores = index.stems.scores(queries.stems, queries.keys)
    with as_array(stem_scores) as near:
        return {
            **_neighbourhood(stem_scores, queries.owner),
            **neighbour_votes(index, queries, near),
            **explanation_similarity(index, queries, near),
            **answered_question_similarity(index, queries),
            **reversed_question_similarity(index, queries, near),
            **word_associations(index, queries),
        }


def _neighbourhood(stem_scores: sp.csr_matrix, owner: NDArray[np.int64]) -> Columns:
    """How near the nearest training questions are."""
    _, best = top_k(stem_scores, _NEIGHBOURS)
    return {
        "stem_nearest": best[:, 0].astype(np.float64)[owner],
        "stem_near": best.mean(axis=1, dtype=np.float64)[owner],
    }


def neighbour_votes(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How often similar options were right and wrong, weighted by the similarity of stem and of option.

    near: float32 (n, training questions), similarity of the stems
    """
    scores = index.options.scores(queries.options, queries.option_keys, SIMILARITY_THRESHOLD)
    found = Segments(row_numbers(scores.indptr), scores.shape[0])
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
    return {**columns, **nearest_question(index, queries, near, scores)}


def option_history(index: TrainingIndex, queries: Queries) -> Columns:
    """How often the very text of the option was right and wrong when other questions offered it."""
    ids = index.text_ids
    offered = np.array([ids[text] for text in index.option_texts], dtype=np.int64)
    asked = np.array([ids.get(text, -1) for text in queries.option_texts], dtype=np.int64)
    known = asked >= 0
    offered_by, asked_by = index.options.keys, queries.option_keys
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


def explanation_similarity(index: TrainingIndex, queries: Queries, near: NDArray[np.float32]) -> Columns:
    """How well one sentence covers stem and option: by cosine similarity, and by the share of the option in it.

    near: float32 (n, training questions), similarity of the stems
    """
    found = index.sentences.matches(queries.option_shares, queries.option_keys, queries.option_norms)
    sentence_scores = index.sentences.scores(queries.stems, queries.keys)
    with as_array(sentence_scores) as near_sentence:
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
        **nearest_sentences(index, queries, sentence_scores),
    }


def answered_question_similarity(index: TrainingIndex, queries: Queries) -> Columns:
    """How well a statement (a stem with what makes it true) resembles this stem and covers this option."""
    found = index.statements.matches(queries.option_shares, queries.option_keys)
    with index.statements.score_array(queries.stems, queries.keys) as of_stems:
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


def reversed_question_similarity(
    index: TrainingIndex, queries: Queries, near: NDArray[np.float32]
) -> Columns:
    """How well a stem covers this option while its right, or wrong, options resemble this stem.

    near: float32 (n, training questions), similarity of the stems
    """
    found = index.stems.matches(queries.option_shares, queries.option_keys)
    asking = queries.owner[found.rows]
    full = found.coverage > FULL_COVERAGE
    columns: Columns = {
        "reversed_stem": found.max(found.coverage * near[asking, found.documents]),
        "reversed_count": np.log1p(found.sum(full)),
    }
    for verdict, options in (("right", index.right), ("wrong", index.wrong)):
        with options.score_array(queries.stems, queries.keys) as of_options:
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
