"""How many tokens of a question, its options and their evidence fit into a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics.ragged import row_max, row_sums

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Truncation:
    """Numbers of cut questions and options, of the tokens cut off them, and of cut rows of evidence."""

    questions: int = 0
    options: int = 0
    tokens: int = 0
    evidence: int = 0


@dataclass(frozen=True, eq=False)
class Lengths:
    """Tokens kept of every question (pairwise: per option), option and row of evidence."""

    questions: Ints
    options: Ints
    evidence: Ints
    truncation: Truncation


def pairwise(
    max_length: int, specials: int, separator: int, questions: Ints, options: Ints, option_offsets: Ints,
    evidence: Ints | None,
) -> Lengths:  # fmt: skip
    """Tokens kept where each option has a sequence of its own with the whole question.

    `questions` has one length per question, `options` and `evidence` one per option; `specials` is the number
    of special tokens per sequence, `separator` that before evidence.

    >>> kept = pairwise(16, 3, 1, np.array([20]), np.array([4, 15]), np.array([0, 2]), None)
    >>> kept.questions.tolist(), kept.options.tolist()
    ([9, 0], [4, 13])
    """
    room = max_length - specials
    _refuse_small(np.full(len(option_offsets) - 1, room), np.ones(len(option_offsets) - 1), max_length)
    whole = np.repeat(questions, np.diff(option_offsets))
    kept_options = np.minimum(options, room)
    kept_questions = np.minimum(whole, room - kept_options)
    kept_evidence = _evidence(evidence, room - kept_options - kept_questions - separator)
    cut_questions = row_max(whole - kept_questions, option_offsets)
    return _lengths(kept_questions, kept_options, kept_evidence, cut_questions, options, evidence)


def joint_blocks(
    max_length: int, specials: int, option_specials: int, separator: int, questions: Ints, options: Ints,
    option_offsets: Ints, evidence: Ints | None,
) -> Lengths:  # fmt: skip
    """Tokens kept where options share positions: the question and its longest option fit together.

    `evidence` has one length per question or per option; `specials` are the question's special tokens,
    `option_specials` those of each option.
    """
    room = max_length - specials - option_specials
    _refuse_small(np.full(len(questions), room), np.ones(len(questions)), max_length)
    kept_options = np.minimum(options, room)
    longest = row_max(kept_options, option_offsets)
    kept_questions = np.minimum(questions, room - longest)
    left = room - kept_questions - longest - separator
    if evidence is not None and len(evidence) != len(questions):
        n_options = np.diff(option_offsets)
        left = np.repeat(room - kept_questions, n_options) - kept_options - separator
    kept_evidence = _evidence(evidence, left)
    return _lengths(
        kept_questions, kept_options, kept_evidence, questions - kept_questions, options, evidence
    )


def joint_full(
    max_length: int, specials: int, option_specials: int, separator: int, questions: Ints, options: Ints,
    option_offsets: Ints, evidence: Ints | None,
) -> Lengths:  # fmt: skip
    """Tokens kept where question and all options share one sequence, one after the other."""
    n_options = np.diff(option_offsets)
    room = max_length - specials - n_options * option_specials
    _refuse_small(room, n_options, max_length)
    kept_options = options.copy()
    for question in np.flatnonzero(row_sums(options, option_offsets) > room):
        row = slice(option_offsets[question], option_offsets[question + 1])
        kept_options[row] = _level(options[row], int(room[question]))
    kept_questions = np.minimum(questions, room - row_sums(kept_options, option_offsets))
    left = room - kept_questions - row_sums(kept_options, option_offsets)
    if evidence is not None and len(evidence) != len(questions):
        left = np.repeat(left // np.maximum(n_options, 1), n_options)
    kept_evidence = _evidence(evidence, left - separator)
    return _lengths(
        kept_questions, kept_options, kept_evidence, questions - kept_questions, options, evidence
    )


def _level(lengths: Ints, room: int) -> Ints:
    """The lengths with the longest cut down to one level, or one more, so that they sum to `room`."""
    totals = np.minimum(lengths[:, None], np.arange(lengths.max() + 1)).sum(0)
    level = int(np.searchsorted(totals, room, side="right")) - 1
    kept = np.minimum(lengths, level)
    kept[np.flatnonzero(lengths > level)[: room - int(kept.sum())]] += 1
    return kept


def _evidence(evidence: Ints | None, room: Ints) -> Ints:
    return np.zeros(0, np.int64) if evidence is None else np.clip(room, 0, evidence)


def _lengths(
    questions: Ints, options: Ints, evidence: Ints, cut_questions: Ints, whole_options: Ints,
    whole_evidence: Ints | None,
) -> Lengths:  # fmt: skip
    cut_options = whole_options - options
    truncation = Truncation(
        questions=int((cut_questions > 0).sum()),
        options=int((cut_options > 0).sum()),
        tokens=int(cut_questions.sum() + cut_options.sum()),
        evidence=0 if whole_evidence is None else int((evidence < whole_evidence).sum()),
    )
    return Lengths(questions, options, evidence, truncation)


def _refuse_small(room: Ints, needed: NDArray[np.generic], max_length: int) -> None:
    lacking = int((np.asarray(needed, np.int64) - room).max(initial=0))
    if lacking > 0:
        raise InputError(
            f"max_length {max_length} leaves an option without a token; use {max_length + lacking} or more"
        )
