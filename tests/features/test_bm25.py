"""Sentences ranked by BM25: the definition on whole texts, nothing of one's own, kept with the model."""

from __future__ import annotations

import numpy as np
import pytest
import slow_retrieval
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, Question
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features.bm25 import BM25Index
from cmexam_baseline.features.training_index import TrainingIndex

TRAIN = Exam.from_questions(
    [
        Question(
            "t1",
            "缺乏可致夜盲症的维生素是",
            ("维生素A", "维生素C"),
            "A",
            "维生素A缺乏引起夜盲症。维生素A脂溶。",
        ),
        Question(
            "t2",
            "治疗坏血病的营养素是",
            ("烟酸", "抗坏血酸"),
            "B",
            "坏血病用抗坏血酸治疗，抗坏血酸即维生素C。",
        ),
        Question("t3", "核黄素缺乏的表现是", ("口角炎", "夜盲症"), "A"),
    ]
)
ASKED = Exam.from_questions(
    [Question("q1", "夜盲症由什么缺乏引起", ("维生素A", "碘"), ""), Question("q2", "坏血病", ("抗坏血酸", "铁"), "")]
)  # fmt: skip


def test_evidence_is_that_of_the_definition():
    index = TrainingIndex.fit(TRAIN)
    found = BM25Index.fit(index, TRAIN).evidence(index, ASKED)
    texts = [*TRAIN.questions, *TRAIN.option_texts]
    weights = slow_retrieval.idf(texts, [0, 1, 2, 0, 0, 1, 1, 2, 2])
    usual = sum(sum(slow_retrieval.terms(stem).values()) for stem in TRAIN.questions) / len(TRAIN)

    def score(query: str, document: str) -> float:
        return slow_retrieval.bm25(query, document, weights, usual)

    expected = [
        max(
            score(stem, sentence) * score(option, sentence) * (score(option, sentence) > 0.25)
            for sentence in index.sentence_texts
        )
        for stem, options in zip(ASKED.questions, (ASKED[0].options, ASKED[1].options), strict=True)
        for option in options
    ]
    assert found["bm25_best"].tolist() == pytest.approx(expected, rel=1e-5)
    assert expected[0] > 0 == expected[1]


def test_a_question_does_not_see_its_own_explanation():
    other = [TRAIN[0], TRAIN[1], TRAIN[2]]
    other[0] = Question("t1", TRAIN[0].question, TRAIN[0].options, "B", "维生素C缺乏可致夜盲症，夜盲症。")
    before, after = (
        BM25Index.fit(index, exam).evidence(index, exam)
        for exam in (TRAIN, Exam.from_questions(other))
        for index in (TrainingIndex.fit(exam),)
    )
    for name in before:
        assert before[name][:2].tolist() == after[name][:2].tolist(), name
    assert any(before[name][2:].tolist() != after[name][2:].tolist() for name in before)


def test_a_model_keeps_its_index(tmp_path):
    train, asked = tiny_exam(1), tiny_exam(2, "asked")
    baseline = LightGBMBaseline(n_estimators=5, n_jobs=1, bm25=True).fit(train)
    baseline.save(tmp_path / "model")
    again = LightGBMBaseline.load(tmp_path / "model")
    assert np.array_equal(again.option_scores(asked), baseline.option_scores(asked))
    assert again.settings["bm25"] is True
    assert "bm25" not in LightGBMBaseline().settings
