"""What a bootstrap draws, and the intervals that it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from operator import index
from statistics import NormalDist
from typing import NamedTuple, Protocol

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray

# With more rows a product leaves the cache, and BLAS starts threads.
_ROWS_A_BLOCK = 1 << 9

ANSWER_FIGURES: tuple[str, ...] = (
    "accuracy",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "macro_precision",
    "macro_recall",
    "macro_f1",
)


class SummedScores(Protocol):
    """Scores made of sums over rows, as `ExplanationScores` are."""

    @property
    def figure_names(self) -> tuple[str, ...]:
        """What the figures are called."""

    @property
    def statistic_names(self) -> tuple[str, ...]:
        """What the columns of statistics are called."""

    @property
    def statistics(self) -> FloatArray:
        """One row of additive statistics a question; column `pairs` is 0 where nothing was scored."""

    def figures_of(self, sums: FloatArray) -> FloatArray:
        """The figures (..., m) of sums of rows (..., k)."""


class Sample(Protocol):
    """Rows of one system: row i occurs `counts[i]` times."""

    counts: IntArray
    figure_names: tuple[str, ...]

    def figures(self, weights: FloatArray) -> FloatArray:
        """The figures (B, m) if the rows occurred `weights` (B, rows) times."""


class PairedSample(Protocol):
    """Rows of two systems on the same questions: row i occurs `counts[i]` times."""

    counts: IntArray
    figure_names: tuple[str, ...]

    def figures(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both systems' figures, (B, m) each, if the rows occurred `weights` (B, rows) times."""

    def swapped(self, swaps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Both systems' figures, (B, m) each, with the systems exchanged in `swaps` (B, rows) of each row."""


class StatisticsSample:
    """The scored rows of scores that are made of sums."""

    def __init__(self, scores: SummedScores) -> None:
        self._scores = scores
        is_scored = _is_scored(scores)
        # A copy of a million rows takes a quarter of a gigabyte.
        self._statistics = scores.statistics if is_scored.all() else scores.statistics[is_scored]
        self.counts = np.ones(len(self._statistics), np.int64)
        self.figure_names = scores.figure_names

    def figures(self, weights: FloatArray) -> FloatArray:
        """See `Sample`."""
        return self._scores.figures_of(weighted_sums(weights, self._statistics))


class PairedStatisticsSample:
    """The rows that were scored for one of two systems at least."""

    def __init__(self, first: SummedScores, second: SummedScores) -> None:
        is_scored = _is_scored(first) | _is_scored(second)
        self._scores = first
        self._first, self._second = first.statistics[is_scored], second.statistics[is_scored]
        self._gain = self._second - self._first
        self.counts = np.ones(len(self._first), np.int64)
        self.figure_names = first.figure_names

    def figures(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `PairedSample`."""
        figures_of = self._scores.figures_of
        return (
            figures_of(weighted_sums(weights, self._first)),
            figures_of(weighted_sums(weights, self._second)),
        )

    def swapped(self, swaps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `PairedSample`."""
        moved = weighted_sums(swaps, self._gain)
        figures_of = self._scores.figures_of
        return figures_of(self._first.sum(axis=0) + moved), figures_of(self._second.sum(axis=0) - moved)


def weighted_sums(weights: FloatArray, statistics: FloatArray) -> FloatArray:
    """`weights @ statistics`, (B, rows) by (rows, k), a block of rows at a time, which stays in the cache."""
    sums = np.zeros((len(weights), statistics.shape[1]))
    for start in range(0, len(statistics), _ROWS_A_BLOCK):
        block = slice(start, start + _ROWS_A_BLOCK)
        sums += weights[:, block] @ statistics[block]
    return sums


def _is_scored(scores: SummedScores) -> BoolArray:
    is_scored: BoolArray = scores.statistics[:, scores.statistic_names.index("pairs")] > 0
    return is_scored


class AnswerSample:
    """The pairs of gold and predicted answer, each with the number of its questions."""

    figure_names = ANSWER_FIGURES

    def __init__(self, counts: Mapping[tuple[str, str], int], zero_division: float = 0.0) -> None:
        self.counts = np.fromiter(counts.values(), np.int64, len(counts))
        self._table = _AnswerTable(
            [gold for gold, _ in counts], [predicted for _, predicted in counts], zero_division
        )

    def figures(self, weights: FloatArray) -> FloatArray:
        """See `Sample`."""
        return self._table.figures(weights)


class PairedAnswerSample:
    """The triples of gold, first and second answer, each with the number of its questions."""

    figure_names = ANSWER_FIGURES

    def __init__(self, counts: Mapping[tuple[str, ...], int]) -> None:
        self.counts = np.fromiter(counts.values(), np.int64, len(counts))
        gold, first, second = zip(*counts, strict=True) if counts else ((), (), ())
        # A row of this table is a triple and one of its two systems, so that answers can be exchanged.
        self._table = _AnswerTable([*gold, *gold], [*first, *second])

    def figures(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `PairedSample`."""
        return self._both(weights, np.zeros_like(weights))

    def swapped(self, swaps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `PairedSample`."""
        return self._both(self.counts - swaps, swaps)

    def _both(self, own: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self._table.figures(np.hstack([own, other])), self._table.figures(np.hstack([other, own]))


class _AnswerTable:
    """`ANSWER_FIGURES` for many tables of counts at once, as `AnswerScores` has them for one."""

    def __init__(self, gold: Sequence[str], predicted: Sequence[str], zero_division: float = 0.0) -> None:
        self._zero_division = zero_division
        code_of = {label: code for code, label in enumerate(sorted({*gold, *predicted}))}
        self._n_labels = len(code_of)
        self._gold = np.array([code_of[label] for label in gold], np.int64)
        self._predicted = np.array([code_of[label] for label in predicted], np.int64)
        self._is_right = self._gold == self._predicted

    def figures(self, weights: FloatArray) -> FloatArray:
        support = self._by_label(weights, self._gold)
        n_predicted = self._by_label(weights, self._predicted)
        n_correct = self._by_label(weights[:, self._is_right], self._gold[self._is_right])
        ratios = (n_correct, n_predicted), (n_correct, support), (2 * n_correct, support + n_predicted)
        scores = np.stack([_ratio(*ratio, self._zero_division) for ratio in ratios], axis=-1)
        occurs = (support + n_predicted > 0).astype(np.float64)
        with np.errstate(invalid="ignore"):
            accuracy = n_correct.sum(axis=1) / support.sum(axis=1)
            macro = _means(scores, occurs)
            weighted = _means(scores, support)
        # Only labels that are never gold are defined: scikit-learn takes their unweighted mean.
        weighted = np.where(np.isnan(weighted), macro, weighted)
        return np.hstack([accuracy[:, None], weighted, macro])

    def _by_label(self, weights: FloatArray, codes: IntArray) -> FloatArray:
        """The sum of weights (B, rows) of each label, (B, labels)."""
        sums = np.zeros((len(weights), self._n_labels))
        if len(codes):
            order = np.argsort(codes, kind="stable")
            labels, begins = np.unique(codes[order], return_index=True)
            sums[:, labels] = np.add.reduceat(weights[:, order], begins, axis=1)
        return sums


def _ratio(part: FloatArray, whole: FloatArray, undefined: float) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(part, undefined), where=whole > 0)


def _means(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """The means (B, m) over labels of the scores (B, labels, m) that are defined, weighted (B, labels)."""
    defined = ~np.isnan(scores)
    total = (weights[:, :, None] * defined).sum(axis=1)
    means: FloatArray = (weights[:, :, None] * np.where(defined, scores, 0.0)).sum(axis=1) / total
    return means


class ConfidenceInterval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def checked_level(level: float) -> float:
    """The level of an interval itself; raises `ValueError` unless it is a number between 0 and 1."""
    if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
        raise ValueError(f"level must be a probability between 0 and 1, such as 0.95; it is {level}")
    return float(level)


def wilson_interval(n_successes: int, n: int, level: float = 0.95) -> ConfidenceInterval:
    """Wilson's score interval, without continuity correction, for a share of `n_successes` among `n`.

    With n = 0 it is 0 to 1. Raises `ValueError` if `n_successes` is not between 0 and n, `TypeError` for numbers
    that are not whole. Definition: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).

    >>> low, high = wilson_interval(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    n_successes, n = index(n_successes), index(n)  # NumPy's small integers would overflow
    if not 0 <= n_successes <= n:
        raise ValueError(f"the number of successes must be between 0 and n = {n}; it is {n_successes}")
    z = NormalDist().inv_cdf((1 + checked_level(level)) / 2)
    if n == 0:
        return ConfidenceInterval(0.0, 1.0)
    share = n_successes / n
    center = share + z * z / (2 * n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At both ends the formula gives 0 and 1 up to rounding.
    low = 0.0 if n_successes == 0 else (center - reach) / scale
    high = 1.0 if n_successes == n else (center + reach) / scale
    return ConfidenceInterval(low, high)
