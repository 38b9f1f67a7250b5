"""The power law through accuracies, and its extrapolation."""

from __future__ import annotations

import numpy as np
import pytest

from cmexam_baseline.metrics import LearningCurve, extrapolate, fit_learning_curve

SIZES = [1_000, 2_000, 4_000, 8_000]


def test_a_power_law_is_found_again() -> None:
    law = LearningCurve(factor=3.0, exponent=0.2)
    found = fit_learning_curve(SIZES, [law.accuracy(size) for size in SIZES])
    assert (found.factor, found.exponent) == pytest.approx((3.0, 0.2))
    assert found.accuracy(64_000) == pytest.approx(law.accuracy(64_000))


def test_the_line_is_that_of_polyfit() -> None:
    accuracies = [0.31, 0.33, 0.40, 0.42]
    slope, start = np.polyfit(np.log(SIZES), np.log(1 - np.array(accuracies)), 1)
    found = fit_learning_curve(SIZES, accuracies)
    assert (found.factor, found.exponent) == pytest.approx((np.exp(start), -slope))


def test_the_interval_covers_what_the_law_gives() -> None:
    """Questions that are right with the law's probability: 95% intervals hold the truth about as often."""
    law = LearningCurve(factor=2.0, exponent=0.15)
    draw = np.random.default_rng(0)
    chances = np.array([law.accuracy(size) for size in SIZES])
    truth = law.accuracy(32_000)
    held = 0
    for trial in range(200):
        right = draw.random((4, 300)) < chances[:, None]
        low, high = extrapolate(SIZES, right, 32_000, resamples=300, seed=trial)
        held += low <= truth <= high
    assert 178 <= held <= 199


def test_the_same_seed_gives_the_same_interval() -> None:
    right = np.random.default_rng(1).random((4, 100)) < 0.4
    assert extrapolate(SIZES, right, 9_000, seed=5) == extrapolate(SIZES, right, 9_000, seed=5)
    assert extrapolate(SIZES, right, 9_000, seed=5) != extrapolate(SIZES, right, 9_000, seed=6)


def test_a_single_question_is_a_size() -> None:
    assert fit_learning_curve([1, 4], [0.2, 0.6]).accuracy(16) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("sizes", "accuracies", "message"),
    [
        ([1_000], [0.4], "two different sizes"),
        ([], [], "two different sizes"),
        ([1_000, 1_000], [0.4, 0.5], "two different sizes"),
        ([0, 1_000], [0.4, 0.5], "above 0"),
        ([1_000, 2_000], [0.4, 1.0], "from 0 to below 1"),
        ([1_000, 2_000], [0.4], "one accuracy a size"),
        ([1_000, float("nan")], [0.4, 0.5], "all finite"),
        ([1_000, float("inf")], [0.4, 0.5], "all finite"),
        ([1_000, 2_000], [0.4, float("nan")], "from 0 to below 1"),
        ([1_000, 2_000], [0.4, -0.5], "from 0 to below 1"),
    ],
)
def test_what_has_no_law(sizes: list[int], accuracies: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_learning_curve(sizes, accuracies)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sizes": [1_000, 2_000, 4_000, 4_000]}, "needs 4 different sizes, not 3"),
        ({"resamples": 0}, "resamples must be an integer, 1 or more"),
        ({"resamples": 2.5}, "resamples must be an integer"),
        ({"sizes": [1_000, 2_000, 4_000, float("nan")]}, "all finite"),
        ({"to": float("nan")}, "must be finite and above 0"),
        ({"to": 0}, "must be finite and above 0"),
        ({"level": 95}, "level must be"),
        ({"right": [[True] * 4]}, "one accuracy a size"),
        ({"right": [0.5] * 4}, "right must be a table"),
        ({"right": [[]] * 4}, "right must be a table"),
        ({"right": [[0.5]] * 4}, "right must be a table"),
    ],
)
def test_what_cannot_be_extrapolated(arguments: dict[str, object], message: str) -> None:
    right = np.arange(10) < np.array([[1], [2], [3], [4]])
    with pytest.raises(ValueError, match=message):
        extrapolate(**{"sizes": SIZES, "right": right, "to": 9_000, **arguments})  # type: ignore[arg-type]
