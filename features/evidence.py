"""What the library says about each option of a question."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.features.arrays import segment_max, segment_rows, segment_sum
from cmexam_baseline.features.folds import copy_keys
from cmexam_baseline.features.library import Library, comparable
from cmexam_baseline.features.progress import Progress, silent
from cmexam_baseline.features.retrieval import Keys, best_documents
from cmexam_baseline.features.wording import is_negated

Columns = dict[str, NDArray[np.float64]]

_BLOCK = 64
_THREADS = 2
_NEIGHBOURS = 5
# Options and sentences that share less than this with an option say nothing about it.
_LEAST_OPTION_SIMILARITY = 0.3
_LEAST_SENTENCE_SIMILARITY = 0.12
# A text that was offered this often is judged half by its own record, half by that of all options.
_PRIOR_WEIGHT = 3.0
_PRIOR_RIGHT = 0.2


def gather_evidence(
    library: Library, exam: Exam, keys: Keys | None = None, progress: Progress = silent
) -> Columns:
    """Columns of evidence, each float64 with one value an option, flat in exam order.

    Questions see no training question with their own key (default: `copy_keys`).
    """
    keys = copy_keys(exam) if keys is None else keys
    texts = [*exam.questions, *exam.option_texts]
    rows = library.vocabulary.tfidf(library.vocabulary.counts(texts))
    queries = _Queries(
        rows[: len(exam)], rows[len(exam) :], exam.option_offsets, keys, is_negated(exam.questions)
    )
    starts = range(0, len(exam), _BLOCK)
    parts: list[Columns] = []
    with ThreadPoolExecutor(_THREADS) as threads:
        for columns in threads.map(lambda start: _block(library, queries, start), starts):
            progress("looking up evidence", min(len(parts) * _BLOCK, len(exam)), len(exam))
            parts.append(columns)
    progress("looking up evidence", len(exam), len(exam))
    gathered = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**gathered, **_record(library, exam, keys)}


@dataclass(frozen=True, eq=False)
class _Queries:
    stems: sp.csr_matrix
    options: sp.csr_matrix
    offsets: NDArray[np.int64]
    keys: Keys
    negated: NDArray[np.bool_]


def _block(library: Library, queries: _Queries, start: int) -> Columns:
    """Evidence for the options of `_BLOCK` questions."""
    questions = slice(start, start + _BLOCK)
    offsets = queries.offsets[start : start + _BLOCK + 1]
    options = slice(offsets[0], offsets[-1])
    keys = queries.keys[questions]
    owner = segment_rows(offsets - offsets[0])
    stems, texts = queries.stems[questions], queries.options[options]
    stem_scores = library.stems.scores(stems, keys)
    option_scores = library.options.scores(texts, keys[owner], _LEAST_OPTION_SIMILARITY)
    sentence_scores = library.sentences.scores(texts, keys[owner], _LEAST_SENTENCE_SIMILARITY)
    near = stem_scores.toarray()
    near_sentence = library.sentences.scores(stems, keys).toarray()
    return {
        **_neighbourhood(stem_scores, owner),
        **_rated(library, near, option_scores, owner, queries.negated[questions]),
        **_told(library, near, near_sentence, sentence_scores, owner),
    }


def _neighbourhood(stem_scores: sp.csr_matrix, owner: NDArray[np.int64]) -> Columns:
    """How near the nearest training questions are."""
    _, best = best_documents(stem_scores, _NEIGHBOURS)
    return {
        "stem_nearest": best[:, 0].astype(np.float64)[owner],
        "stem_near": best.mean(axis=1, dtype=np.float64)[owner],
    }


def _rated(
    library: Library,
    near: NDArray[np.float32],
    scores: sp.csr_matrix,
    owner: NDArray[np.int64],
    negated: NDArray[np.bool_],
) -> Columns:
    """How training questions rated options like this one, weighted by the likeness of stem and of option."""
    rows = segment_rows(scores.indptr)
    question = library.option_owner[scores.indices]
    alike = scores.data.astype(np.float64)
    stem_alike = near[owner[rows], question].astype(np.float64)
    right = library.option_right[scores.indices]
    same_sense = negated[owner[rows]] == library.negated[question]
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
    columns["record_like"] = _shrunk(columns["record_right_like"], columns["record_wrong_like"])
    return columns


def _told(
    library: Library,
    near: NDArray[np.float32],
    near_sentence: NDArray[np.float32],
    scores: sp.csr_matrix,
    owner: NDArray[np.int64],
) -> Columns:
    """How well one sentence of an explanation speaks of stem and option together."""
    rows = segment_rows(scores.indptr)
    alike = scores.data.astype(np.float64)
    stem_alike = near_sentence[owner[rows], scores.indices].astype(np.float64)
    question_alike = near[owner[rows], library.sentence_owner[scores.indices]].astype(np.float64)
    joint = stem_alike * alike
    return {
        "told_best": segment_max(joint, scores.indptr),
        "told_sum": segment_sum(joint, scores.indptr),
        "told_squares": segment_sum(joint**2, scores.indptr),
        "told_both": segment_max(np.minimum(stem_alike, alike), scores.indptr),
        "told_near_best": segment_max(question_alike * alike, scores.indptr),
        "told_near_sum": segment_sum(question_alike * alike, scores.indptr),
    }


def _record(library: Library, exam: Exam, keys: Keys) -> Columns:
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
