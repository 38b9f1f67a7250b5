"""Scores of predicted probabilities: log loss, Brier score, calibration, accuracy at coverage.

The probabilities of the options of all questions are one flat array. They are scored in two ways. As a choice of
one option: over the questions with exactly one right option, with the probabilities of a question divided by
their sum. And per option, as a binary prediction with the probability as it is: over all questions with a known
answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import FloatArray, IntArray
from cmexam_baseline.metrics.ragged import positions, row_numbers, row_sums
from cmexam_baseline.metrics.significance import check_count

COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SMALLEST = float(np.finfo(np.float64).eps)  # a probability below it is raised to it, as in scikit-learn


class ReliabilityBin(NamedTuple):
    """The questions with a confidence above `low` and up to `high`; the means are nan without questions."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True)
class ProbabilityScores:
    """Scores of the probabilities of options; a figure to which no question contributes is nan.

    As a choice of one option, over `n` questions:

    - `log_loss`: mean of -log of the right option's probability;
    - `brier`: mean over questions of the sum over options of (probability - outcome)^2, 0 to 2 (Brier 1950);
    - `accuracy`: the share of questions whose most probable option (the first of equals) is right;
    - `calibration_error`, `reliability`: of its probability, see the functions of these names;
    - `accuracy_at_coverage`: coverage to accuracy, see the function.

    Per option, over `n_options` options: `option_log_loss` and `option_brier`, means over options of
    the binary log loss and of (probability - outcome)^2.
    """

    n: int
    log_loss: float
    brier: float
    accuracy: float
    calibration_error: float
    reliability: tuple[ReliabilityBin, ...]
    accuracy_at_coverage: dict[float, float]
    n_options: int
    option_log_loss: float
    option_brier: float


def score_probabilities(
    gold: npt.ArrayLike, probabilities: npt.ArrayLike, option_offsets: npt.ArrayLike, n_bins: int = 15
) -> ProbabilityScores:
    """Score the probabilities of all options of n questions.

    `gold` are n bit masks of right options (the first option is the lowest bit, 0 is unknown); the options of
    question i are `probabilities[option_offsets[i]:option_offsets[i + 1]]`, at least one and between 0 and 1.
    If all are 0, its options are equally probable. Raises `ValueError` for anything else, also for a mask of
    options that the question does not have.

    >>> scores = score_probabilities([1, 2, 6], [0.8, 0.2, 0.5, 0.5, 0.1, 0.9, 0.7], [0, 2, 4, 7])
    >>> scores.n, round(scores.log_loss, 3), scores.accuracy, scores.n_options, round(scores.option_brier, 3)
    (2, 0.458, 0.5, 7, 0.099)
    """
    masks, flat, offsets = _checked(gold, probabilities, option_offsets)
    question, sizes = row_numbers(offsets), np.diff(offsets)
    is_right = (masks[question] >> positions(offsets) & 1) > 0
    sums = row_sums(flat, offsets)[question]
    shares = np.divide(flat, sums, out=1 / sizes[question], where=sums > 0)
    # As a choice of one option.
    has_one_right = row_sums(is_right, offsets) == 1
    most_probable = np.lexsort((-shares, question))[offsets[:-1]][has_one_right]
    confidence, is_hit = shares[most_probable], is_right[most_probable]
    share_of_right = row_sums(shares * is_right, offsets)[has_one_right]
    squared_errors = row_sums((shares - is_right) ** 2, offsets)[has_one_right]
    # Per option, as a binary prediction.
    is_known = masks[question] != 0
    stated, outcomes = flat[is_known], is_right[is_known]
    clipped = stated.clip(_SMALLEST, 1 - _SMALLEST)
    return ProbabilityScores(
        n=len(confidence),
        log_loss=_mean(-np.log(share_of_right.clip(_SMALLEST))),
        brier=_mean(squared_errors),
        accuracy=_mean(is_hit),
        calibration_error=calibration_error(confidence, is_hit, n_bins),
        reliability=tuple(reliability_curve(confidence, is_hit, n_bins)),
        accuracy_at_coverage=accuracy_at_coverage(confidence, is_hit),
        n_options=len(stated),
        option_log_loss=_mean(-np.log(np.where(outcomes, clipped, 1 - clipped))),
        option_brier=_mean((stated - outcomes) ** 2),
    )


def reliability_curve(
    confidence: npt.ArrayLike, is_right: npt.ArrayLike, n_bins: int = 15
) -> list[ReliabilityBin]:
    """Confidence against accuracy, in bins of equal width from 0 to 1 that include their upper end.

    `confidence` are the probabilities of n predictions and `is_right` n booleans, whether each is right. Raises
    `ValueError` if the lengths differ, a confidence is not between 0 and 1, an entry of `is_right` is neither
    true nor false, or `n_bins` is not an integer of 1 or more.

    >>> reliability_curve([0.3, 0.9, 1.0], [False, True, True], n_bins=2)[1]
    ReliabilityBin(low=0.5, high=1.0, n=2, mean_confidence=0.95, accuracy=1.0)
    """
    stated, right = _checked_confidence(confidence, is_right)
    check_count(n_bins, "n_bins")
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.searchsorted(edges[1:-1], stated, side="left")
    numbers = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, stated, n_bins) / numbers
        accuracies = np.bincount(bins, right, n_bins) / numbers
    columns = (edges[:-1], edges[1:], numbers, means, accuracies)
    return [ReliabilityBin(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def calibration_error(confidence: npt.ArrayLike, is_right: npt.ArrayLike, n_bins: int = 15) -> float:
    """The expected calibration error: the mean gap between confidence and accuracy, bins weighted by size.

    Arguments, bins and errors are those of `reliability_curve`; nan without questions. Definition: Guo et
    al., On calibration of modern neural networks (2017).

    >>> round(calibration_error([0.3, 0.9, 1.0], [False, True, True], n_bins=2), 4)
    0.1333
    """
    bins = [part for part in reliability_curve(confidence, is_right, n_bins) if part.n]
    total = sum(part.n for part in bins)
    return sum(part.n * abs(part.accuracy - part.mean_confidence) for part in bins) / total if total else nan


def accuracy_at_coverage(
    confidence: npt.ArrayLike, is_right: npt.ArrayLike, coverages: Sequence[float] = COVERAGES
) -> dict[float, float]:
    """The accuracy on the most confident part of the questions, for each coverage, which is the share kept.

    Ties in confidence are broken at random: the figure is the expected value, also where the cut falls within a
    question. nan without questions. Arguments and errors are those of `reliability_curve`; raises `ValueError`
    also for a coverage that is not above 0 and up to 1.

    >>> accuracy_at_coverage([0.9, 0.5, 0.5, 0.4], [True, True, False, False], [0.25, 0.5, 1.0])
    {0.25: 1.0, 0.5: 0.75, 1.0: 0.5}
    """
    stated, right = _checked_confidence(confidence, is_right)
    for coverage in coverages:
        if not isinstance(coverage, (int, float, np.number)) or not 0 < coverage <= 1:
            raise ValueError(f"a coverage must be above 0 and up to 1; it is {coverage!r}")
    if not len(stated):
        return dict.fromkeys(coverages, nan)
    order = np.argsort(-stated, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(stated[order]) != 0, True)) + 1
    n_right = np.cumsum(right[order])[ends - 1]
    kept = np.array(coverages) * len(stated)
    expected = np.interp(kept, np.append(0, ends), np.append(0, n_right))
    return dict(zip(coverages, (expected / kept).tolist(), strict=True))


def _checked(
    gold: npt.ArrayLike, probabilities: npt.ArrayLike, option_offsets: npt.ArrayLike
) -> tuple[IntArray, FloatArray, IntArray]:
    masks = np.asarray(gold)
    if masks.ndim != 1 or (masks.dtype.kind not in "iu" and len(masks)):
        raise ValueError("gold must be bit masks of right options, one integer a question")
    flat = _numbers(probabilities, "probabilities")
    offsets = np.asarray(option_offsets)
    if offsets.dtype.kind not in "iu":
        raise ValueError("option_offsets must be integers")
    offsets = offsets.astype(np.int64)
    if flat.ndim != 1 or offsets.shape != (len(masks) + 1,) or offsets[0] != 0 or offsets[-1] != len(flat):
        raise ValueError(
            f"option_offsets must have {len(masks) + 1} entries, one more than gold, and run from 0 to "
            f"{flat.size}, the number of probabilities"
        )
    empty = np.flatnonzero(np.diff(offsets) < 1)
    if len(empty):
        raise ValueError(f"question {empty[0]} has no option; omit it")
    _refuse_outside(flat, "probabilities")
    masks = masks.astype(np.int64)
    beyond = np.flatnonzero((masks < 0) | (masks >> np.diff(offsets).clip(max=62) > 0))
    if len(beyond):
        n_options = np.diff(offsets)[beyond[0]]
        raise ValueError(
            f"gold[{beyond[0]}] is {masks[beyond[0]]}, but question {beyond[0]} has {n_options} options; "
            f"a mask of them is 0 to {(1 << int(n_options)) - 1}"
        )
    return masks, flat, offsets


def _checked_confidence(confidence: npt.ArrayLike, is_right: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    stated, right = _numbers(confidence, "confidence"), _numbers(is_right, "is_right")
    if stated.ndim != 1 or stated.shape != right.shape:
        raise ValueError(
            f"confidence and is_right must have one length; their shapes are {stated.shape} and {right.shape}"
        )
    _refuse_outside(stated, "confidence")
    neither = np.flatnonzero((right != 0) & (right != 1))
    if len(neither):
        raise ValueError(f"is_right[{neither[0]}] is {right[neither[0]]}; it must be true or false")
    return stated, right


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" and array.size:
        raise ValueError(f"{name} must be numbers, not {array.ravel()[0]!r}")
    return array.astype(np.float64)


def _refuse_outside(values: FloatArray, name: str) -> None:
    outside = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(outside):
        raise ValueError(f"{name}[{outside[0]}] is {values[outside[0]]}; a probability is between 0 and 1")


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else nan
