"""ROUGE of single pairs: F, precision and recall from counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cmexam_baseline.metrics.array_types import FloatArray

FormulaOfF = Callable[[FloatArray, FloatArray], FloatArray]


def f_precision_recall(
    common: FloatArray, in_reference: FloatArray, in_prediction: FloatArray, formula: FormulaOfF
) -> FloatArray:
    """F, precision and recall as fractions, of shape (3, n), from counts of shape (n,).

    A share of nothing is 0.

    >>> f_precision_recall(np.array([2.0]), np.array([4.0]), np.array([2.0]), f1).round(4).tolist()
    [[0.6667], [1.0], [0.5]]
    """
    precision = common / np.maximum(in_prediction, 1)
    recall = common / np.maximum(in_reference, 1)
    return np.stack([formula(precision, recall), precision, recall])


def f1(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """The harmonic mean, 0 where both are 0."""
    total = precision + recall
    return np.where(total > 0, 2 * precision * recall / np.where(total > 0, total, 1), 0.0)


def f1_of_sets(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """F1 with 1e-8 in the denominator, as in scorers that count sets, CMExam's among them."""
    return 2 * (precision * recall / (precision + recall + 1e-8))


def f_of_official_lcs(precision: FloatArray, recall: FloatArray) -> FloatArray:
    """F with beta = precision / recall, as in CMExam's scripts, from ROUGE's working note 1.3.1."""
    beta_squared = (precision / (recall + 1e-12)) ** 2
    return (1 + beta_squared) * recall * precision / (recall + beta_squared * precision + 1e-12)


NGRAM_F: dict[str, FormulaOfF] = {"set": f1_of_sets, "clip": f1}
LCS_F: dict[str, FormulaOfF] = {"official": f_of_official_lcs, "f1": f1}
COUNTING = tuple(NGRAM_F)
