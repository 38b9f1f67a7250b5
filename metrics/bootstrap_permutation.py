"""Bootstrap intervals and paired tests: a resample weighs rows, and figures are functions of sums.

So 1,000 resamples of all figures are one product of two matrices. Random numbers come from one seed: the same
call gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from cmexam_baseline.metrics.accuracy_f1 import AnswerScores
from cmexam_baseline.metrics.answer_codes import Answers, count_answers
from cmexam_baseline.metrics.array_types import FloatArray, IntArray
from cmexam_baseline.metrics.precision_recall_f1 import ANSWER_FIGURES, label_figures
from cmexam_baseline.metrics.significance import ConfidenceInterval, check_count, checked_level

# Numbers, so that resamples stay in the cache, and their products too small for BLAS to start threads,
# which on a busy machine take many times as long as the product itself.
_WEIGHTS_AT_ONCE = 1 << 15
_ROWS_A_BLOCK = 1 << 9
_RESAMPLES_AT_ONCE = 8  # at least, so that many rows need not be looked up for each resample alone
_TIE = 1e-9  # differences that agree up to this are equal but for the order of additions


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


@dataclass(frozen=True)
class PairedComparison:
    """One figure of two systems on the same questions.

    `difference` is first minus second, and `interval` that of the difference by the paired bootstrap. Both
    p are two-sided, for the hypothesis that the systems do not differ, and count the observation itself:

    - `p_bootstrap`: the share of the bootstrap's differences that are as far from their mean as 0 is from the
      observed one (Koehn 2004, centred as in sacrebleu);
    - `p_permutation`: the share of trials with as large a difference if the answers of both systems are exchanged
      question by question at random (approximate randomisation: Noreen 1989, Riezler and Maxwell 2005).
    """

    first: float
    second: float
    interval: ConfidenceInterval
    p_bootstrap: float
    p_permutation: float

    @property
    def difference(self) -> float:
        """The first figure minus the second."""
        return self.first - self.second


def bootstrap(
    scores: AnswerScores | SummedScores, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, ConfidenceInterval]:
    """The percentile bootstrap interval of each figure of answers or of explanations.

    Questions are resampled with replacement, as many as were scored; without questions every interval is nan.
    Figures of answers are `ANSWER_FIGURES`, those of explanations `scores.figure_names`. Raises
    `ValueError` for a level outside 0 to 1, fewer than one resample, or sample weights, and `TypeError` for
    anything that is not such scores.

    >>> from cmexam_baseline.metrics import score_answers
    >>> intervals = bootstrap(score_answers(["A", "B"] * 50, ["A", "A"] * 50))
    >>> intervals["accuracy"].low < 0.5 < intervals["accuracy"].high
    True
    """
    checked_level(level)
    check_count(resamples, "resamples")
    sample: _AnswerRows | _SummedRows
    if isinstance(scores, AnswerScores):
        if scores.weights is not None:
            raise ValueError("scores with sample weights cannot be resampled; score the answers without them")
        sample = _AnswerRows(scores.counts, scores.zero_division)
    else:
        sample = _SummedRows(_checked_scores(scores, "scores"))
    random = np.random.default_rng(seed)
    figures = [sample.figures(weights)[0] for weights in _resamples(random, sample.counts, resamples)]
    return dict(zip(sample.figure_names, _intervals(np.concatenate(figures), level), strict=True))


def compare_answers(
    gold: Answers,
    first: Answers,
    second: Answers,
    resamples: int = 1000,
    trials: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    kind: str | None = None,
) -> dict[str, PairedComparison]:
    """Two systems' answers to the same questions: all figures, and their differences with intervals and p.

    Answers come in every form that `score_answers` takes; `resamples` is for the bootstrap, `trials` for the
    permutation test. Raises what `score_answers` and `bootstrap` raise.

    >>> gold = ["A", "B", "C", "D"] * 25
    >>> accuracy = compare_answers(gold, gold, ["A"] * 100)["accuracy"]
    >>> accuracy.difference, accuracy.interval.low > 0.6, accuracy.p_permutation < 0.001
    (0.75, True, True)
    """
    rows = _AnswerRows(count_answers(gold, first, second, kind=kind))
    return _compare(rows, resamples, trials, level, seed)


def compare_explanations(
    first: SummedScores,
    second: SummedScores,
    resamples: int = 1000,
    trials: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, PairedComparison]:
    """Two systems' explanations of the same questions, in the same order; otherwise as `compare_answers`.

    Raises `ValueError` if the numbers of rows, the definitions or the references differ.

    >>> from cmexam_baseline.metrics import score_explanations
    >>> references = ["维生素A缺乏可致夜盲症", "坏血病因缺乏维生素C"] * 20
    >>> first, second = (score_explanations(references, [text] * 40) for text in ("维生素缺乏", "发热"))
    >>> rouge1 = compare_explanations(first, second)["rouge1"]
    >>> rouge1.difference > 50, rouge1.p_permutation < 0.001
    (True, True)
    """
    _checked_scores(first, "first")
    _checked_scores(second, "second")
    if len(first.statistics) != len(second.statistics):
        raise ValueError(
            f"the first system has {len(first.statistics)} rows and the second {len(second.statistics)}; "
            "score both on the same questions"
        )
    if not getattr(first, "same_definition", lambda other: True)(second):
        signatures = " and ".join(str(getattr(scores, "signature", None)) for scores in (first, second))
        raise ValueError(f"the two scores mean different things: {signatures}")
    if "reference_checksum" in first.statistic_names:
        checksums = [_column(scores, "reference_checksum") for scores in (first, second)]
        in_both = (_column(first, "pairs") > 0) & (_column(second, "pairs") > 0)
        differing = np.flatnonzero(in_both & (checksums[0] != checksums[1]))
        if len(differing):
            raise ValueError(
                f"the systems have different references, first in row {differing[0]}; "
                "score both on the same questions"
            )
    return _compare(_SummedRows(first, second), resamples, trials, level, seed)


def _checked_scores(scores: SummedScores, name: str) -> SummedScores:
    if not all(hasattr(scores, part) for part in ("statistics", "figure_names", "figures_of")):
        raise TypeError(f"{name} must be scores of answers or of explanations, not {type(scores).__name__}")
    return scores


class _SummedRows:
    """The rows that are scored for one system at least, with the statistics of each system."""

    def __init__(self, *systems: SummedScores) -> None:
        self.figure_names = systems[0].figure_names
        self._figures_of = systems[0].figures_of
        is_scored = np.logical_or.reduce([_column(scores, "pairs") > 0 for scores in systems])
        used = getattr(systems[0], "n_summed", None)
        # A copy of a million rows takes a quarter of a gigabyte.
        self._statistics = [
            scores.statistics[:, :used] if is_scored.all() else scores.statistics[is_scored, :used]
            for scores in systems
        ]
        self.counts = np.ones(len(self._statistics[0]), np.int64)
        if len(systems) == 2:
            self._gain = self._statistics[1] - self._statistics[0]

    def figures(self, weights: FloatArray) -> list[FloatArray]:
        """The figures (B, m) of each system if the rows occurred `weights` (B, rows) times."""
        return [self._figures_of(_weighted_sums(weights, statistics)) for statistics in self._statistics]

    def swapped(self, swaps: FloatArray) -> list[FloatArray]:
        """Both systems' figures, (B, m) each, with the systems exchanged in `swaps` (B, rows) of each row."""
        moved = _weighted_sums(swaps, self._gain)
        first, second = (statistics.sum(axis=0) for statistics in self._statistics)
        return [self._figures_of(first + moved), self._figures_of(second - moved)]


def _column(scores: SummedScores, name: str) -> FloatArray:
    return scores.statistics[:, scores.statistic_names.index(name)]


def _weighted_sums(weights: FloatArray, statistics: FloatArray) -> FloatArray:
    """`weights @ statistics`, (B, rows) by (rows, k), a block of rows at a time, which stays in the cache."""
    sums = np.zeros((len(weights), statistics.shape[1]))
    for start in range(0, len(statistics), _ROWS_A_BLOCK):
        block = slice(start, start + _ROWS_A_BLOCK)
        sums += weights[:, block] @ statistics[block]
    return sums


class _AnswerRows:
    """The combinations of a gold answer and each system's, with the number of questions of each.

    `figures` and `swapped` are as those of `_SummedRows`.
    """

    figure_names = ANSWER_FIGURES

    def __init__(self, counts: Mapping[Any, int], zero_division: float = 0.0) -> None:
        self.counts = np.fromiter(counts.values(), np.int64, len(counts))
        self._zero_division = zero_division
        labels = sorted({label for combination in counts for label in combination})
        number_of = dict(zip(labels, range(len(labels)), strict=True))
        codes = [[number_of[label] for label in combination] for combination in counts]
        gold, *systems = np.array(codes, np.int64).T if codes else np.zeros((3, 0), np.int64)
        self._n_labels, self._n_systems = len(labels), len(systems)
        # A row of this table is a combination and one of its systems, so that answers can be exchanged.
        self._gold, self._predicted = np.tile(gold, len(systems)), np.concatenate(systems)
        self._is_right = self._gold == self._predicted

    def figures(self, weights: FloatArray) -> list[FloatArray]:
        zeros = np.zeros_like(weights)
        systems = range(self._n_systems)
        return [
            self._figures_of(np.hstack([weights if other == own else zeros for other in systems]))
            for own in systems
        ]

    def swapped(self, swaps: FloatArray) -> list[FloatArray]:
        kept = self.counts - swaps
        return [self._figures_of(np.hstack(both)) for both in ((kept, swaps), (swaps, kept))]

    def _figures_of(self, weights: FloatArray) -> FloatArray:
        """`ANSWER_FIGURES` (B, 7) if the rows of the table occurred `weights` (B, rows) times."""
        support = self._by_label(weights, self._gold)
        n_predicted = self._by_label(weights, self._predicted)
        n_correct = self._by_label(weights[:, self._is_right], self._gold[self._is_right])
        occurs = (support + n_predicted > 0).astype(np.float64)
        return label_figures(support, n_predicted, n_correct, occurs, self._zero_division)

    def _by_label(self, weights: FloatArray, codes: IntArray) -> FloatArray:
        """The sum of weights (B, rows) of each label, (B, labels)."""
        sums = np.zeros((len(weights), self._n_labels))
        if len(codes):
            order = np.argsort(codes, kind="stable")
            labels, begins = np.unique(codes[order], return_index=True)
            sums[:, labels] = np.add.reduceat(weights[:, order], begins, axis=1)
        return sums


def _compare(
    rows: _AnswerRows | _SummedRows, resamples: int, trials: int, level: float, seed: int
) -> dict[str, PairedComparison]:
    checked_level(level)
    check_count(resamples, "resamples")
    check_count(trials, "trials")
    random = np.random.default_rng(seed)
    first, second = (figures[0] for figures in rows.figures(rows.counts[None].astype(np.float64)))
    observed = first - second
    drawn = np.concatenate(
        [np.subtract(*rows.figures(weights)) for weights in _resamples(random, rows.counts, resamples)]
    )
    exchanged = np.concatenate(
        [np.subtract(*rows.swapped(swaps)) for swaps in _coin_flips(random, rows.counts, trials)]
    )
    p_bootstrap = _p_value(drawn - drawn.mean(axis=0), observed)
    columns = first, second, _intervals(drawn, level), p_bootstrap, _p_value(exchanged, observed)
    return {
        name: PairedComparison(float(a), float(b), interval, float(p), float(q))
        for name, a, b, interval, p, q in zip(rows.figure_names, *columns, strict=True)
    }


def _resamples(random: np.random.Generator, counts: IntArray, resamples: int) -> Iterator[FloatArray]:
    """How often each row is drawn in each resample, a few resamples at a time: (few, rows)."""
    n = int(counts.sum())
    for size in _portions(resamples, len(counts), _RESAMPLES_AT_ONCE):
        if n == len(counts):
            weights = np.empty((size, n))
            for row in weights:
                row[:] = np.bincount(random.integers(0, n, n), minlength=n) if n else 0
            yield weights
        else:
            yield random.multinomial(n, counts / n, size).astype(np.float64)


def _coin_flips(random: np.random.Generator, counts: IntArray, trials: int) -> Iterator[FloatArray]:
    """How many of each row are exchanged in each trial, a few trials at a time: (few, rows)."""
    for size in _portions(trials, len(counts), 1):
        if int(counts.sum()) == len(counts):
            yield random.integers(0, 2, (size, len(counts)), np.int8).astype(np.float64)
        else:
            yield random.binomial(counts, 0.5, (size, len(counts))).astype(np.float64)


def _portions(total: int, n_rows: int, least: int) -> Iterator[int]:
    portion = max(least, _WEIGHTS_AT_ONCE // max(1, n_rows))
    for begin in range(0, total, portion):
        yield min(portion, total - begin)


def _intervals(figures: FloatArray, level: float) -> list[ConfidenceInterval]:
    """The quantiles of each column, nan where one of its figures is; np.quantile imports numpy.ma, which takes 15 ms."""
    last = len(figures) - 1
    tail = (1 - level) / 2 * last
    in_order = np.sort(figures + 0 * figures.sum(axis=0), axis=0)
    ends = (np.interp([tail, last - tail], np.arange(len(figures)), column) for column in in_order.T)
    return [ConfidenceInterval(float(low), float(high)) for low, high in ends]


def _p_value(differences: FloatArray, observed: FloatArray) -> FloatArray:
    as_large = (np.abs(differences) >= np.abs(observed) - _TIE).sum(axis=0)
    p: FloatArray = (as_large + 1) / (len(differences) + 1)
    return np.where(np.isnan(observed), np.nan, p)
