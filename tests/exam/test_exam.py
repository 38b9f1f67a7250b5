"""The columns of an exam, and what they refuse."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import exam_strategies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, InputError, Question

FIRST = Question(
    "a-1", "缺乏可致夜盲症的是", ("维生素A", "维生素C"), "A", "（A对）", {"Difficulty level": "1"}
)
SECOND = Question(
    "a-2", "脂溶性维生素包括", ("维生素A", "维生素C", "维生素D"), "AC", "", {"Difficulty level": "3"}
)
THIRD = Question("b-1", "未作答的题", ("是", "否"))


@pytest.fixture
def exam() -> Exam:
    return Exam.from_questions([FIRST, SECOND])


def columns(**changes: Any) -> dict[str, Any]:
    """The columns of a sound exam of two questions, with changes."""
    sound: dict[str, Any] = {
        "ids": ["q1", "q2"],
        "questions": ["甲", "乙"],
        "option_texts": ["一", "二", "三", "四", "五"],
        "option_offsets": np.array([0, 2, 5]),
        "answers": np.array([1, 4], dtype=np.uint16),
        "explanations": ["", ""],
    }
    return sound | changes


def test_columns(exam: Exam) -> None:
    assert len(exam) == 2
    assert exam.ids == ["a-1", "a-2"]
    assert exam.option_texts == ["维生素A", "维生素C", "维生素A", "维生素C", "维生素D"]
    assert exam.option_offsets.tolist() == [0, 2, 5]
    assert exam.option_offsets.dtype == np.int64
    assert exam.answers.tolist() == [1, 5]
    assert exam.answers.dtype == np.uint16
    assert exam.n_options.tolist() == [2, 3]
    assert exam.options(1) == exam.options(-1) == ["维生素A", "维生素C", "维生素D"]
    assert exam.is_multi.tolist() == [False, True]
    assert exam.letters() == ["A", "AC"]
    assert exam.annotations == {"Difficulty level": ["1", "3"]}


def test_people_get_questions(exam: Exam) -> None:
    assert exam[0] == FIRST
    assert exam[-1] == exam[np.int64(1)] == SECOND
    assert list(exam) == [FIRST, SECOND]
    assert SECOND.right_options == ["维生素A", "维生素D"]
    for index in (2, -3):
        with pytest.raises(IndexError, match="exam of 2"):
            exam[index]
        with pytest.raises(IndexError, match="exam of 2"):
            exam.options(index)


@settings(max_examples=50, deadline=None)
@given(exam=exam_strategies.exams(), data=st.data())
def test_indexing_is_that_of_a_list_of_questions(exam: Exam, data: st.DataObject) -> None:
    rows = list(exam)
    part = data.draw(st.slices(len(rows)))
    assert list(exam[part]) == rows[part]
    chosen = data.draw(
        st.lists(st.integers(-len(rows), len(rows) - 1), unique_by=lambda row: row % len(rows))
    )
    assert list(exam[chosen]) == list(exam[np.array(chosen, dtype=int)]) == [rows[row] for row in chosen]
    mask = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    assert list(exam[np.array(mask)]) == [row for row, wanted in zip(rows, mask, strict=True) if wanted]
    assert Exam.from_questions(rows) == exam


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (np.array([True]), IndexError),
        (np.array([5]), IndexError),
        (np.array([-3]), IndexError),
        (np.array([0.5]), TypeError),
        (np.array([[0]]), TypeError),
        ("a-1", TypeError),
    ],
)
def test_other_indices_are_refused(exam: Exam, key: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        exam[key]


def test_a_row_taken_twice_is_refused(exam: Exam) -> None:
    with pytest.raises(InputError, match="'a-1' occurs in rows 1 and 2"):
        exam[[0, 0]]


def test_concatenation_fills_annotations(exam: Exam) -> None:
    other = Exam.from_questions([Question("b-1", "丙", ("一", "二"), "B", "", {"Disease Group": "外科"})])
    both = exam + other
    assert both == Exam.concatenate([exam, other])
    assert both.annotations == {"Difficulty level": ["1", "3", ""], "Disease Group": ["", "", "外科"]}
    assert both.options(2) == ["一", "二"]
    assert both[:2].ids == exam.ids
    with pytest.raises(InputError, match="occurs in rows 1 and 3"):
        exam + exam
    with pytest.raises(InputError, match="at least one"):
        Exam.concatenate([])
    with pytest.raises(TypeError):
        exam + [FIRST]


def test_equality_and_fingerprint_see_every_column(exam: Exam) -> None:
    changed = [
        Question("x", *list(vars(FIRST).values())[1:]),
        Question("a-1", "另一题", FIRST.options, "A", FIRST.explanation, FIRST.annotations),
        Question("a-1", FIRST.question, ("维生素A", "维生素B"), "A", FIRST.explanation, FIRST.annotations),
        Question("a-1", FIRST.question, ("维生素", "A维生素C"), "A", FIRST.explanation, FIRST.annotations),
        Question("a-1", FIRST.question, FIRST.options, "B", FIRST.explanation, FIRST.annotations),
        Question("a-1", FIRST.question, FIRST.options, "A", "", FIRST.annotations),
        Question("a-1", FIRST.question, FIRST.options, "A", FIRST.explanation, {"Difficulty level": "2"}),
        Question("a-1", FIRST.question, FIRST.options, "A", FIRST.explanation, {"Difficulty": "1"}),
    ]
    others = [Exam.from_questions([question, SECOND]) for question in changed] + [exam[:1], exam[[1, 0]]]
    assert Exam.from_questions([FIRST, SECOND]) == exam
    assert all(other != exam for other in others)
    assert len({exam.fingerprint(), *(other.fingerprint() for other in others)}) == len(others) + 1
    assert exam != [FIRST, SECOND]


def test_fingerprint_is_pinned() -> None:
    exam = Exam.from_questions([FIRST, SECOND])
    assert exam.fingerprint() == Exam.from_questions([FIRST, SECOND]).fingerprint()
    assert exam.fingerprint() == PINNED, "run folders name data by this: change it only with its version"


PINNED = "d54bbd2eb5924304d2d0437acfebf1045851633327389d1881158b65d64b1b6e"


def test_exams_copy_and_pickle(exam: Exam) -> None:
    assert pickle.loads(pickle.dumps(exam)) == copy.deepcopy(exam) == exam
    with pytest.raises(TypeError):
        hash(exam)


def test_arrays_are_copies_that_cannot_be_written() -> None:
    answers = np.array([1, 4], dtype=np.uint16)
    exam = Exam(**columns(answers=answers))
    answers[0] = 2
    assert exam.answers.tolist() == [1, 4]
    with pytest.raises(ValueError, match="read-only"):
        exam.answers[0] = 2


def test_repr_says_what_it_holds(exam: Exam) -> None:
    assert repr(exam) == (
        "Exam(2 questions 'a-1' to 'a-2', 2–3 options, 50.0% multi-answer, 50.0% explained, "
        "annotations Difficulty level)"
    )
    assert "1 without answer" in repr(exam + Exam.from_questions([THIRD]))
    assert repr(exam[:0]) == "Exam(0 questions)"


def test_an_empty_exam_is_one() -> None:
    empty = Exam.from_questions([])
    assert len(empty) == 0
    assert list(empty) == []
    assert empty.n_options.tolist() == []
    assert len(empty[:0]) == len(empty[[]]) == 0


def test_questions_without_id_are_numbered() -> None:
    exam = Exam.from_questions([Question("", "甲", ("一", "二")), Question("x", "乙", ("一", "二"))])
    assert exam.ids == ["question-1", "x"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"questions": ["甲"]}, "questions has 1"),
        ({"explanations": []}, "explanations has 0"),
        ({"annotations": {"Area": ["x"]}}, r"annotations\['Area'\] has 1"),
        ({"answers": np.array([1], dtype=np.uint16)}, "answers has 1, not 2"),
        ({"answers": np.array([[1], [4]])}, r"answers has \(2, 1\), not 2"),
        ({"answers": np.array([0.5, 1.0])}, "array of integers"),
        ({"answers": np.array([1, 3000])}, "between 0 and 1023"),
        ({"answers": np.array([1, -1])}, "between 0 and 1023"),
        ({"answers": ["A", "C"]}, "array of integers"),
        ({"answers": np.array([4, 4])}, "answer C of question 'q1' names a letter beyond its 2 options"),
        ({"option_offsets": np.array([0, 5])}, "option_offsets has 2, not 3"),
        ({"option_offsets": np.array([0, 2, 4])}, "from 0 to the 5 option_texts"),
        ({"option_offsets": np.array([1, 2, 5])}, "from 0 to the 5 option_texts"),
        ({"option_offsets": np.array([0, 6, 5])}, "'q2' has -1 options|'q1' has 6 options"),
        ({"option_offsets": np.array([0, 1, 5])}, "'q1' has 1 options; 2 to 10"),
        ({"ids": ["q1", "q1"]}, "id 'q1' occurs in rows 1 and 2"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes: dict[str, Any], words: str) -> None:
    if "6, 5" in str(changes):
        changes["answers"] = np.array([1, 0])
    with pytest.raises(InputError, match=words) as caught:
        Exam(**columns(**changes))
    assert "\n" not in str(caught.value)


def test_ten_options_are_possible_and_eleven_refused() -> None:
    assert Exam.from_questions([Question("q", "甲", tuple("一二三四五六七八九十"), "AJ")]).answers == [513]
    with pytest.raises(InputError, match="has 11 options"):
        Exam.from_questions([Question("q", "甲", tuple("一二三四五六七八九十零"), "A")])
