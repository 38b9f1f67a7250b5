"""The dummy baselines, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.features.dummy import (
    DUMMY_BASELINES,
    AllOfTheAbove,
    LongestOption,
    MostFrequentLetter,
    RandomLetter,
    RandomSubset,
)


def exam_of(*questions: tuple[tuple[str, ...], str]) -> Exam:
    return Exam.from_questions(Question("", "问题", options, answer) for options, answer in questions)


FIVE = ("甲", "乙乙", "丙", "丁", "戊")
FOUR = ("甲甲甲", "乙", "丙", "丁")


@pytest.mark.parametrize("name", DUMMY_BASELINES)
def test_answers_name_only_options_that_are_there_and_repeat_for_a_seed(name: str) -> None:
    exam = exam_of(*[(FIVE, "C"), (FOUR, "A"), (("甲", "乙"), "B")] * 50)
    predict = [DUMMY_BASELINES[name](random_state=5).fit(exam).predict(exam) for _ in range(2)]
    assert predict[0].ids == exam.ids
    assert (predict[0].answers > 0).all()
    assert (predict[0].answers < 2**exam.n_options).all()
    assert predict[0].answers.tolist() == predict[1].answers.tolist()


@pytest.mark.parametrize("name", DUMMY_BASELINES)
def test_an_exam_without_questions_has_no_answers(name: str) -> None:
    empty = exam_of((FIVE, "C"))[:0]
    assert len(DUMMY_BASELINES[name]().fit(empty).predict(empty)) == 0


@pytest.mark.parametrize("baseline", [RandomSubset, RandomLetter])
def test_another_seed_draws_otherwise(baseline: type[RandomLetter]) -> None:
    exam = exam_of(*[(FIVE, "C")] * 100)
    first, second = (
        baseline(random_state=random_state).fit(exam).predict(exam).answers.tolist()
        for random_state in (1, 2)
    )
    assert first != second


def test_every_subset_and_every_letter_comes_up_as_often_as_another() -> None:
    exam = exam_of(*[(FIVE, "C")] * 31_000)
    subsets = np.bincount(RandomSubset().fit(exam).predict(exam).answers, minlength=32)
    assert subsets[0] == 0
    assert np.abs(subsets[1:] - 1000).max() < 6 * np.sqrt(1000)
    letters = np.bincount(RandomLetter().fit(exam).predict(exam).answers, minlength=32)[[1, 2, 4, 8, 16]]
    assert letters.sum() == 31_000
    assert np.abs(letters - 6200).max() < 6 * np.sqrt(6200)


def test_most_frequent_letter_counts_train_and_stays_within_the_options() -> None:
    train = exam_of((FIVE, "E"), (FIVE, "E"), (FIVE, "DE"), (FIVE, "B"), (FIVE, "AB"), (FIVE, "A"))
    test = exam_of((FIVE, "C"), (FOUR, "C"))
    assert MostFrequentLetter().fit(train).predict(test).letters() == ["E", "A"]


def test_longest_option_takes_the_first_of_equals() -> None:
    exam = exam_of((FIVE, "C"), (FOUR, "C"), (("甲乙", "丙丁"), "A"), (("甲", "乙丙", "丁戊"), "A"))
    assert LongestOption().fit(exam).predict(exam).letters() == ["B", "A", "A", "B"]


@pytest.mark.parametrize(
    ("option", "is_rule"),
    [
        ("以上都是", True),
        ("以上均是", True),
        ("以上说法均正确。", True),
        ("以上皆可", True),
        ("上述各项均对", True),
        ("全部正确", True),
        ("以上都包括", True),
        ("以上都不是", False),
        ("以上均非", False),
        ("以上均不正确", False),
        ("以上都错误", False),
        ("以上循髀阳，出膝外廉", False),
        ("全血", False),
        ("均数", False),
        ("都气丸", False),
    ],
)
def test_all_of_the_above_is_told_from_none_of_the_above(option: str, is_rule: bool) -> None:
    exam = exam_of(((*FOUR, "这是最长的一个选项而且没有别的", option), "A"))
    assert AllOfTheAbove().fit(exam).predict(exam).letters() == (["F"] if is_rule else ["E"])
