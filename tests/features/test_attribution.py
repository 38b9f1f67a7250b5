from __future__ import annotations

import numpy as np
import pytest
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, InputError, Question
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features.booster import softmax

TRAIN = tiny_exam()


@pytest.fixture(scope="module")
def baseline() -> LightGBMBaseline:
    return LightGBMBaseline(random_state=1, n_estimators=30).fit(TRAIN)


def test_contributions_add_up_to_the_score(baseline: LightGBMBaseline) -> None:
    exam = tiny_exam(seed=1, prefix="val")[:4]
    found = baseline.attributions(exam, top=1000)
    scores = baseline.predict(exam).option_scores
    assert [one.score for one in found] == scores.tolist()
    logits = [one.start + sum(part.contribution for part in one.features) for one in found]
    assert softmax(np.array(logits), exam.option_offsets) == pytest.approx(scores, abs=1e-6)


def test_the_strongest_come_first_and_no_more_than_asked_for(baseline: LightGBMBaseline) -> None:
    for one in baseline.attributions(tiny_exam(seed=1)[:3], top=2):
        weights = [abs(part.contribution) for part in one.features]
        assert len(weights) == 2 and weights == sorted(weights, reverse=True)
        for found in (one.questions, one.sentences):
            assert len(found) <= 2
            products = [piece.like_stem * piece.like_option for piece in found]
            assert products == sorted(products, reverse=True)


def test_evidence_names_its_source(baseline: LightGBMBaseline) -> None:
    asked = Exam.from_questions([Question("new", "坏血病的病因是缺乏", ("维生素C", "碘"), "A")])
    vitamin, iodine = baseline.attributions(asked, top=5)
    rows = {question.id: question for question in TRAIN}
    assert vitamin.questions and vitamin.sentences
    for piece in vitamin.questions:
        assert rows[piece.id].question == piece.text
        assert (piece.verdict == "right") == (
            piece.option in [t.casefold() for t in rows[piece.id].right_options]
        )
    assert all(piece.text in rows[piece.id].explanation for piece in vitamin.sentences)
    assert "坏血病" in vitamin.questions[0].text and vitamin.questions[0].like_option == pytest.approx(
        1, abs=1e-5
    )
    assert not any("坏血病" in piece.text and piece.like_option > 0.9 for piece in iodine.sentences)


def test_a_training_question_is_no_evidence_for_itself(baseline: LightGBMBaseline) -> None:
    for row in (0, 17, 40):
        asked = TRAIN[row : row + 1]
        for one in baseline.attributions(asked, top=50):
            assert asked.ids[0] not in {piece.id for piece in [*one.questions, *one.sentences]}


def test_nothing_is_explained_before_fit() -> None:
    with pytest.raises(InputError, match="first"):
        LightGBMBaseline().attributions(TRAIN)
