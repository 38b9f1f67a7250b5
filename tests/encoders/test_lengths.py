"""What is cut, and in which order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.encoders.lengths import joint_blocks, joint_full, pairwise
from cmexam_baseline.exam.errors import InputError

SPECIALS, OPTION_SPECIALS, SEPARATOR = 2, 2, 1
exams = st.lists(
    st.tuples(st.integers(0, 60), st.lists(st.integers(0, 30), min_size=2, max_size=8), st.integers(0, 40)),
    min_size=1,
    max_size=5,
)


def arrays(rows):
    questions = np.array([question for question, _, _ in rows], np.int64)
    options = np.array([length for _, lengths, _ in rows for length in lengths], np.int64)
    offsets = np.concatenate([[0], np.cumsum([len(lengths) for _, lengths, _ in rows])])
    return questions, options, offsets.astype(np.int64), np.array([row[2] for row in rows], np.int64)


@given(exams, st.integers(16, 80))
def test_pairwise_cuts_evidence_then_the_question_then_the_option(rows, max_length):
    questions, options, offsets, evidence = arrays(rows)
    of = np.repeat(np.arange(len(questions)), np.diff(offsets))
    kept = pairwise(max_length, 4, SEPARATOR, questions, options, offsets, evidence[of])
    for i in range(len(options)):
        question, option, extra = kept.questions[i], kept.options[i], kept.evidence[i]
        used = 4 + question + option + (SEPARATOR + extra if extra else 0)
        assert used <= max_length
        if option < options[i]:
            assert question == 0
        if question < questions[of[i]]:
            assert extra == 0
            assert used == max_length
        if extra < evidence[of[i]]:
            assert used + (SEPARATOR + 1 if not extra else 1) > max_length


@given(exams, st.integers(16, 80))
def test_joint_blocks_fit_question_and_every_option(rows, max_length):
    questions, options, offsets, evidence = arrays(rows)
    kept = joint_blocks(
        max_length, SPECIALS, OPTION_SPECIALS, SEPARATOR, questions, options, offsets, evidence
    )
    for i in range(len(questions)):
        row = slice(offsets[i], offsets[i + 1])
        extra = kept.evidence[i] + SEPARATOR * (kept.evidence[i] > 0)
        used = SPECIALS + kept.questions[i] + extra + OPTION_SPECIALS + kept.options[row].max()
        assert used <= max_length
        if (kept.options[row] < options[row]).any():
            assert kept.questions[i] == 0
        if kept.questions[i] < questions[i]:
            assert used == max_length
            assert kept.evidence[i] == 0


@given(exams, st.integers(60, 120))
def test_joint_full_fits_all_options_and_cuts_the_longest(rows, max_length):
    questions, options, offsets, _ = arrays(rows)
    kept = joint_full(max_length, SPECIALS, OPTION_SPECIALS, SEPARATOR, questions, options, offsets, None)
    for i in range(len(questions)):
        row = slice(offsets[i], offsets[i + 1])
        n = offsets[i + 1] - offsets[i]
        used = SPECIALS + kept.questions[i] + n * OPTION_SPECIALS + kept.options[row].sum()
        assert used <= max_length
        cut = kept.options[row] < options[row]
        if cut.any():
            assert kept.questions[i] == 0
            assert kept.options[row][cut].min() >= kept.options[row].max() - 1
            assert used == max_length
        elif kept.questions[i] < questions[i]:
            assert used == max_length


@given(exams)
def test_evidence_of_options_stays_within_the_budget(rows):
    questions, options, offsets, _ = arrays(rows)
    evidence = np.full(len(options), 50)
    for measure, total in ((joint_blocks, False), (joint_full, True)):
        kept = measure(90, SPECIALS, OPTION_SPECIALS, SEPARATOR, questions, options, offsets, evidence)
        for i in range(len(questions)):
            row = slice(offsets[i], offsets[i + 1])
            own = (
                OPTION_SPECIALS
                + kept.options[row]
                + kept.evidence[row]
                + SEPARATOR * (kept.evidence[row] > 0)
            )
            assert SPECIALS + kept.questions[i] + (own.sum() if total else own.max()) <= 90


def test_cuts_are_counted():
    kept = pairwise(16, 3, 1, np.array([20, 2]), np.array([4, 15, 1, 1]), np.array([0, 2, 4]), None)
    assert vars(kept.truncation) == {"questions": 1, "options": 1, "tokens": 20 + 2, "evidence": 0}
    assert kept.questions.tolist() == [9, 0, 2, 2]
    kept = pairwise(16, 3, 1, np.array([4]), np.array([4, 4]), np.array([0, 2]), np.array([9, 2]))
    assert vars(kept.truncation) == {"questions": 0, "options": 0, "tokens": 0, "evidence": 1}
    assert kept.evidence.tolist() == [4, 2]


def test_too_small_a_length_is_refused_with_what_is_needed():
    options, offsets = np.full(8, 3), np.array([0, 8])
    with pytest.raises(InputError, match=r"max_length 16 leaves an option without a token; use 26 or more"):
        joint_full(16, 2, 2, 1, np.array([5]), options, offsets, None)
    kept = joint_full(26, 2, 2, 1, np.array([5]), options, offsets, None)
    assert kept.options.tolist() == [1] * 8
    assert kept.questions.tolist() == [0]
