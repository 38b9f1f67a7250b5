"""Figures with their 95% intervals: Wilson's for shares, the bootstrap's for everything else."""

from __future__ import annotations

from dataclasses import dataclass

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


def share(n_found: int, n: int) -> Interval:
    """A share of n questions with Wilson's interval; n must not be 0."""
    low, high = metrics.wilson_interval(n_found, n)
    return Interval(n_found / n, low, high)


def answer_intervals(scores: metrics.AnswerScores, resamples: int, seed: int) -> dict[str, Interval]:
    """accuracy and unread_rate with Wilson's interval, weighted_f1 with the bootstrap's; fractions."""
    low, high = metrics.bootstrap(scores, resamples=resamples, seed=seed)["weighted_f1"]
    return {
        "accuracy": share(scores.n_correct, scores.n),
        "weighted_f1": Interval(scores.weighted.f1, low, high),
        "unread_rate": share(scores.n_unanswered, scores.n),
    }


def explanation_intervals(
    scores: metrics.ExplanationScores, resamples: int, seed: int
) -> dict[str, Interval]:
    """Every figure of BLEU and ROUGE, in percent, with the bootstrap's interval."""
    intervals = metrics.bootstrap(scores, resamples=resamples, seed=seed)
    return {name: Interval(value, *intervals[name]) for name, value in scores.figures.items()}
