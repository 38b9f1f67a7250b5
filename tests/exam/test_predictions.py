"""Predictions: what they refuse, how they meet an exam, and that files give them back exactly."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any

import exam_strategies
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import Exam, InputError, Predictions, Question, read_predictions

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def exam() -> Exam:
    rows = [Question("q1", "甲", ("一", "二"), "A"), Question("q2", "乙", ("一", "二", "三"), "C")]
    return Exam.from_questions(rows)


@QUICK
@given(predictions=exam_strategies.predictions(), ending=st.sampled_from([".csv", ".jsonl", ".csv.gz"]))
def test_files_give_them_back_exactly(tmp_path: Path, predictions: Predictions, ending: str) -> None:
    file = tmp_path / f"predictions{ending}"
    predictions.write(file)
    again = read_predictions(file)
    assert again == predictions
    first = file.read_bytes()
    again.write(file)
    assert file.read_bytes() == first


def test_the_own_form(tmp_path: Path) -> None:
    predictions = Predictions(
        ["q1", "q2"], [1, 0], [0.1 + 0.2, 0.7, 1e-300, 1.0, 0.0], [0, 2, 5], ['因为"甲", 所以', ""]
    )
    predictions.write(tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text("utf-8") == (
        "id,answer,explanation,probability_A,probability_B,probability_C\n"
        'q1,A,"因为""甲"", 所以",0.30000000000000004,0.7,\n'
        "q2,,,1e-300,1,0\n"
    )
    predictions.write(tmp_path / "p.jsonl")
    assert (tmp_path / "p.jsonl").read_text("utf-8").splitlines()[0] == (
        '{"id": "q1", "answer": "A", "explanation": "因为\\"甲\\", 所以", '
        '"probability_A": 0.30000000000000004, "probability_B": 0.7}'
    )
    Predictions(["q1"], [1]).write(tmp_path / "p.csv.gz")
    assert gzip.decompress((tmp_path / "p.csv.gz").read_bytes()) == b"id,answer\nq1,A\n"


def test_repr_length_and_pickle() -> None:
    predictions = Predictions(["q1", "q2"], [3, 0], [0.5] * 4, [0, 2, 4], ["", ""])
    assert repr(predictions) == (
        "Predictions(2 answers 'q1' to 'q2', 50.0% multi-answer, 50.0% unanswered, "
        "probabilities, explanations)"
    )
    assert len(predictions) == 2
    assert predictions.letters() == ["AB", ""]
    assert pickle.loads(pickle.dumps(predictions)) == predictions
    assert predictions != Predictions(["q1", "q2"], [3, 0])
    with pytest.raises(TypeError):
        hash(predictions)
    assert repr(Predictions([], [])) == "Predictions(0 answers)"
    with pytest.raises(ValueError, match="read-only"):
        predictions.answers[0] = 1


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"ids": ["q1", "q1"]}, "a set of predictions: id 'q1' occurs in rows 1 and 2"),
        ({"ids": ["q1"]}, "answers has 2, not 1"),
        ({"answers": [[1, 2]]}, r"answers has \(1, 2\), not 2"),
        ({"answers": ["A", "B"]}, "array of integers"),
        ({"answers": [1, 2048]}, "between 0 and 1023"),
        ({"answers": [0.5, 1.0]}, "array of integers"),
        ({"explanations": ["x"]}, "explanations has 1"),
        ({"option_scores": [0.5]}, "belong together"),
        ({"option_offsets": [0, 1, 2]}, "belong together"),
        (
            {"option_scores": [0.5, 0.5], "option_offsets": [0, 2]},
            "option_offsets has 2, not 3",
        ),
        ({"option_scores": [0.5, 0.5], "option_offsets": [0, 2, 3]}, "rise from 0 to the 2"),
        ({"option_scores": [0.5, 0.5], "option_offsets": [0, 3, 2]}, "rise from 0 to the 2"),
        ({"option_scores": [0.5] * 13, "option_offsets": [0, 11, 13]}, "11 probabilities; at most 10"),
        ({"option_scores": [0.5, 1.5, 0, 0], "option_offsets": [0, 2, 4]}, "found 1.5 for 'q1'"),
        ({"option_scores": [0.5, 0.5, -0.1, 0], "option_offsets": [0, 2, 4]}, "found -0.1 for 'q2'"),
        ({"option_scores": [0, 0, 0, np.nan], "option_offsets": [0, 2, 4]}, "found nan for 'q2'"),
        ({"answers": [1, 4], "option_scores": [0.5] * 4, "option_offsets": [0, 2, 4]}, "answer C to 'q2'"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Predictions(**({"ids": ["q1", "q2"], "answers": [1, 2]} | columns))
    assert "\n" not in str(caught.value)


def test_join_puts_them_in_the_order_of_the_exam(exam: Exam) -> None:
    predictions = Predictions(["q2", "q1"], [4, 2], [0.1, 0.2, 0.7, 0.4, 0.6], [0, 3, 5], ["乙因", "甲因"])
    joined = predictions.join(exam)
    assert joined == Predictions(["q1", "q2"], [2, 4], [0.4, 0.6, 0.1, 0.2, 0.7], [0, 2, 5], ["甲因", "乙因"])
    assert joined.join(exam) == joined


def test_join_says_what_is_missing_and_what_is_too_much(exam: Exam) -> None:
    predictions = Predictions(["q1", "q8", "q9"], [1, 1, 1])
    with pytest.raises(InputError, match=r"1 question \('q2'\) of the exam without prediction"):
        predictions.join(exam)
    with pytest.raises(InputError, match=r"2 questions \('q8', 'q9'\) of the predictions not in the exam"):
        predictions.join(exam, missing="empty")
    joined = predictions.join(exam, missing="empty", extra="drop")
    assert joined == Predictions(["q1", "q2"], [1, 0])
    for wrong in ({"missing": "skip"}, {"extra": "skip"}):
        with pytest.raises(InputError, match="must be 'error' or"):
            predictions.join(exam, **wrong)


def test_join_fills_what_is_missing_with_nothing_known(exam: Exam) -> None:
    joined = Predictions(["q1"], [1], [0.9, 0.1], [0, 2], ["因"]).join(exam, missing="empty")
    assert joined.option_scores is not None
    assert joined.option_scores.tolist() == [0.9, 0.1, 1 / 3, 1 / 3, 1 / 3]
    assert joined.explanations == ["因", ""]


def test_join_refuses_probabilities_of_other_options(exam: Exam) -> None:
    with pytest.raises(InputError, match="'q2' has 2 probabilities for 3 options"):
        Predictions(["q1", "q2"], [1, 1], [0.5] * 4, [0, 2, 4]).join(exam)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("id,answer\n", "holds a header but no row"),
        ("id,prediction\nq1,A\n", "no column answer; found: id, prediction; predictions have"),
        ("id,answer,pred\nq1,A,B\n", "answers in answer and in pred, and one may be the exam.s"),
        ("question,text\nq1,A\n", "no column id and no column answer"),
        ("id,answer\nq1,A\nq1,B\n", "id 'q1' occurs in rows 1 and 2; remove one"),
        ("id,answer\nq1,A\n,B\n", "row 2: no id"),
        ("id,answer\nq1,A\nq2,我选A\n", "row 2: answer '我选A' is not a set of letters"),
        ("id,answer\nq1,A,x\n", "row 1: 3 fields instead of 2"),
        ("id,answer,probability_A,probability_B\nq1,A,0.5,x\n", "row 1, probability_B: 'x' is not a number"),
        (
            "id,answer,probability_A,probability_B\nq1,A,0.5,1.5\n",
            "row 1, probability_B: 1.5 is not a probability",
        ),
        ("id,answer,probability_A,probability_B\nq1,A,nan,1\n", "row 1, probability_A: nan is not a prob"),
        ("id,answer,probability_A,probability_B\nq1,A,,1\n", "row 1, probability_A: '' is not a number"),
        ("id,answer,probability_A,probability_C\nq1,A,1,1\n", "without a gap"),
        ("id,answer,probability_A,probability_B\nq1,D,0.5,0.5\n", "answer D to 'q1' names a letter beyond"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "p.csv"
    file.write_text(content, "utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read_predictions(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_endings_are_refused(tmp_path: Path) -> None:
    for name in ("p.xlsx", "p"):
        with pytest.raises(InputError, match="written as .csv or .jsonl"):
            Predictions(["q1"], [1]).write(tmp_path / name)
    with pytest.raises(InputError, match="surrogate"):
        Predictions(["q1"], [1], explanations=["\ud800"]).write(tmp_path / "p.csv")
    assert list(tmp_path.iterdir()) == []
