"""Precision, recall and F1 of one label, and their averages over labels, weighted and macro."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import FloatArray, IntArray

ANSWER_FIGURES: tuple[str, ...] = (
    "accuracy",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "macro_precision",
    "macro_recall",
    "macro_f1",
)


@dataclass(frozen=True)
class LabelScore:
    """Precision, recall and F1 of one label among `n` questions; `zero_division` where they are undefined.

    `support` is the number of questions that have the label, `n_predicted` of those for which it is predicted,
    `n_correct` of those in both. With sample weights all are sums of weights.
    """

    n: float
    support: float
    n_predicted: float
    n_correct: float
    zero_division: float = 0.0

    @property
    def precision(self) -> float:
        """The share of the predictions that is right."""
        return self.n_correct / self.n_predicted if self.n_predicted else self.zero_division

    @property
    def recall(self) -> float:
        """The share of the support that is found."""
        return self.n_correct / self.support if self.support else self.zero_division

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.support + self.n_predicted
        return 2 * self.n_correct / total if total else self.zero_division

    @property
    def confusion(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """`((in neither, only predicted), (only gold, in both))`, in scikit-learn's order."""
        only_predicted, only_gold = self.n_predicted - self.n_correct, self.support - self.n_correct
        neither = self.n - self.n_correct - only_predicted - only_gold
        return (neither, only_predicted), (only_gold, self.n_correct)


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1 averaged over classes: fractions, nan without questions."""

    precision: float
    recall: float
    f1: float


def label_sums(
    gold: IntArray, predicted: IntArray, mass: FloatArray, n_labels: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Support, number of predictions and of correct ones of each label, from numbers of labels and their mass."""
    correct = mass * (gold == predicted)
    support, n_predicted, n_correct = (
        np.bincount(labels, masses, n_labels).astype(np.float64, copy=False)
        for labels, masses in ((gold, mass), (predicted, mass), (gold, correct))
    )
    return support, n_predicted, n_correct


def label_figures(
    support: FloatArray, n_predicted: FloatArray, n_correct: FloatArray, occurs: FloatArray, undefined: float
) -> FloatArray:
    """`ANSWER_FIGURES` (..., 7) from the sums of each label, (..., labels); nan without questions.

    `occurs` is 1 for the labels that count in the macro average, and `undefined` a precision or recall of none.
    """
    ratios = (n_correct, n_predicted), (n_correct, support), (2 * n_correct, support + n_predicted)
    scores = np.stack(
        [
            np.divide(part, whole, out=np.full(part.shape, undefined, np.float64), where=whole > 0)
            for part, whole in ratios
        ],
        axis=-1,
    )
    with np.errstate(invalid="ignore"):
        accuracy = n_correct.sum(axis=-1) / support.sum(axis=-1)
        macro, weighted = _means(scores, occurs), _means(scores, support)
    # If only labels that are never gold are defined, scikit-learn takes their unweighted mean.
    weighted = np.where(np.isnan(weighted), macro, weighted)
    return np.concatenate([accuracy[..., None], weighted, macro], axis=-1)


def _means(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """The means (..., m) over labels of the scores (..., labels, m) that are defined, weighted (..., labels)."""
    defined = ~np.isnan(scores)
    total = (weights[..., None] * defined).sum(axis=-2)
    means: FloatArray = (weights[..., None] * np.where(defined, scores, 0.0)).sum(axis=-2) / total
    return means


def checked_weights(weights: npt.ArrayLike, n: int, name: str) -> FloatArray:
    """The weights as float64; raises `ValueError` unless they are n finite numbers of 0 or more."""
    values = np.asarray(weights)
    if values.shape != (n,) or values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be {n} numbers, one per question")
    values = values.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {values[wrong[0]]}; a weight is finite and 0 or more")
    return values


def checked_zero_division(value: float) -> float:
    """The value itself; raises `ValueError` unless it is 0, 1 or nan."""
    if not (value in (0, 1) or (isinstance(value, float) and isnan(value))):
        raise ValueError(f"zero_division must be 0, 1 or nan, not {value!r}")
    return float(value)
