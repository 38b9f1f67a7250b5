"""Predicted explanations: what they say, whose sentences they take, what must not reach them."""

from __future__ import annotations

import numpy as np
import pytest
from shared_data import SHARED, needs_shared
from tiny_exam import altered, tiny_exam

from cmexam_baseline.exam import Exam, Question, read_exam
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features.arrays import split_texts
from cmexam_baseline.features.explainer import Explainer, restate
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.metrics import score_explanations

EXAM = tiny_exam()
ASKED = tiny_exam(seed=1, prefix="val")


def _explained(train: Exam, asked: Exam, answers: np.ndarray | None = None) -> list[str]:
    given = asked.answers if answers is None else answers
    return Explainer.fit(train).explain(TrainingIndex.fit(train), asked, given) or []


def _exam(*questions: tuple[str, tuple[str, ...], str, str]) -> Exam:
    return Exam.from_questions(Question(str(i), *parts) for i, parts in enumerate(questions))


@pytest.mark.parametrize("row", [0, 17, 40, len(EXAM) - 1])
def test_no_question_reads_its_own_explanation_or_answer(row):
    before, after = _explained(EXAM, EXAM), _explained(altered(EXAM, [row]), EXAM)
    assert before[row] == after[row]
    assert any("完全不同的解析" in text for text in _explained(altered(EXAM, list(range(20))), EXAM))


def test_no_question_reads_the_explanation_of_a_copy():
    solved = ("夜盲症的病因是", ("缺维生素A", "缺铁"), "A", "维生素A缺乏可引起夜盲症。")
    copy = ("夜盲症的病因是：", ("缺铁", "缺维生素Ａ"), "B", "")
    other = ("夜盲症多因", ("缺维生素A", "缺铁"), "A", "")
    assert _explained(_exam(solved), _exam(copy)) == ["夜盲症的病因是，缺维生素Ａ（B对）。缺铁（A错）。"]
    assert "可引起夜盲症。" in _explained(_exam(solved), _exam(other))[0]


def test_verdicts_follow_the_given_answer():
    asked = _exam(("治疗首选", ("甲药", "乙药", "丙药"), "A", ""))
    assert restate(asked, np.array([0b110], np.uint8)) == [
        "治疗首选，乙药（B对）、丙药（C对）。甲药（A错）。"
    ]
    assert restate(asked, np.array([0b111], np.uint8)) == [
        "治疗首选，甲药（A对）、乙药（B对）、丙药（C对）。"
    ]
    assert restate(asked, np.array([0], np.uint8)) == [""]


def test_a_negated_stem_turns_the_verdicts_round():
    asked = _exam(("下列说法错误的是", ("甲", "乙"), "B", ""))
    assert _explained(EXAM, asked)[0].startswith("下列说法错误的是，乙（B错，为本题正确答案）。")
    assert _explained(EXAM, asked)[0].endswith("甲（A对）。")


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("维生素A缺乏可引起夜盲症（A对，为本题正确答案）", "维生素A缺乏可引起夜盲症"),
        ("（2）缺铁引起小细胞低色素性贫血(B)", "缺铁引起小细胞低色素性贫血"),
        ("ACDE四项均属于反治法的范围", ""),
        ("本题考查维生素缺乏的各种表现", ""),
        ("太短的句子", ""),
    ],
)
def test_sentences_bring_nothing_of_their_own_question_along(sentence, kept):
    assert Explainer.fit(_exam(("问", ("甲", "乙"), "A", sentence))).sentences == [kept]


def test_the_same_is_not_said_twice():
    told = "缺乏维生素A可引起夜盲症和干眼病。"
    train = _exam(*[(f"夜盲症病因之{i}", ("缺维生素A", "缺铁"), "A", told) for i in "一二三"])
    asked = _exam(("夜盲症的病因是", ("缺维生素A", "缺铁"), "A", ""))
    assert _explained(train, asked)[0].count("夜盲症和干眼病") == 1


def test_sentences_stand_follow_the_index():
    assert len(Explainer.fit(EXAM).sentences) == len(TrainingIndex.fit(EXAM).sentences)


def test_explainers_survive_their_arrays():
    arrays = Explainer.fit(EXAM).arrays()
    assert Explainer.from_arrays(arrays).sentences == split_texts("sentences", arrays)
    assert Explainer.from_arrays(arrays).sentences == Explainer.fit(EXAM).sentences


def test_a_saved_model_explains_as_before(tmp_path):
    baseline = LightGBMBaseline(n_estimators=5).fit(EXAM)
    predictions = baseline.predict(ASKED)
    baseline.save(tmp_path / "model")
    assert predictions.explanations == _explained(EXAM, ASKED, predictions.answers)
    assert LightGBMBaseline.load(tmp_path / "model").predict(ASKED).explanations == predictions.explanations


def test_without_explained_training_questions_nothing_is_explained():
    silent = Exam(
        EXAM.ids, EXAM.questions, EXAM.option_texts, EXAM.option_offsets, EXAM.answers, [""] * len(EXAM)
    )
    assert LightGBMBaseline(n_estimators=5).fit(silent).predict(ASKED).explanations is None
    assert LightGBMBaseline(n_estimators=5).fit(EXAM).predict(ASKED[:0]).explanations == []


@needs_shared
@pytest.mark.minutes
def test_real_explanations_are_as_near_as_the_published_ones():
    train, val = (read_exam(SHARED / "data" / "cmexam" / f"{name}.csv") for name in ("train", "val"))
    val = val[np.array([bool(text) for text in val.explanations])][:400]
    train = train[np.array([bool(text) for text in train.explanations])]
    guessed = np.random.default_rng(0).integers(0, 4, len(val))
    answers = np.where(np.arange(len(val)) % 5 < 2, val.answers, 1 << guessed).astype(np.uint8)
    found = score_explanations(val.explanations, _explained(train, val, answers), profile="cmexam")
    reached = (found.bleu1, found.bleu4, found.rouge1, found.rouge2, found.rougeL)
    assert all(figure >= least for figure, least in zip(reached, (37, 20, 42, 20, 22), strict=True)), reached
