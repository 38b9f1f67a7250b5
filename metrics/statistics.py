"""Statistics of pairs of explanations that add up, and the figures made of their sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.bleu_rouge import LCS_F, NGRAM_F, bleu, f_precision_recall
from cmexam_baseline.metrics.ngrams import MAX_ORDER
from cmexam_baseline.metrics.profiles import Profile

_ROUGES = ("rouge1", "rouge2", "rougeL")
_BLEU = tuple(f"bleu{order}" for order in range(1, MAX_ORDER + 1))
_ROUGE = tuple(f"{rouge}{part}" for rouge in _ROUGES for part in ("", "_precision", "_recall"))
FIGURES = _BLEU + _ROUGE
"""The figures in the order in which arrays have them; `rouge1` and so on is F."""

STATISTICS = (
    "pairs",
    *(f"{name}_matches" for name in _BLEU),
    *(f"{name}_ngrams" for name in _BLEU),
    "bleu_reference_tokens",
    "bleu_prediction_tokens",
    *_ROUGE,
    *(f"{rouge}_{part}" for rouge in _ROUGES for part in ("common", "in_reference", "in_prediction")),
    "rows",
    "missing_references",
    "missing_predictions",
    "empty_references",
    "empty_predictions",
    "several_references",
    "reference_checksum",
)
"""The columns of a matrix of statistics; `pairs` is 1 for a scored row, 0 for an omitted one."""

_AT = {name: column for column, name in enumerate(STATISTICS)}
_MATCHES = slice(_AT["bleu1_matches"], _AT["bleu1_ngrams"])
_NGRAMS = slice(_AT["bleu1_ngrams"], _AT["bleu_reference_tokens"])
_FRACTIONS = slice(_AT["rouge1"], _AT["rouge1_common"])
_FRACTION_BITS = 60
_HALF = 1 << (_FRACTION_BITS // 2)


def statistics_of(bleu_counts: NDArray[Any], rouge_counts: NDArray[Any], profile: Profile) -> FloatArray:
    """One row of `STATISTICS` per pair, from its counts (`COUNTS`) under the profile's two tokenizers.

    The columns about rows are 0, except `rows` and `pairs`, which are 1.
    """
    statistics = np.zeros((len(bleu_counts), len(STATISTICS)))
    statistics[:, _AT["pairs"]] = 1
    statistics[:, _AT["rows"]] = 1
    statistics[:, _MATCHES] = bleu_counts["clipped"]
    lengths = bleu_counts["prediction_tokens"]
    statistics[:, _NGRAMS] = np.maximum(lengths[:, None] - np.arange(MAX_ORDER), 0)
    statistics[:, _AT["bleu_reference_tokens"]] = bleu_counts["reference_tokens"]
    statistics[:, _AT["bleu_prediction_tokens"]] = lengths
    for rouge, counts in zip(_ROUGES, _rouge_counts(rouge_counts, profile), strict=True):
        common, in_reference, in_prediction = counts
        if profile.swap_sides:
            in_reference, in_prediction = in_prediction, in_reference
        formula = LCS_F[profile.lcs_f] if rouge == "rougeL" else NGRAM_F[profile.counting]
        at = _AT[rouge]
        statistics[:, at : at + 3] = f_precision_recall(common, in_reference, in_prediction, formula).T
        at = _AT[f"{rouge}_common"]
        statistics[:, at : at + 3] = np.stack([common, in_reference, in_prediction], axis=1)
    return statistics


def figures_of(sums: FloatArray, smoothing: str) -> FloatArray:
    """The `FIGURES` in percent of summed `STATISTICS`, (..., k) to (..., m); nan without pairs."""
    sums = np.asarray(sums, np.float64)
    pairs = sums[..., :1]
    bleus = bleu(
        sums[..., _MATCHES],
        sums[..., _NGRAMS],
        sums[..., _AT["bleu_reference_tokens"]],
        sums[..., _AT["bleu_prediction_tokens"]],
        smoothing,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        rouges = 100 * sums[..., _FRACTIONS] / pairs
    return np.where(pairs > 0, np.concatenate([bleus, rouges], axis=-1), np.nan)


def exact_sums(statistics: FloatArray) -> tuple[int, ...]:
    """The sum of each column in units of 2**-60, to which each entry is rounded down first.

    Whole numbers add up without rounding, so neither the order of the rows nor how they were cut into
    parts changes a single bit of any figure.

    >>> statistics = np.zeros((2, len(STATISTICS)))
    >>> statistics[:, STATISTICS.index("pairs")] = 1
    >>> statistics[:, STATISTICS.index("rouge1")] = 0.5, 0.25
    >>> sums = exact_sums(statistics)
    >>> as_counts(sums)["pairs"], float(as_floats(sums)[STATISTICS.index("rouge1")])
    (2, 0.75)
    """
    sums = [int(total) << _FRACTION_BITS for total in statistics.sum(axis=0).tolist()]
    scaled = statistics[:, _FRACTIONS] * _HALF
    upper = scaled.astype(np.int64)
    lower = ((scaled - upper) * _HALF).astype(np.int64)
    halves = zip(upper.sum(axis=0).tolist(), lower.sum(axis=0).tolist(), strict=True)
    sums[_FRACTIONS] = [(a << (_FRACTION_BITS // 2)) + b for a, b in halves]
    return tuple(sums)


def as_floats(sums: Sequence[int]) -> FloatArray:
    """Sums from `exact_sums` as floating-point numbers, correctly rounded."""
    return np.array([total / (1 << _FRACTION_BITS) for total in sums])


def as_counts(sums: Sequence[int]) -> dict[str, int]:
    """Sums from `exact_sums` as whole numbers by name, without sums of fractions and checksums."""
    totals = zip(STATISTICS, sums, strict=True)
    return {
        name: total >> _FRACTION_BITS
        for name, total in totals
        if name not in _ROUGE and name != "reference_checksum"
    }


def _rouge_counts(counts: NDArray[Any], profile: Profile) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
    """For ROUGE-1, 2 and L the n-grams (or tokens) in common, in the reference and in the prediction."""
    reference, prediction = counts["reference_tokens"], counts["prediction_tokens"]
    longest = (counts["lcs"], reference, prediction)
    if profile.counting == "set":
        shared, in_reference, in_prediction = (
            counts[name].T for name in ("shared", "reference_types", "prediction_types")
        )
        return [*zip(shared, in_reference, in_prediction, strict=True), longest]
    clipped = counts["clipped"]
    bigrams = (clipped[:, 1], np.maximum(reference - 1, 0), np.maximum(prediction - 1, 0))
    return [(clipped[:, 0], reference, prediction), bigrams, longest]
