"""What each kind of evidence says on questions small enough to see why."""

from __future__ import annotations

import numpy as np
import pytest
import slow_retrieval
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.features.retrieval_features import retrieval_features
from cmexam_baseline.features.training_index import TrainingIndex, comparable

TRAIN = Exam.from_questions(
    [
        Question("t1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A", "维生素A缺乏引起夜盲症。"),
        Question("t2", "不能治疗坏血病的营养素是", ("烟酸", "抗坏血酸"), "A"),
        Question("t3", "核黄素缺乏的表现是", ("口角炎", "夜盲症"), "A"),
        Question("t4", "癞皮病缺乏的是", ("烟酸", "核黄素"), "A"),
    ]
)


def _evidence(stem: str, *options: str) -> dict[str, list[float]]:
    exam = Exam.from_questions([Question("q", stem, options, "")])
    return {
        name: column.tolist() for name, column in retrieval_features(TrainingIndex.fit(TRAIN), exam).items()
    }


def test_a_sentence_that_speaks_of_stem_and_option_speaks_for_it():
    found = _evidence("夜盲症由什么缺乏引起", "维生素A", "碘")
    for name in ("explanation_best", "sentence_best", "sentence_full_best", "sentence_full_count"):
        assert found[name][0] > 0 == found[name][1], name


def test_a_right_option_makes_a_statement():
    found = _evidence("患癞皮病者应补充", "烟酸", "核黄素")
    for name in ("answered_best", "answered_sharp", "answered_full_best", "votes_balance_best"):
        assert found[name][0] > found[name][1], name


def test_a_negated_question_states_its_wrong_options():
    found = _evidence("可治疗坏血病的营养素是", "烟酸", "抗坏血酸")
    for name in ("answered_best", "answered_sharp", "answered_full_best"):
        assert found[name][1] > found[name][0], name


def test_an_option_is_looked_up_as_a_stem():
    found = _evidence("口角炎因何种维生素缺乏", "核黄素", "烟酸")
    assert found["reversed_right_best"][0] > 0 == found["reversed_right_best"][1]
    assert found["reversed_balance_best"][0] > 0
    found = _evidence("夜盲症因何种维生素缺乏", "核黄素", "烟酸")
    assert found["reversed_wrong_best"][0] > 0
    assert found["reversed_balance_best"][0] < 0


def test_the_very_text_has_a_record():
    found = _evidence("何者正确", "烟酸", "夜盲症。")
    assert found["history_right"] == [2, 0]
    assert found["history_wrong"] == [0, 1]


@pytest.mark.parametrize("n_folds", [None, 3])
def test_records_equal_the_slow_twin(n_folds):
    exam = tiny_exam()
    keys = copy_keys(exam) if n_folds is None else folds_of(copy_keys(exam), n_folds).astype(np.uint64)
    index = TrainingIndex.fit(exam, keys)
    for asked, asked_keys in ((exam, keys), (TRAIN, copy_keys(TRAIN))):
        found = retrieval_features(index, asked, asked_keys)
        expected = slow_retrieval.records(
            index.option_texts,
            index.options.keys.tolist(),
            index.option_right.tolist(),
            comparable(asked.option_texts),
            np.repeat(asked_keys, asked.n_options).tolist(),
        )
        for name, values in expected.items():
            assert found[name].tolist() == values, name


def test_what_the_exam_s_own_questions_say_stands_apart():
    asked = Exam.from_questions([Question("q", "患癞皮病者应补充", ("烟酸", "核黄素"), "")])
    plain = retrieval_features(TrainingIndex.fit(TRAIN), asked)
    own = retrieval_features(
        TrainingIndex.fit(TRAIN, from_other_exam=np.array([True, False, False, False])), asked
    )
    other = retrieval_features(
        TrainingIndex.fit(TRAIN, from_other_exam=np.array([False, False, False, True])), asked
    )
    assert own.keys() - plain.keys() == {"votes_balance_own", "answered_best_own"}
    for name, column in plain.items():
        assert np.array_equal(own[name], column), name
    assert own["answered_best_own"].tolist() == plain["answered_best"].tolist()
    assert other["answered_best_own"][0] < plain["answered_best"][0]
    assert other["votes_balance_own"][0] < own["votes_balance_own"][0]


def test_evidence_is_finite_where_nothing_is_known():
    for name, values in _evidence("全然陌生", "某甲", "某乙", "").items():
        assert np.isfinite(values).all(), name
