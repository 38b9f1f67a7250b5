"""Slices cover what they should."""

from __future__ import annotations

import numpy as np
import pytest

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.scoring.slices import slice_exam


@pytest.fixture
def exam() -> Exam:
    return Exam.from_questions(
        [
            Question(
                "1", "不属于抗生素的是", ("甲", "乙", "丙", "丁"), "A", annotations={"Difficulty level": "1"}
            ),
            Question(
                "2",
                "属于抗生素的有",
                ("甲", "乙", "丙", "丁", "戊"),
                "AB",
                annotations={"Difficulty level": "3"},
            ),
            Question(
                "3", "男，" * 50, ("甲", "乙", "丙", "丁", "戊"), "C", annotations={"Difficulty level": "3"}
            ),
        ]
    )


def test_every_property_divides_the_exam(exam: Exam) -> None:
    by_property: dict[str, list[int]] = {}
    for part in slice_exam(exam, overlap=["none", "same stem", "none"]):
        by_property.setdefault(part.by, []).extend(part.rows.tolist())
    assert set(by_property) == {
        "Difficulty level", "answer size", "negation",
        "option count", "question length", "overlap with training",
    }  # fmt: skip
    for rows in by_property.values():
        assert sorted(rows) == [0, 1, 2]


def test_values_are_those_that_one_would_expect(exam: Exam) -> None:
    found = {(part.by, part.value): part.rows.tolist() for part in slice_exam(exam)}
    assert found["answer size", "multi"] == [1]
    assert found["negation", "negated"] == [0]
    assert found["option count", "5"] == [1, 2]
    assert found["question length", "1–10"] == [0, 1]
    assert found["question length", "81+"] == [2]
    assert found["Difficulty level", "3"] == [1, 2]


def test_a_missing_column_names_those_that_are_there(exam: Exam) -> None:
    with pytest.raises(InputError, match="'Year'.*Difficulty level"):
        slice_exam(exam, columns=["Year"])


def test_a_column_of_ids_is_not_sliced_by_unless_named() -> None:
    exam = Exam.from_questions(
        [Question("", f"问题{n}", ("甲", "乙"), "A", annotations={"key": str(n)}) for n in range(150)]
    )
    assert "key" not in {part.by for part in slice_exam(exam)}
    assert sum(part.by == "key" for part in slice_exam(exam, columns=["key"])) == 150
    assert np.concatenate([part.rows for part in slice_exam(exam, columns=["key"])]).size >= 150
