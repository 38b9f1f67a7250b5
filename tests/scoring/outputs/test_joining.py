"""Prediction rows meet the questions they belong to, by every key that there is."""

from __future__ import annotations

import numpy as np
import pytest

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.scoring.outputs.joining import JoinKeys, join


@pytest.fixture
def exam() -> Exam:
    return Exam.from_questions(
        [
            Question("val-1", "缺乏可致夜盲症的是（　）。", ("维生素A", "维生素C"), "A"),
            Question("val-2", "下列属于抗生素的是", ("青霉素", "阿司匹林"), "A"),
            Question("val-3", "下列属于抗生素的是", ("吗啡", "红霉素"), "B"),
        ]
    )


def test_ids_go_first_in_any_order(exam: Exam) -> None:
    met = join(exam, JoinKeys(3, ids=["val-3", "val-1", "val-2"], questions=["x", "y", "z"]))
    assert met.by == "id"
    assert met.row_of.tolist() == [1, 2, 0]


def test_doubled_extra_and_missing_rows_are_told(exam: Exam) -> None:
    met = join(exam, JoinKeys(4, ids=["val-1", "val-9", "val-1", "val-2"]))
    assert met.row_of.tolist() == [0, 3, -1]
    assert (met.doubled, met.extra, met.missing.tolist()) == ([2], [1], [2])


def test_ids_that_a_spreadsheet_made_floats_still_meet() -> None:
    exam = Exam.from_questions([Question(str(n), f"问题{n}", ("甲", "乙"), "A") for n in range(3)])
    assert join(exam, JoinKeys(3, ids=["2.0", "0.0", "1.0"])).row_of.tolist() == [1, 2, 0]


def test_rows_in_order_meet_by_their_number(exam: Exam) -> None:
    assert join(exam, JoinKeys(3)).by == "row number"
    assert join(exam, JoinKeys(3, ids=["0", "1", "2"])).row_of.tolist() == [0, 1, 2]


def test_ids_of_another_make_are_not_taken_for_row_numbers(exam: Exam) -> None:
    with pytest.raises(InputError, match="'b'.*'val-1'"):
        join(exam, JoinKeys(3, ids=["b", "a", "c"]))
    with pytest.raises(InputError, match="do not meet"):
        join(exam, JoinKeys(3, ids=["3", "1", "2"]))


def test_shuffled_rows_with_the_right_count_meet_by_question(exam: Exam) -> None:
    keys = JoinKeys(2, questions=["下列属于抗生素的是", "缺乏可致夜盲症的是( )"])
    assert join(exam, keys).row_of.tolist()[0] == 1
    shuffled = JoinKeys(3, questions=[exam.questions[row] for row in (1, 2, 0)])
    met = join(exam, shuffled)
    assert met.by == "question"
    assert met.row_of.tolist() == [2, 0, 1]
    assert met.by_order == [1, 2]


def test_repeated_stems_are_told_apart_by_their_options(exam: Exam) -> None:
    keys = JoinKeys(
        2, questions=["下列属于抗生素的是"] * 2, options=[["红霉素", "吗啡"], ["阿司匹林", "青霉素"]]
    )
    met = join(exam, keys)
    assert met.by == "question and options"
    assert met.row_of.tolist() == [-1, 1, 0]


def test_rows_that_meet_nothing_are_an_error_that_shows_both_sides(exam: Exam) -> None:
    with pytest.raises(InputError, match="2 rows for 3 questions.*give a column"):
        join(exam, JoinKeys(2))
    with pytest.raises(InputError, match="没有这道题"):
        join(exam, JoinKeys(2, questions=["没有这道题", "也没有"]))


def test_every_question_gets_one_row_and_every_row_goes_somewhere() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        stems = [f"问题{n}" for n in random.integers(0, 6, size=8)]
        exam = Exam.from_questions([Question("", stem, ("甲", "乙"), "A") for stem in stems])
        in_file = [f"问题{n}" for n in random.integers(0, 8, size=int(random.integers(1, 14)))]
        if not set(stems) & set(in_file):
            continue
        met = join(exam, JoinKeys(len(in_file), questions=in_file))
        rows = [row for row in met.row_of.tolist() if row >= 0]
        assert sorted(rows + met.doubled + met.extra) == list(range(len(in_file)))
        if met.by == "question":
            assert all(stems[q] == in_file[row] for q, row in enumerate(met.row_of.tolist()) if row >= 0)
