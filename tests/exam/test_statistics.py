"""An exam's statistics against counting by the book, and against the published table where it can be had."""

from __future__ import annotations

import json
import os
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_statistics import PUBLISHED_TABLE
from shared_data import SHARED, needs_shared
from slow_statistics import slow_describe

from cmexam_baseline.exam import Exam, Question, read_exam, read_splits
from cmexam_baseline.exam.download import PUBLISHED_FILES, git_blob_id
from cmexam_baseline.exam.statistics import Lengths, Statistics, describe_exams

TEXT = st.text(alphabet="维生素缺乏，。 A\n", max_size=12)
QUESTIONS = st.lists(
    st.builds(
        Question,
        id=st.just(""),
        question=TEXT,
        options=st.just(("甲", "乙", "丙")),
        answer=st.sampled_from(["A", "B", "AC", "ABC", ""]),
        explanation=TEXT,
        annotations=st.fixed_dictionaries({"Difficulty level": st.sampled_from("123")}),
    ),
    min_size=1,
    max_size=12,
)


def assert_same(statistics: Statistics, name: str, exam: Exam) -> None:
    split, slow = statistics.splits[name], slow_describe(exam)
    for text in "QAE":
        assert astuple(split.lengths[text]) == pytest.approx(slow.pop(text))
    letters = slow.pop("letters")
    assert split.letters == pytest.approx(letters)
    assert {key: getattr(split, key) for key in slow} == slow


@given(QUESTIONS.filter(lambda questions: any(question.answer for question in questions)))
def test_statistics_are_what_counting_gives(questions: list[Question]) -> None:
    exam = Exam.from_questions(questions)
    assert_same(describe_exams({"val": exam}), "val", exam)


@needs_shared
@pytest.mark.parametrize("name", ["val.csv", "test_with_annotations.csv"])
def test_statistics_of_real_files_are_what_counting_gives(name: str) -> None:
    exam = read_exam(SHARED / "data" / "cmexam" / name, bad_rows="keep")
    assert_same(describe_exams({"x": exam}), "x", exam)


def test_the_total_weighs_splits_as_the_authors_do_and_pooled_weighs_questions() -> None:
    train = Exam.from_questions(Question("", "一二三四", ("甲", "乙"), "A") for _ in range(3))
    val = Exam.from_questions([Question("", "五二", ("甲", "乙"), "AB", "六")])
    statistics = describe_exams({"train": train, "val": val})
    assert statistics.total.lengths["Q"] == Lengths(4, 3.0, 3.0, 3.0, 3.0)
    assert statistics.total.vocabulary == statistics.pooled.vocabulary == 6
    assert statistics.total.questions == statistics.pooled.questions == 4
    assert statistics.pooled.lengths["Q"].mean == 3.5
    assert statistics.pooled.answers == {"A": 3, "AB": 1}


def test_the_published_total_follows_from_the_published_splits() -> None:
    splits = [PUBLISHED_TABLE[name] for name in ("train", "val", "test")]
    questions, _, total = PUBLISHED_TABLE["total"]
    assert sum(split[0] for split in splits) == questions
    for text in "QE":
        means = [split[2][text].mean for split in splits]
        assert total[text].mean == pytest.approx(sum(means) / 3, abs=0.01)


def test_everything_can_be_written_as_json() -> None:
    exam = Exam.from_questions([Question("", "问题", ("甲", "乙"), "A", "", {"Difficulty level": "3"})])
    assert json.loads(json.dumps(describe_exams({"val": exam}).to_dict()))["total"]["questions"] == 1


def test_nothing_to_describe_is_said() -> None:
    with pytest.raises(ValueError, match="no questions"):
        describe_exams({})


@needs_shared
def test_parts_of_the_published_val_split_fit_its_published_figures() -> None:
    """train.csv there holds 4,811 rows of CMExam's val split, val.csv the other 2,000."""
    splits = describe_exams(read_splits(SHARED / "data" / "cmexam", bad_rows="keep")).splits
    _, vocabulary, published = PUBLISHED_TABLE["val"]
    train, val = splits["train"].lengths, splits["val"].lengths
    assert max(train["E"].longest, val["E"].longest) == published["E"].longest
    # Two standard errors of a mean of 2,000 rows: 1.6 for stems, 9.2 for explanations.
    assert val["Q"].mean == pytest.approx(published["Q"].mean, abs=1.6)
    assert val["E"].mean == pytest.approx(published["E"].mean, abs=9.2)
    assert val["A"].mean == pytest.approx(published["A"].mean, abs=0.02)
    for text in "QE":
        assert astuple(val[text])[2:] == pytest.approx(astuple(published[text])[2:], abs=5)
    assert splits["val"].vocabulary < vocabulary < splits["train"].vocabulary


def published_folder() -> Path | None:
    """A folder with CMExam's whole published files: $CMEXAM_DATA, or the shared data."""
    for folder in (os.environ.get("CMEXAM_DATA"), SHARED / "data" / "cmexam"):
        files = [(Path(folder or "") / file.name, file) for file in PUBLISHED_FILES]
        if all(path.is_file() and git_blob_id(path.read_bytes()) == file.blob_id for path, file in files):
            return Path(str(folder))
    return None


@pytest.mark.skipif(published_folder() is None, reason="CMExam's published files are not here")
def test_the_published_table_is_reproduced() -> None:
    statistics = describe_exams(read_splits(published_folder() or "", bad_rows="keep"))
    for name, (questions, vocabulary, lengths) in PUBLISHED_TABLE.items():
        found = statistics.total if name == "total" else statistics.splits[name]
        assert (found.questions, found.vocabulary) == (questions, vocabulary)
        for text in "QAE":
            assert astuple(found.lengths[text]) == pytest.approx(astuple(lengths[text]), abs=0.011)
