"""Precision, recall and F1 of one label, and their averages over labels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelScore:
    """Precision, recall and F1 of one label among `n` questions; `zero_division` where they are undefined.

    `support` is the number of questions that have the label, `n_predicted` of those for which it is predicted,
    `n_correct` of those in both. With sample weights all are sums of weights.
    """

    n: float
    support: float
    n_predicted: float
    n_correct: float
    zero_division: float = 0.0

    @property
    def precision(self) -> float:
        """The share of the predictions that is right."""
        return self.n_correct / self.n_predicted if self.n_predicted else self.zero_division

    @property
    def recall(self) -> float:
        """The share of the support that is found."""
        return self.n_correct / self.support if self.support else self.zero_division

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.support + self.n_predicted
        return 2 * self.n_correct / total if total else self.zero_division

    @property
    def confusion(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """`((in neither, only predicted), (only gold, in both))`, in scikit-learn's order."""
        only_predicted, only_gold = self.n_predicted - self.n_correct, self.support - self.n_correct
        neither = self.n - self.n_correct - only_predicted - only_gold
        return (neither, only_predicted), (only_gold, self.n_correct)


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1 averaged over classes: fractions, nan without questions."""

    precision: float
    recall: float
    f1: float
