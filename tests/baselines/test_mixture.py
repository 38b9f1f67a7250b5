"""Several models' probabilities as one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_exam import tiny_exam

from cmexam_baseline.baselines import ensemble
from cmexam_baseline.baselines.ensemble import Ensemble, Mixture
from cmexam_baseline.baselines.out_of_fold import leak_safe_folds
from cmexam_baseline.exam import Exam, InputError
from cmexam_baseline.features.training_index import right_options

VAL = tiny_exam(seed=1, prefix="val")


def test_the_model_that_knows_more_weighs_more() -> None:
    chance = np.random.default_rng(0)
    right = right_options(VAL)
    knows = np.clip(0.2 + 0.5 * right + chance.normal(0, 0.2, len(right)), 0, 1)
    guesses = chance.random(len(right))
    found = Mixture.fit([knows, guesses], VAL)
    assert found.weights[0] > 5 * abs(found.weights[1])


def test_a_model_that_would_count_against_itself_has_no_weight() -> None:
    right = right_options(VAL)
    knows, misleads = 0.2 + 0.5 * right, 0.5 - 0.2 * right
    chance = np.random.default_rng(0).normal(0, 0.1, (2, len(right)))
    scores = list(np.clip([knows, misleads] + chance, 0.01, 0.99))
    found, alone = Mixture.fit(scores, VAL), Mixture.fit(scores[:1], VAL)
    assert found == Mixture((*alone.weights, 0.0), alone.intercept)


def test_models_that_know_different_questions_gain_from_each_other() -> None:
    right = right_options(VAL).astype(float)
    owner = np.repeat(np.arange(len(VAL)), VAL.n_options)
    parts = [np.where(owner % 2 == half, 0.1 + 0.8 * right, 0.2) for half in (0, 1)]
    mixed = Mixture.fit(parts, VAL).mix(parts)
    assert ((mixed > 0.5) == (right > 0)).all()


def test_questions_without_an_answer_say_nothing() -> None:
    answers = VAL.answers.copy()
    answers[::2] = 0
    some = replace(VAL, answers=answers)
    score = np.random.default_rng(0).random(len(VAL.option_texts))
    kept = np.repeat(answers > 0, VAL.n_options)
    assert Mixture.fit([score], some) == Mixture.fit([score[kept]], VAL[answers > 0])


def test_one_fold_needs_val_with_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked before hours of training."""
    monkeypatch.setattr(ensemble, "_train_encoder", lambda *given: pytest.fail("trained"))
    unanswered: Exam = replace(VAL, answers=np.zeros_like(VAL.answers))
    with pytest.raises(InputError, match="give val with answers"):
        Ensemble().fit(VAL, unanswered)
    with pytest.raises(InputError, match="give `val`, or `n_folds` of 2 or more"):
        Ensemble(n_folds=1).fit(VAL)


def test_there_is_no_ensemble_without_a_fold() -> None:
    with pytest.raises(InputError, match="must be 1 or more"):
        leak_safe_folds(VAL, 0, 0)
