"""Bootstrap intervals and paired tests: a resample weighs rows, and figures are functions of sums.

So 1,000 resamples of all figures are one product of two matrices. Random numbers come from one seed: the same
call gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cmexam_baseline.metrics.accuracy_f1 import AnswerScores
from cmexam_baseline.metrics.answer_codes import Answers
from cmexam_baseline.metrics.answers import count_answers
from cmexam_baseline.metrics.array_types import FloatArray, IntArray
from cmexam_baseline.metrics.resampling_units import (
    AnswerSample,
    ConfidenceInterval,
    PairedAnswerSample,
    PairedSample,
    PairedStatisticsSample,
    Sample,
    StatisticsSample,
    SummedScores,
    checked_level,
)

# Numbers, so that resamples stay in the cache, and their products too small for BLAS to start threads,
# which on a busy machine take many times as long as the product itself.
_WEIGHTS_AT_ONCE = 1 << 15
_RESAMPLES_AT_ONCE = 8  # at least, so that many rows need not be looked up for each resample alone
_TIE = 1e-9  # differences that agree up to this are equal but for the order of additions


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
    _check(level, resamples=resamples)
    sample: Sample
    if isinstance(scores, AnswerScores):
        if scores.weights is not None:
            raise ValueError("scores with sample weights cannot be resampled; score the answers without them")
        sample = AnswerSample(scores.counts, scores.zero_division)
    else:
        sample = StatisticsSample(_checked_scores(scores, "scores"))
    random = np.random.default_rng(seed)
    figures = [sample.figures(weights) for weights in _resamples(random, sample.counts, resamples)]
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
    return _compare(
        PairedAnswerSample(count_answers(gold, first, second, kind=kind)), resamples, trials, level, seed
    )


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
    signatures = [getattr(scores, "signature", None) for scores in (first, second)]
    if not getattr(first, "same_definition", lambda other: True)(second):
        raise ValueError(f"the two scores mean different things: {signatures[0]} and {signatures[1]}")
    differing = _differing_references(first, second)
    if len(differing):
        raise ValueError(
            f"the systems have different references, first in row {differing[0]}; score both on the same questions"
        )
    return _compare(PairedStatisticsSample(first, second), resamples, trials, level, seed)


def _checked_scores(scores: SummedScores, name: str) -> SummedScores:
    if not all(hasattr(scores, part) for part in ("statistics", "figure_names", "figures_of")):
        raise TypeError(f"{name} must be scores of answers or of explanations, not {type(scores).__name__}")
    return scores


def _differing_references(first: SummedScores, second: SummedScores) -> IntArray:
    """The rows scored for both systems that have different references."""
    if not all("reference_checksum" in scores.statistic_names for scores in (first, second)):
        return np.zeros(0, np.int64)
    checksums, scored = (
        [scores.statistics[:, scores.statistic_names.index(name)] for scores in (first, second)]
        for name in ("reference_checksum", "pairs")
    )
    return np.flatnonzero((checksums[0] != checksums[1]) & (scored[0] > 0) & (scored[1] > 0))


def _compare(
    sample: PairedSample, resamples: int, trials: int, level: float, seed: int
) -> dict[str, PairedComparison]:
    _check(level, resamples=resamples, trials=trials)
    random = np.random.default_rng(seed)
    first, second = (figures[0] for figures in sample.figures(sample.counts[None].astype(np.float64)))
    observed = first - second
    drawn = np.concatenate(
        [np.subtract(*sample.figures(weights)) for weights in _resamples(random, sample.counts, resamples)]
    )
    intervals = _intervals(drawn, level)
    p_bootstrap = _p_value(drawn - drawn.mean(axis=0), observed)
    exchanged = np.concatenate(
        [np.subtract(*sample.swapped(swaps)) for swaps in _coin_flips(random, sample.counts, trials)]
    )
    columns = first, second, intervals, p_bootstrap, _p_value(exchanged, observed)
    return {
        name: PairedComparison(float(a), float(b), interval, float(p), float(q))
        for name, a, b, interval, p, q in zip(sample.figure_names, *columns, strict=True)
    }


def _check(level: float, **numbers: int) -> None:
    checked_level(level)
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
            raise TypeError(f"{name} must be an integer, not {number!r}")
        if number < 1:
            raise ValueError(f"{name} must be 1 or more; it is {number}")


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
    for size in _portions(trials, len(counts)):
        if int(counts.sum()) == len(counts):
            yield random.integers(0, 2, (size, len(counts)), np.int8).astype(np.float64)
        else:
            yield random.binomial(counts, 0.5, (size, len(counts))).astype(np.float64)


def _portions(total: int, n_rows: int, least: int = 1) -> Iterator[int]:
    portion = max(least, _WEIGHTS_AT_ONCE // max(1, n_rows))
    for begin in range(0, total, portion):
        yield min(portion, total - begin)


def _intervals(figures: FloatArray, level: float) -> list[ConfidenceInterval]:
    tail = (1 - level) / 2
    lows, highs = np.quantile(figures, [tail, 1 - tail], axis=0)
    return [ConfidenceInterval(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _p_value(differences: FloatArray, observed: FloatArray) -> FloatArray:
    as_large = (np.abs(differences) >= np.abs(observed) - _TIE).sum(axis=0)
    p: FloatArray = (as_large + 1) / (len(differences) + 1)
    return np.where(np.isnan(observed), np.nan, p)
