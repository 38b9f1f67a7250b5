"""Corpus BLEU from summed counts."""

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
