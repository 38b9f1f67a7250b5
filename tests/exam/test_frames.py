"""Exams and predictions as frames, and frames as exams."""

from __future__ import annotations

from typing import Any

import pandas
import polars
import pytest

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, Question
from cmexam_baseline.exam.io.formats import read_exam
from cmexam_baseline.exam.io.table import read_columns, to_frame
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.sample import sample_exam

EXAM = sample_exam("test")[:20]


def as_records(exam: Exam) -> Any:
    return exam.to_frame("polars").to_dicts()


@pytest.mark.parametrize(
    "frame_of",
    [
        lambda exam: exam.to_frame("pandas"),
        lambda exam: exam.to_frame("polars"),
        lambda exam: exam.to_frame("polars").lazy(),
        lambda exam: exam.to_frame("pandas").set_index("id"),
        pandas.DataFrame,
        polars.DataFrame,
        as_records,
        lambda exam: exam.to_frame("polars").to_dict(as_series=False),
    ],
)
def test_every_frame_of_an_exam_is_read_back(frame_of: Any) -> None:
    assert read_exam(frame_of(EXAM)) == EXAM
    assert len(frame_of(EXAM[:0]).columns if frame_of is polars.DataFrame else [1]) > 0


def test_frames_name_what_they_hold() -> None:
    names = ["id", "question", "options", "answer", "explanation", *EXAM.annotations]
    assert list(EXAM.to_frame().columns) == polars.DataFrame(EXAM).columns == names
    assert isinstance(EXAM.to_frame(), pandas.DataFrame)
    assert len(pandas.DataFrame(EXAM)) == len(EXAM)
    predictions = Predictions(["q1", "q2"], [1, 6], [0.5, 0.5, 0.2, 0.4, 0.4], [0, 2, 5])
    frame = predictions.to_frame("pandas")
    assert list(frame.columns) == ["id", "answer", "probability_A", "probability_B", "probability_C"]
    assert frame["probability_C"].isna().tolist() == [True, False]
    assert polars.DataFrame(predictions)["answer"].to_list() == ["A", "BC"]


def test_missing_values_of_every_library_are_none() -> None:
    frame = pandas.DataFrame({"a": ["x", None], "b": [1, float("nan")], "c": [pandas.NA, pandas.NaT]})
    assert read_columns(frame) == {"a": ["x", None], "b": [1.0, None], "c": [None, None]}
    assert read_columns(polars.DataFrame({"b": [1, None]})) == {"b": [1, None]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (pandas.DataFrame([["甲", "乙"]], columns=["Question", "Question"]), "several columns 'Question'"),
        ([], "a list is no table"),
        (None, "a NoneType is no table"),
        ({"Question": ["甲"], "Answer": []}, "equal length; got Question 1, Answer 0"),
        (polars.DataFrame({"Stem": ["甲"], "Answer": ["A"]}), "data frame has no column Options"),
        (
            polars.DataFrame({"Question": ["甲"], "Options": ["A 一\nB 二"], "Answer": ["E"]}),
            "answer E but no",
        ),
    ],
)
def test_a_frame_that_is_no_exam(source: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_exam(source)


def test_what_no_frame_can_hold() -> None:
    with pytest.raises(InputError, match="`library` must be one of pandas, polars; got 'arrow'"):
        to_frame({}, "arrow")
    with pytest.raises(InputError, match="no table; give a path"):
        read_columns(3)
    clash = Exam.from_questions([Question("q", "甲", ("一", "二"), "A", annotations={"answer": "x"})])
    with pytest.raises(InputError, match="'answer' has the name of another column"):
        clash.to_frame()
