"""Figures with their 95% intervals: Wilson's for shares, the bootstrap's for everything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """value, low and high, for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


def share(n_found: float, n: int) -> Interval:
    """A share of n questions with Wilson's interval; n must not be 0."""
    low, high = metrics.wilson_interval(round(n_found), n)
    return Interval(n_found / n, min(low, n_found / n), max(high, n_found / n))


def answer_intervals(scores: metrics.AnswerScores, resamples: int, random_state: int) -> dict[str, Interval]:
    """accuracy and unread_rate with Wilson's interval, weighted_f1 with the bootstrap's; fractions."""
    low, high = metrics.bootstrap(scores, resamples=resamples, seed=random_state)["weighted_f1"]
    return {
        "accuracy": share(scores.n_correct, scores.n),
        "weighted_f1": Interval(scores.weighted.f1, low, high),
        "unread_rate": share(scores.n_unanswered, scores.n),
    }


def sampled_intervals(
    gold: NDArray[np.uint16], samples: NDArray[np.uint16], resamples: int, random_state: int
) -> dict[str, Interval]:
    """`answer_intervals` of k replies a question, (questions, k): questions are drawn, each with all its replies.

    >>> gold = np.array([1, 2] * 20, np.uint16)
    >>> found = sampled_intervals(gold, np.stack([gold, gold * 0 + 1], axis=1), 100, 0)
    >>> found["accuracy"].value, found["accuracy"].low > 0.5
    (0.75, True)
    """
    random = np.random.default_rng(random_state)
    n = len(gold)
    right, unread = (samples == gold[:, None]).mean(axis=1), (samples == 0).mean(axis=1)
    figures = []
    for _ in range(resamples):
        drawn = random.integers(0, n, n)
        f1 = _weighted_f1(gold[drawn], samples[drawn])
        figures.append((right[drawn].mean(), f1, unread[drawn].mean()))
    low, high = np.quantile(np.array(figures), (0.025, 0.975), axis=0).tolist()
    values = (float(right.mean()), _weighted_f1(gold, samples), float(unread.mean()))
    names = ("accuracy", "weighted_f1", "unread_rate")
    return {
        name: Interval(*found) for name, found in zip(names, zip(values, low, high, strict=True), strict=True)
    }


def _weighted_f1(gold: NDArray[np.uint16], samples: NDArray[np.uint16]) -> float:
    k = samples.shape[1]
    support = np.bincount(gold, minlength=1024) * k
    right = np.bincount(np.repeat(gold, k)[(samples == gold[:, None]).ravel()], minlength=1024)
    predicted = np.bincount(samples.ravel(), minlength=1024)
    f1 = 2 * right / np.maximum(support + predicted, 1)
    return float((f1 * support).sum() / support.sum())


def explanation_intervals(
    scores: metrics.ExplanationScores, resamples: int, random_state: int
) -> dict[str, Interval]:
    """Every figure of BLEU and ROUGE, in percent, with the bootstrap's interval."""
    intervals = metrics.bootstrap(scores, resamples=resamples, seed=random_state)
    return {name: Interval(value, *intervals[name]) for name, value in scores.figures.items()}
