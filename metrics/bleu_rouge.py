"""BLEU and ROUGE: statistics of pairs that add up, the figures made of their sums, and the formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.ngrams import MAX_ORDER

if TYPE_CHECKING:
    from cmexam_baseline.metrics.profiles import Profile

ROUGES = ("rouge1", "rouge2", "rougeL")
_BLEU = tuple(f"bleu{order}" for order in range(1, MAX_ORDER + 1))
_ROUGE = tuple(f"{rouge}{part}" for rouge in ROUGES for part in ("", "_precision", "_recall"))
FIGURES = _BLEU + _ROUGE
"""The figures in the order in which arrays have them; `rouge1` and so on is F."""

STATISTICS = (
    "pairs",
    *(f"{name}_matches" for name in _BLEU),
    *(f"{name}_ngrams" for name in _BLEU),
    "bleu_reference_tokens",
    "bleu_prediction_tokens",
    *_ROUGE,
    *(f"{rouge}_{part}" for rouge in ROUGES for part in ("common", "in_reference", "in_prediction")),
    "rows",
    "missing_references",
    "missing_predictions",
    "empty_references",
    "empty_predictions",
    "several_references",
    "reference_checksum",
)
"""The columns of a matrix of statistics; `pairs` is 1 for a scored row, 0 for an omitted one."""

AT = {name: column for column, name in enumerate(STATISTICS)}
MATCHES = slice(AT["bleu1_matches"], AT["bleu1_ngrams"])
_NGRAMS = slice(AT["bleu1_ngrams"], AT["bleu_reference_tokens"])
_FRACTIONS = slice(AT["rouge1"], AT["rouge1_common"])
N_SUMMED = AT["rouge1_common"]
"""The first columns, of which all figures are made."""
_HALF_BITS = 30  # of the fractions of exact sums


def statistics_of(bleu_counts: NDArray[Any], rouge_counts: NDArray[Any], profile: Profile) -> FloatArray:
    """One row of `STATISTICS` per pair, from its counts (`COUNTS`) under the profile's two tokenizers.

    The columns about rows are 0, except `rows` and `pairs`, which are 1.
    """
    statistics = np.zeros((len(bleu_counts), len(STATISTICS)))
    statistics[:, AT["pairs"]] = 1
    statistics[:, AT["rows"]] = 1
    statistics[:, MATCHES] = bleu_counts["clipped"]
    lengths = bleu_counts["prediction_tokens"]
    statistics[:, _NGRAMS] = np.maximum(lengths[:, None] - np.arange(MAX_ORDER), 0)
    statistics[:, AT["bleu_reference_tokens"]] = bleu_counts["reference_tokens"]
    statistics[:, AT["bleu_prediction_tokens"]] = lengths
    for rouge, counts in zip(ROUGES, _rouge_counts(rouge_counts, profile), strict=True):
        common, in_reference, in_prediction = counts
        if profile.swap_sides:
            in_reference, in_prediction = in_prediction, in_reference
        formula = LCS_F[profile.lcs_f] if rouge == "rougeL" else NGRAM_F[profile.counting]
        at = AT[rouge]
        statistics[:, at : at + 3] = f_precision_recall(common, in_reference, in_prediction, formula).T
        at = AT[f"{rouge}_common"]
        statistics[:, at : at + 3] = np.stack([common, in_reference, in_prediction], axis=1)
    return statistics


def _rouge_counts(counts: NDArray[Any], profile: Profile) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """For ROUGE-1, 2 and L the n-grams (or tokens) in common, in the reference and in the prediction."""
    reference, prediction = counts["reference_tokens"], counts["prediction_tokens"]
    longest = (counts["lcs"], reference, prediction)
    if profile.counting == "set":
        columns = (counts[name].T for name in ("shared", "reference_types", "prediction_types"))
        return [*zip(*columns, strict=True), longest]
    clipped = counts["clipped"]
    bigrams = (clipped[:, 1], np.maximum(reference - 1, 0), np.maximum(prediction - 1, 0))
    return [(clipped[:, 0], reference, prediction), bigrams, longest]


def figures_of(sums: FloatArray, smoothing: str) -> FloatArray:
    """The `FIGURES` in percent of summed `STATISTICS`, (..., k) to (..., m); nan without pairs.

    Of the columns only the first `N_SUMMED` are needed.
    """
    sums = np.asarray(sums, np.float64)
    pairs = sums[..., :1]
    lengths = sums[..., AT["bleu_reference_tokens"]], sums[..., AT["bleu_prediction_tokens"]]
    bleus = bleu(sums[..., MATCHES], sums[..., _NGRAMS], *lengths, smoothing)
    with np.errstate(divide="ignore", invalid="ignore"):
        rouges = 100 * sums[..., _FRACTIONS] / pairs
    return np.where(pairs > 0, np.concatenate([bleus, rouges], axis=-1), np.nan)


def exact_sums(statistics: FloatArray) -> tuple[int, ...]:
    """The sum of each column in units of 2**-60, to which each entry is rounded down first.

    Whole numbers add up without rounding, so neither the order of the rows nor how they were cut into
    parts changes a single bit of any figure.
    """
    sums = [int(total) << 2 * _HALF_BITS for total in statistics.sum(axis=0).tolist()]
    scaled = statistics[:, _FRACTIONS] * (1 << _HALF_BITS)
    upper = scaled.astype(np.int64)
    lower = ((scaled - upper) * (1 << _HALF_BITS)).astype(np.int64)
    halves = zip(upper.sum(axis=0).tolist(), lower.sum(axis=0).tolist(), strict=True)
    sums[_FRACTIONS] = [(a << _HALF_BITS) + b for a, b in halves]
    return tuple(sums)


def as_floats(sums: Sequence[int]) -> FloatArray:
    """Sums from `exact_sums` as floating-point numbers, correctly rounded."""
    return np.array([total / (1 << 2 * _HALF_BITS) for total in sums])


def as_counts(sums: Sequence[int]) -> dict[str, int]:
    """Sums from `exact_sums` as whole numbers by name, without sums of fractions and checksums."""
    return {
        name: total >> 2 * _HALF_BITS
        for name, total in zip(STATISTICS, sums, strict=True)
        if name not in _ROUGE and name != "reference_checksum"
    }


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


def _add_one(matches: FloatArray, totals: FloatArray) -> FloatArray:
    above_first = np.arange(matches.shape[-1]) > 0
    return _precisions(matches + above_first, totals + above_first)


_SMOOTHING: dict[str, Callable[[Any, Any], FloatArray]] = {
    "none": _precisions,
    "exp": _halving,
    "floor": lambda matches, totals: _precisions(np.where(matches == 0, 0.1, matches), totals),
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
