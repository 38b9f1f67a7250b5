"""Scores of probabilities equal their definitions and scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import calibration as sklearn_calibration
from sklearn import metrics as sklearn_metrics
from slow_calibration import (
    Question,
    one_right,
    slow_accuracy_at_coverage,
    slow_calibration_error,
    slow_probability_scores,
)

from cmexam_baseline.metrics import (
    ProbabilityScores,
    accuracy_at_coverage,
    calibration_error,
    reliability_curve,
    score_probabilities,
)

_probability = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.2, 0.5]))
_question = st.lists(_probability, min_size=1, max_size=8).flatmap(
    lambda stated: st.tuples(st.integers(0, (1 << len(stated)) - 1), st.just(stated))
)
_stated = st.lists(st.tuples(_probability, st.booleans()), max_size=30)


def scored(questions: list[Question], n_bins: int = 15) -> ProbabilityScores:
    offsets = np.cumsum([0, *(len(stated) for _, stated in questions)])
    flat = [p for _, stated in questions for p in stated]
    return score_probabilities(np.array([mask for mask, _ in questions], np.uint8), flat, offsets, n_bins)


@given(st.lists(_question, max_size=12))
def test_as_the_slow_twin(questions: list[Question]) -> None:
    scores = scored(questions)
    for name, expected in slow_probability_scores(questions).items():
        assert getattr(scores, name) == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name
    choices = one_right(questions)
    confidence = [max(stated) for _, stated in choices]
    is_right = [stated.index(max(stated)) == right for right, stated in choices]
    error = calibration_error(confidence, is_right)
    assert scores.calibration_error == pytest.approx(error, abs=1e-12, nan_ok=True)
    assert sum(part.n for part in scores.reliability) == scores.n
    assert scores.accuracy_at_coverage[1.0] == pytest.approx(scores.accuracy, nan_ok=True)


def random_questions(n: int) -> list[Question]:
    random = np.random.default_rng(0)
    return [
        (1 << int(random.integers(0, 5)), random.dirichlet(np.ones(5) * random.choice([0.2, 2])).tolist())
        for _ in range(n)
    ]


def test_as_scikit_learn() -> None:
    questions = random_questions(400)
    gold = [mask.bit_length() - 1 for mask, _ in questions]
    table = np.array([stated for _, stated in questions])
    outcomes = np.eye(5)[gold]
    scores = scored(questions)
    assert scores.log_loss == pytest.approx(
        sklearn_metrics.log_loss(gold, table / table.sum(axis=1, keepdims=True)), rel=1e-9
    )
    assert scores.brier == pytest.approx(((table - outcomes) ** 2).sum(axis=1).mean(), abs=1e-12)
    assert scores.option_log_loss == pytest.approx(
        sklearn_metrics.log_loss(outcomes.ravel(), table.ravel()), rel=1e-9
    )
    assert scores.option_brier == pytest.approx(
        sklearn_metrics.brier_score_loss(outcomes.ravel(), table.ravel()), abs=1e-12
    )
    assert scores.accuracy == sklearn_metrics.top_k_accuracy_score(gold, table, k=1)


@given(_stated.filter(bool), st.integers(1, 12))
def test_reliability_as_scikit_learn(stated: list[tuple[float, bool]], n_bins: int) -> None:
    confidence, is_right = (list(column) for column in zip(*stated, strict=True))
    accuracy, mean = sklearn_calibration.calibration_curve(
        [False, True, *is_right], [0.0, 1.0, *confidence], n_bins=n_bins
    )
    bins = reliability_curve([0.0, 1.0, *confidence], [False, True, *is_right], n_bins)
    assert [part.accuracy for part in bins if part.n] == pytest.approx(accuracy.tolist())
    assert [part.mean_confidence for part in bins if part.n] == pytest.approx(mean.tolist())
    assert all(math.isnan(part.accuracy) and math.isnan(part.mean_confidence) for part in bins if not part.n)
    edges = np.linspace(0, 1, n_bins + 1).tolist()
    assert [(part.low, part.high) for part in bins] == list(zip(edges[:-1], edges[1:], strict=True))


@given(_stated, st.integers(1, 12))
def test_calibration_error(stated: list[tuple[float, bool]], n_bins: int) -> None:
    confidence, is_right = [p for p, _ in stated], [right for _, right in stated]
    expected = slow_calibration_error(confidence, is_right, np.linspace(0, 1, n_bins + 1).tolist())
    assert calibration_error(confidence, is_right, n_bins) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@given(_stated.filter(bool))
def test_accuracy_at_coverage(stated: list[tuple[float, bool]]) -> None:
    confidence, is_right = [p for p, _ in stated], [right for _, right in stated]
    n = len(stated)
    found = accuracy_at_coverage(confidence, is_right, [kept / n for kept in range(1, n + 1)])
    expected = [slow_accuracy_at_coverage(confidence, is_right, kept) for kept in range(1, n + 1)]
    assert list(found.values()) == pytest.approx(expected, abs=1e-9)


def test_a_cut_within_a_question() -> None:
    assert accuracy_at_coverage([0.9, 0.4], [True, False], [0.75]) == {0.75: pytest.approx(1 / 1.5)}


def test_no_question() -> None:
    scores = score_probabilities([], [], [0])
    assert (scores.n, scores.n_options) == (0, 0)
    figures = (scores.log_loss, scores.brier, scores.accuracy, scores.option_log_loss, scores.option_brier)
    assert np.isnan([*figures, scores.calibration_error, *scores.accuracy_at_coverage.values()]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [0.5, 0.5], [0, 1]), "run from 0 to 2"),
        (([1], [0.5, 0.5], [0, 1, 2]), "must have 2 entries"),
        (([1, 1], [0.5, 0.5], [0, 2, 2]), "question 1 has no option"),
        (([1, 1], [0.5, 0.5], [0, 3, 2]), "question 1 has no option"),
        (([1], [0.5, 1.5], [0, 2]), r"probabilities\[1\] is 1.5"),
        (([1], [float("nan")], [0, 1]), r"probabilities\[0\] is nan"),
        ((["A"], [0.5], [0, 1]), "gold must be bit masks"),
        (([1], [0.5], [0, 1], 0), "n_bins must be an integer, 1 or more"),
        (([1], [0.5], [0, 1], 2.5), "n_bins must be an integer"),
        (
            ([5], [0.5, 0.5], [0, 2]),
            r"gold\[0\] is 5, but question 0 has 2 options; a mask of them is 0 to 3",
        ),
        (([1, 4], [0.5] * 4, [0, 2, 4]), r"gold\[1\] is 4"),
        (([-1], [0.5, 0.5], [0, 2]), r"gold\[0\] is -1"),
        (([1], [0.5], [0, 1.5]), "option_offsets must be integers"),
        (([1], ["a"], [0, 1]), "probabilities must be numbers"),
    ],
)
def test_what_are_no_probabilities(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score_probabilities(*arguments)


def test_what_is_no_confidence() -> None:
    with pytest.raises(ValueError, match="must have one length"):
        reliability_curve([0.5], [True, False])
    with pytest.raises(ValueError, match=r"confidence\[1\] is -0.1"):
        calibration_error([0.5, -0.1], [True, False])
    for is_right in ([2, 0], [0.5, 1], [np.nan, 1]):
        with pytest.raises(ValueError, match=r"is_right\[0\] is .*; it must be true or false"):
            calibration_error([0.5, 0.5], is_right)
    with pytest.raises(ValueError, match="is_right must be numbers"):
        accuracy_at_coverage([0.5], ["yes"])
    with pytest.raises(ValueError, match="confidence must be numbers"):
        reliability_curve([None], [True])
    for coverage in (0, 1.5, float("nan"), "half"):
        with pytest.raises(ValueError, match="coverage must be above 0"):
            accuracy_at_coverage([0.5], [True], [coverage])
