"""Accuracy against the number of training questions: a power law, and what it says of other sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.intervals import ConfidenceInterval, checked_level


@dataclass(frozen=True)
class LearningCurve:
    """The share of wrong answers as `factor * size ** -exponent`; see `fit_learning_curve`."""

    factor: float
    exponent: float

    def accuracy(self, size: float) -> float:
        """The accuracy, as a fraction, that the law gives for `size` training questions."""
        return float(1 - self.factor * size**-self.exponent)


def fit_learning_curve(sizes: npt.ArrayLike, accuracies: npt.ArrayLike) -> LearningCurve:
    """The straight line through log error over log size, by least squares.

    `sizes` and `accuracies` (fractions) are of shape (k,); a size may stand there several times. Raises
    `ValueError` unless there are two different sizes, all above 0, and every accuracy is below 1.
    Definition: Hestness et al., Deep Learning Scaling is Predictable, Empirically (2017), section 2.

    >>> curve = fit_learning_curve([1000, 4000], [0.2, 0.6])
    >>> round(curve.exponent, 3), round(curve.accuracy(16000), 3)
    (0.5, 0.8)
    """
    x, accuracy = np.asarray(sizes, np.float64), np.asarray(accuracies, np.float64)
    if x.ndim != 1 or x.shape != accuracy.shape:
        raise ValueError(f"one accuracy a size is needed, not {accuracy.shape} for {x.shape}")
    if not len(x) or x.min() <= 0 or x.min() == x.max():
        raise ValueError("a learning curve needs two different sizes or more, all above 0")
    if not (accuracy < 1).all():
        raise ValueError("a learning curve needs accuracies below 1: the logarithm of no error is infinite")
    factor, exponent = _lines(np.log(x), np.log(1 - accuracy))
    return LearningCurve(float(factor), float(exponent))


def extrapolate(
    sizes: npt.ArrayLike,
    right: npt.ArrayLike,
    to: float,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> ConfidenceInterval:
    """The interval of the accuracy at `to` training questions, by drawing the evaluated questions anew.

    `right`, of shape (k, n), tells for each of k trainings with `sizes` (k,) questions which of the same n
    evaluated questions it answered rightly. The interval tells how much the choice of these questions
    matters, not whether the power law holds beyond the sizes that were measured.

    Raises what `fit_learning_curve` raises, and `ValueError` for a level outside 0 to 1.

    >>> right = [[True, False, False, False] * 25, [True, True, False, False] * 25]
    >>> low, high = extrapolate([1000, 2000], right, 4000)
    >>> low < fit_learning_curve([1000, 2000], [0.25, 0.5]).accuracy(4000) < high
    True
    """
    hits = np.asarray(right, np.float64)
    fit_learning_curve(sizes, hits.mean(axis=1))
    draw = np.random.default_rng(seed)
    n = hits.shape[1]
    weights = draw.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    # A resample without any error would have no logarithm; half an error is the least one.
    errors = np.maximum(1 - weights @ hits.T, 0.5 / n)
    factors, exponents = _lines(np.log(np.asarray(sizes, np.float64)), np.log(errors))
    accuracies = 1 - factors * to**-exponents
    reach = 100 * (1 - checked_level(level)) / 2
    low, high = np.percentile(accuracies, [reach, 100 - reach])
    return ConfidenceInterval(float(low), float(high))


def _lines(x: FloatArray, y: FloatArray) -> tuple[Any, Any]:
    """Factor and exponent of the least-squares line through (x, y[..., :]), for each row of y."""
    centred = x - x.mean()
    slope = (y * centred).sum(axis=-1) / (centred**2).sum()
    return np.exp(y.mean(axis=-1) - slope * x.mean()), -slope
