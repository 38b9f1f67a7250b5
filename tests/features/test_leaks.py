"""No answer and no explanation may reach the features of its own question."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_exam import altered, tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.metrics.ragged import row_numbers

EXAM = tiny_exam()


def _features(exam: Exam, keys: np.ndarray) -> np.ndarray:
    return FeatureTable.build(TrainingIndex.fit(exam, keys), exam, keys).values


def _options_of(exam: Exam, rows: np.ndarray) -> np.ndarray:
    return np.isin(row_numbers(exam.option_offsets), rows)


@pytest.mark.parametrize("row", [0, 17, 40, len(EXAM) - 1])
def test_a_question_does_not_see_its_own_answer_and_explanation(row):
    keys = copy_keys(EXAM)
    before, after = _features(EXAM, keys), _features(altered(EXAM, [row]), keys)
    own = _options_of(EXAM, np.array([row]))
    assert np.array_equal(before[own], after[own])
    assert not np.array_equal(before[~own], after[~own])


def test_a_question_does_not_see_its_copies():
    question = EXAM[5]
    copy = Question(
        "copy", question.question + "。", question.options[::-1], "", "解析：" + question.explanation
    )
    exam = EXAM + Exam.from_questions([copy])
    last = len(exam) - 1
    keys = copy_keys(exam)
    before, after = _features(exam, keys), _features(altered(exam, [last]), keys)
    original = _options_of(exam, np.array([5]))
    assert np.array_equal(before[original], after[original])
    assert not np.array_equal(before, after)


def test_a_fold_does_not_see_itself():
    folds = folds_of(copy_keys(EXAM), 4).astype(np.uint64)
    rows = np.flatnonzero(folds == 2)
    before, after = _features(EXAM, folds), _features(altered(EXAM, rows.tolist()), folds)
    own = _options_of(EXAM, rows)
    assert np.array_equal(before[own], after[own])
    assert not np.array_equal(before[~own], after[~own])


def test_other_exams_are_seen_without_answers_and_explanations():
    index = TrainingIndex.fit(EXAM)
    asked = tiny_exam(seed=1, prefix="val")
    before = FeatureTable.build(index, asked).values
    after = FeatureTable.build(index, altered(asked, list(range(len(asked))))).values
    assert np.array_equal(before, after)


def test_features_do_not_depend_on_the_other_questions_asked():
    index = TrainingIndex.fit(EXAM)
    asked = tiny_exam(seed=1, prefix="val")
    together = FeatureTable.build(index, asked).values
    own = _options_of(asked, np.arange(70, 75))
    assert np.array_equal(together[own], FeatureTable.build(index, asked[70:75]).values)
