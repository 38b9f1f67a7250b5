"""BLEU and ROUGE as formulas of counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cmexam_baseline.metrics.array_types import FloatArray


def bleu(
    matches: FloatArray,
    totals: FloatArray,
    reference_tokens: FloatArray,
    prediction_tokens: FloatArray,
    smoothing: str,
) -> FloatArray:
    """BLEU-1 to BLEU-N in percent, one reference a prediction (Papineni et al. 2002).

    `matches` and `totals`, of shape (..., N), are the clipped matches and the n-grams of the predictions for
    the orders 1 to N, summed over any pairs; the lengths have the shape (...); so has the result, with N
    as last dimension. A precision without n-grams, and BLEU without predictions, is 0. `smoothing` is one of
    `SMOOTHING`, which only matters where an order has no match: none, or sacrebleu's exp, floor (0.1) and
    add-k (1).

    >>> matches, totals, length = np.array([3.0, 1.0]), np.array([4.0, 3.0]), np.array(4.0)
    >>> bleu(matches, totals, length, length, "none").round(2).tolist()
    [75.0, 50.0]
    """
    orders = np.arange(1, matches.shape[-1] + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithms = np.log(_SMOOTHING[smoothing](matches, totals))
        means = np.exp(np.cumsum(logarithms, axis=-1) / orders)
        brevity = np.exp(np.minimum(0, 1 - reference_tokens / prediction_tokens))
        scores = 100 * means * brevity[..., None]
    defined = (matches[..., :1] > 0) & (prediction_tokens > 0)[..., None]
    return np.where(defined, scores, 0.0)


def _precisions(matches: FloatArray, totals: FloatArray) -> FloatArray:
    return np.where(totals > 0, matches / np.where(totals > 0, totals, 1), 0.0)


def _halving(matches: FloatArray, totals: FloatArray) -> FloatArray:
    without = (matches == 0) & (totals > 0)
    pseudo_counts = 0.5 ** np.cumsum(without, axis=-1)
    return _precisions(np.where(without, pseudo_counts, matches), totals)


def _floor(matches: FloatArray, totals: FloatArray) -> FloatArray:
    return _precisions(np.where(matches == 0, 0.1, matches), totals)


def _add_one(matches: FloatArray, totals: FloatArray) -> FloatArray:
    above_first = np.arange(matches.shape[-1]) > 0
    return _precisions(matches + above_first, totals + above_first)


_SMOOTHING: dict[str, Callable[[Any, Any], FloatArray]] = {
    "none": _precisions,
    "exp": _halving,
    "floor": _floor,
    "add-k": _add_one,
}
SMOOTHING = tuple(_SMOOTHING)


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
