"""Scoring of answers: predicted answers against gold ones, in any form, to `AnswerScores`."""

from __future__ import annotations

from math import isnan, prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.accuracy_f1 import AnswerScores, checked_weights
from cmexam_baseline.metrics.answer_codes import NO_ANSWER, UNKNOWN, Answers, encode_answers, warn_of_labels
from cmexam_baseline.metrics.array_types import BoolArray, FloatArray

_MOST_CELLS = 1 << 22  # of a dense table of gold by predicted labels


def score_answers(
    gold: Answers,
    predicted: Answers,
    *,
    kind: str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    zero_division: float = 0.0,
) -> AnswerScores:
    """Compare n predicted answers with n gold answers; all scores at once.

    Each side is a list or array of strings such as "ABD" with None for no answer, read as a file's cells are
    ("BA" and "a, b" are "AB"), or an array of bit masks (A is the lowest bit, 0 is no answer); both sides may
    differ in form. `kind` says how integers are read, "masks" or "indices", or that strings are "labels",
    compared as they are. `sample_weight` of shape (n,) weights questions in accuracy, precision, recall and F1.
    `zero_division` (0, 1 or nan) is the value of an undefined precision or recall, as in scikit-learn.

    Raises `ValueError` if lengths differ or integers can be read in both ways, `TypeError` for other answers and
    for sets, which have no order. Warns if all gold answers are letters and some predicted ones are not.

    >>> score_answers(np.array([1, 11], np.uint16), ["A", "AB"]).weighted
    Average(precision=0.5, recall=0.5, f1=0.5)
    >>> score_answers(["A", "B"], [0, 0], kind="indices").accuracy
    0.5
    """
    if not (zero_division in (0, 1) or (isinstance(zero_division, float) and isnan(zero_division))):
        raise ValueError(f"zero_division must be 0, 1 or nan, not {zero_division!r}")
    table = _CountedAnswers(gold, (predicted,), kind)
    counts = cast("dict[tuple[str, str], int]", table.counts())
    weights = None
    if sample_weight is not None:
        checked = checked_weights(sample_weight, len(table.cells), "sample_weight")
        of_pairs = table.sums(checked)
        weights = {pair: of_pairs[pair] for pair in counts}
    return AnswerScores(counts, weights, float(zero_division), table.correct())


def accuracy(
    gold: Answers, predicted: Answers, *, kind: str | None = None, sample_weight: npt.ArrayLike | None = None
) -> float:
    """The share of questions whose predicted answer is the gold answer; see `score_answers`.

    >>> accuracy(["A", "ABD", "C"], ["A", "ABD", None])
    0.6666666666666666
    """
    return score_answers(gold, predicted, kind=kind, sample_weight=sample_weight).accuracy


def weighted_f1(
    gold: Answers,
    predicted: Answers,
    *,
    kind: str | None = None,
    sample_weight: npt.ArrayLike | None = None,
    zero_division: float = 0.0,
) -> float:
    """F1 of whole answers, averaged by support, as scikit-learn's `average="weighted"`; see `score_answers`.

    >>> weighted_f1(["A", "ABD", "C"], ["A", "ABD", None])
    0.6666666666666666
    """
    scores = score_answers(
        gold, predicted, kind=kind, sample_weight=sample_weight, zero_division=zero_division
    )
    return scores.weighted.f1


def count_answers(gold: Answers, *systems: Answers, kind: str | None = None) -> dict[tuple[str, ...], int]:
    """The number of questions with each combination of a gold and each system's predicted answer, sorted.

    Takes and raises what `score_answers` does.

    >>> count_answers(["A", "B", "B"], ["A", "B", "B"], ["A", None, None])
    {('A', 'A', 'A'): 1, ('B', 'B', ''): 2}
    """
    return _CountedAnswers(gold, systems, kind).counts()


class _CountedAnswers:
    """Each question's combination of gold and predicted answers, as the number of a cell of a table."""

    def __init__(self, gold: Answers, systems: tuple[Answers, ...], kind: str | None) -> None:
        names = ["predicted"] if len(systems) == 1 else [f"predicted {i + 1}" for i in range(len(systems))]
        codes, labels = encode_answers(gold, "gold", kind)
        self.cells = codes
        self._columns = [[UNKNOWN if label == NO_ANSWER else label for label in labels]]
        for name, system in zip(names, systems, strict=True):
            codes, labels = encode_answers(system, name, kind)
            if len(codes) != len(self.cells):
                raise ValueError(
                    f"gold has {len(self.cells)} answers and {name} has {len(codes)}; give one for each question"
                )
            if kind != "labels":
                warn_of_labels([label for label in self._columns[0] if label != UNKNOWN], labels, name)
            # A prediction of this text is not right where the gold answer is unknown.
            self._columns.append([f"{label} " if label == UNKNOWN else label for label in labels])
            self.cells = self.cells * max(len(labels), 1) + codes
        self._shape = [max(len(labels), 1) for labels in self._columns]

    def _sums(self, weights: FloatArray | None) -> dict[tuple[str, ...], Any]:
        n_cells = prod(self._shape)
        if n_cells <= _MOST_CELLS:
            numbers = np.bincount(self.cells, minlength=n_cells)
            used = np.flatnonzero(numbers)
            sums = (numbers if weights is None else np.bincount(self.cells, weights, n_cells))[used]
        else:
            used, of_question, numbers = np.unique(self.cells, return_inverse=True, return_counts=True)
            sums = numbers if weights is None else np.bincount(of_question, weights, len(used))
        places = np.unravel_index(used, self._shape)
        columns = [
            map(labels.__getitem__, place.tolist())
            for labels, place in zip(self._columns, places, strict=True)
        ]
        combinations = list(zip(*columns, strict=True))
        found: dict[tuple[str, ...], Any] = dict(zip(combinations, sums.tolist(), strict=True))
        if len(found) < len(combinations):  # several codes have one label
            found = dict.fromkeys(found, 0)
            for combination, number in zip(combinations, sums.tolist(), strict=True):
                found[combination] += number
        return found

    def counts(self) -> dict[tuple[str, ...], int]:
        return dict(sorted(self._sums(None).items()))

    def sums(self, weights: FloatArray) -> dict[tuple[str, ...], float]:
        return self._sums(weights)

    def correct(self) -> BoolArray:
        """Whether the first system is right, for each question."""
        gold, predicted = np.divmod(self.cells, self._shape[1])
        code_of = dict(zip(self._columns[0], range(len(self._columns[0])), strict=True))
        of_gold = np.array([code_of[label] for label in self._columns[0]], np.int64)
        of_predicted = np.array([code_of.get(label, -1) for label in self._columns[1]], np.int64)
        if not len(self.cells):
            return np.zeros(0, np.bool_)
        right: BoolArray = of_gold.take(gold) == of_predicted.take(predicted)
        return right
