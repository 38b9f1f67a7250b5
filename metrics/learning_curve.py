"""Accuracy against the number of training questions: a power law, and its extrapolation to other sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.significance import ConfidenceInterval, check_count, checked_level

FEWEST_SIZES = 4
"""Different sizes that an extrapolation needs."""


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

    `sizes` and `accuracies` (fractions) are of shape (k,); a size may occur several times. Two different sizes
    fit exactly: only more sizes show how well the law fits. Raises `ValueError` unless there are two different
    sizes, all finite and above 0, and every accuracy is from 0 to below 1.
    Definition: Hestness et al., Deep Learning Scaling is Predictable, Empirically (2017), section 2.

    >>> curve = fit_learning_curve([1000, 4000], [0.2, 0.6])
    >>> round(curve.exponent, 3), round(curve.accuracy(16000), 3)
    (0.5, 0.8)
    """
    x, accuracy = np.asarray(sizes, np.float64), np.asarray(accuracies, np.float64)
    if x.ndim != 1 or x.shape != accuracy.shape:
        raise ValueError(f"one accuracy a size is needed, not {accuracy.shape} for {x.shape}")
    if not len(x) or not np.isfinite(x).all() or x.min() <= 0 or x.min() == x.max():
        raise ValueError("a learning curve needs two different sizes or more, all finite and above 0")
    if not ((accuracy >= 0) & (accuracy < 1)).all():
        raise ValueError(
            "a learning curve needs accuracies from 0 to below 1: the logarithm of no error is infinite"
        )
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
    """The interval of the accuracy at `to` training questions, by resampling the evaluated questions.

    `right`, of shape (k, n), marks for each of k trainings with `sizes` (k,) questions which of the same n
    evaluated questions are answered rightly. The interval covers the choice of these questions, not whether
    the power law is valid beyond the measured sizes.

    Raises what `fit_learning_curve` raises, and `ValueError` for fewer than four different sizes, no
    evaluated question, no resample, a size `to` that is not above 0, or a level outside 0 to 1.

    >>> right = np.arange(100) < np.array([[20], [30], [40], [50]])
    >>> low, high = extrapolate([1000, 2000, 4000, 8000], right, 16000)
    >>> low < fit_learning_curve([1000, 2000, 4000, 8000], right.mean(axis=1)).accuracy(16000) < high
    True
    """
    hits = np.asarray(right, np.float64)
    if hits.ndim != 2 or not hits.shape[1] or not ((hits == 0) | (hits == 1)).all():
        raise ValueError("right must be a table of true and false, a row per training, a column per question")
    if not to > 0 or not np.isfinite(to):
        raise ValueError(f"the size to extrapolate to must be finite and above 0; it is {to}")
    check_count(resamples, "resamples")
    fit_learning_curve(sizes, hits.mean(axis=1))
    n_sizes = len(np.unique(np.asarray(sizes)))
    if n_sizes < FEWEST_SIZES:
        raise ValueError(
            f"an extrapolation needs {FEWEST_SIZES} different sizes, not {n_sizes}: two fit a power law exactly"
        )
    draw = np.random.default_rng(seed)
    n = hits.shape[1]
    weights = draw.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    # The logarithm of no error is infinite: half an error is the least.
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
