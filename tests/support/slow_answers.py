"""Scores of answers by the book, one question at a time."""

from __future__ import annotations

from collections.abc import Sequence

Answer = str | None


def slow_average(labels: Sequence[tuple[float, float, float, float]]) -> tuple[float, float, float]:
    """Weight, precision, recall and F1 of each label to the weighted means of the last three."""
    total = sum(weight for weight, *_ in labels)
    means = [sum(label[0] * label[part] for label in labels) / total for part in (1, 2, 3)]
    return means[0], means[1], means[2]


def slow_label(gold: Sequence[bool], predicted: Sequence[bool]) -> tuple[float, float, float, int]:
    """Precision, recall, F1 and support of one label that each question has or has not."""
    both = sum(a and b for a, b in zip(gold, predicted, strict=True))
    precision = both / sum(predicted) if any(predicted) else 0.0
    recall = both / sum(gold) if any(gold) else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return precision, recall, f1, sum(gold)


def slow_figures(gold: Sequence[Answer], predicted: Sequence[Answer]) -> dict[str, float]:
    """All that a bootstrap of answers resamples; no answer is the class "", an unknown one another."""
    gold = [answer or "unknown" for answer in gold]
    predicted = [answer or "" for answer in predicted]
    labels = []
    for label in {*gold, *predicted}:
        score = slow_label([answer == label for answer in gold], [answer == label for answer in predicted])
        labels.append((score[3], *score[:3]))
    weighted, macro = slow_average(labels), slow_average([(1, *label[1:]) for label in labels])
    figures = {"accuracy": sum(a == b for a, b in zip(gold, predicted, strict=True)) / len(gold)}
    for name, means in (("weighted", weighted), ("macro", macro)):
        for part, mean in zip(("precision", "recall", "f1"), means, strict=True):
            figures[f"{name}_{part}"] = mean
    return figures
