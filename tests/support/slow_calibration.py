"""Scores of probabilities by the book, one question at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Question = tuple[int, list[float]]  # a bit mask of right options, and the probability of each option


def shares(probabilities: Sequence[float]) -> list[float]:
    """Probabilities divided by their sum; equal ones if all are 0."""
    total = sum(probabilities)
    return [p / total if total else 1 / len(probabilities) for p in probabilities]


def one_right(questions: Sequence[Question]) -> list[tuple[int, list[float]]]:
    """The place of the right option and the shares of each question with exactly one."""
    places = [[i for i in range(len(stated)) if mask >> i & 1] for mask, stated in questions]
    return [(right[0], shares(q[1])) for right, q in zip(places, questions, strict=True) if len(right) == 1]


def slow_probability_scores(questions: Sequence[Question]) -> dict[str, float]:
    """Every figure of `ProbabilityScores` that is one number, but for the calibration error."""
    choices = one_right(questions)
    options = [(p, mask >> i & 1) for mask, stated in questions if mask for i, p in enumerate(stated)]

    def loss(probability: float) -> float:
        return -math.log(max(probability, 2.0**-52))

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    return {
        "n": len(choices),
        "n_options": len(options),
        "log_loss": mean([loss(stated[right]) for right, stated in choices]),
        "brier": mean(
            [sum((p - (i == right)) ** 2 for i, p in enumerate(stated)) for right, stated in choices]
        ),
        "accuracy": mean([float(stated.index(max(stated)) == right) for right, stated in choices]),
        "option_log_loss": mean([loss(p if y else 1 - p) for p, y in options]),
        "option_brier": mean([(p - y) ** 2 for p, y in options]),
    }


def slow_calibration_error(
    confidence: Sequence[float], is_right: Sequence[bool], edges: list[float]
) -> float:
    """The mean over questions of their bin's gap between confidence and accuracy."""
    gap = 0.0
    for low, high in pairwise(edges):
        inside = [i for i, p in enumerate(confidence) if low < p <= high or p == low == 0]
        gap += abs(sum(confidence[i] - is_right[i] for i in inside))
    return gap / len(confidence) if confidence else math.nan


def slow_accuracy_at_coverage(confidence: Sequence[float], is_right: Sequence[bool], kept: int) -> float:
    """The expected accuracy of the `kept` most confident questions, if ties are broken by lot."""
    ranked = sorted(confidence, reverse=True)
    threshold = ranked[kept - 1]
    above = [right for p, right in zip(confidence, is_right, strict=True) if p > threshold]
    tied = [right for p, right in zip(confidence, is_right, strict=True) if p == threshold]
    return (sum(above) + (kept - len(above)) * sum(tied) / len(tied)) / kept
