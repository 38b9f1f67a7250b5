"""Scores of answers: accuracy, precision, recall and F1 of whole answers and of letters, from one table.

A class is a whole answer: "ABD" is one label, compared with the gold answer as it stands (the official
scorer compares letter strings and does not sort them). No answer - None, NaN, "" or the bit mask 0 - is a
predicted class of its own, written "", that is the gold answer of no question. So it is counted and it is
wrong: it lowers accuracy and the recall of the gold classes. In the weighted average its weight is its
support, 0; in the macro average it is a class with F1 0 if it occurs. That is what scikit-learn makes of
such a label. A gold answer that is missing is a class as well, "(unknown)": its questions are counted, and
no prediction is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from math import nan, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.answer_codes import NO_ANSWER, UNKNOWN, Answers, encode_answers
from cmexam_baseline.metrics.signature import AnswerSignature, package_version

_MOST_CELLS = 1 << 22  # of a dense table of gold by predicted labels


@dataclass(frozen=True)
class LabelScore:
    """How one label was found among `n` questions; precision, recall and F1 are 0 where they are undefined.

    `support` is the number of questions that have the label, `n_predicted` of those that it was predicted
    for, `n_correct` of those in both.
    """

    n: int
    support: int
    n_predicted: int
    n_correct: int

    @property
    def precision(self) -> float:
        """The share of the predictions that is right."""
        return _ratio(self.n_correct, self.n_predicted)

    @property
    def recall(self) -> float:
        """The share of the support that is found."""
        return _ratio(self.n_correct, self.support)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.n_correct, self.support + self.n_predicted)

    @property
    def confusion(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """`((in neither, only predicted), (only gold, in both))`, as scikit-learn orders it."""
        only_predicted, only_gold = self.n_predicted - self.n_correct, self.support - self.n_correct
        neither = self.n - self.n_correct - only_predicted - only_gold
        return (neither, only_predicted), (only_gold, self.n_correct)


@dataclass(frozen=True)
class Average:
    """Precision, recall and F1 averaged over classes: fractions, nan where there is no question."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class AnswerScores:
    """All scores of answers, from `counts`: how many questions have each pair of gold and predicted answer.

    Fractions as in scikit-learn; nan where there is no question. `a + b` scores the questions of both
    together, exactly.

    >>> scores = score_answers(["A", "B", "ABD", "C"], ["A", "C", "ABD", None])
    >>> scores.n, scores.n_correct, scores.n_unanswered, scores.accuracy
    (4, 2, 1, 0.5)
    >>> scores.per_class["B"].recall, scores.per_letter["B"].recall, scores.per_letter["B"].confusion
    (0.0, 0.5, ((2, 0), (1, 1)))
    >>> (scores + scores).n_correct
    4
    """

    counts: Mapping[tuple[str, str], int]

    def __add__(self, other: AnswerScores) -> AnswerScores:
        if not isinstance(other, AnswerScores):
            return NotImplemented
        return AnswerScores(dict(sorted((Counter(self.counts) + Counter(other.counts)).items())))

    def __radd__(self, other: object) -> AnswerScores:
        # What `sum(parts)` begins with.
        return self if other == 0 else NotImplemented

    @cached_property
    def n(self) -> int:
        """The number of questions."""
        return sum(self.counts.values())

    @cached_property
    def n_correct(self) -> int:
        """The number of questions whose predicted answer is the gold answer, letter for letter."""
        return sum(count for (gold, predicted), count in self.counts.items() if gold == predicted)

    @cached_property
    def n_unanswered(self) -> int:
        """The number of questions without a predicted answer; they are wrong."""
        return sum(count for (_, predicted), count in self.counts.items() if predicted == NO_ANSWER)

    @cached_property
    def n_unknown(self) -> int:
        """The number of questions without a gold answer; no prediction is right for them."""
        return sum(count for (gold, _), count in self.counts.items() if gold == UNKNOWN)

    @property
    def accuracy(self) -> float:
        """The share of questions whose predicted answer is the gold answer: the sets match exactly."""
        return self.n_correct / self.n if self.n else nan

    @cached_property
    def per_class(self) -> dict[str, LabelScore]:
        """The score of each whole answer that is gold or predicted anywhere, sorted."""
        return self._scores_of(lambda answer: (answer,))

    @cached_property
    def per_letter(self) -> dict[str, LabelScore]:
        """The score of each letter, as if every question asked of it alone whether it is in the answer."""
        return self._scores_of(lambda answer: () if answer == UNKNOWN else tuple(set(answer)))

    def _scores_of(self, labels_in: Callable[[str], tuple[str, ...]]) -> dict[str, LabelScore]:
        support: Counter[str] = Counter()
        n_predicted: Counter[str] = Counter()
        n_correct: Counter[str] = Counter()
        for (gold, predicted), count in self.counts.items():
            in_gold, in_predicted = labels_in(gold), labels_in(predicted)
            for label in in_gold:
                support[label] += count
            for label in in_predicted:
                n_predicted[label] += count
            for label in set(in_gold).intersection(in_predicted):
                n_correct[label] += count
        return {
            label: LabelScore(self.n, support[label], n_predicted[label], n_correct[label])
            for label in sorted(support.keys() | n_predicted.keys())
        }

    @cached_property
    def weighted(self) -> Average:
        """The classes' scores averaged by their support; the F1 is what CMExam's paper calls F1."""
        return self._average([score.support for score in self.per_class.values()])

    @cached_property
    def macro(self) -> Average:
        """The classes' scores averaged alike, over every class that is gold or predicted anywhere."""
        return self._average([1] * len(self.per_class))

    @cached_property
    def micro(self) -> Average:
        """The scores of all counts together: each equals accuracy, for every question has one class."""
        return Average(self.accuracy, self.accuracy, self.accuracy)

    def _average(self, weights: list[int]) -> Average:
        total = sum(weights)
        if not total:
            return Average(nan, nan, nan)
        weighted = list(zip(weights, self.per_class.values(), strict=True))
        return Average(
            precision=sum(weight * score.precision for weight, score in weighted) / total,
            recall=sum(weight * score.recall for weight, score in weighted) / total,
            f1=sum(weight * score.f1 for weight, score in weighted) / total,
        )

    def confusion_matrix(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """The labels, and a table of counts: a row for each gold label, a column for each predicted one.

        >>> labels, table = score_answers(["A", "B", "AB"], ["A", "AB", None]).confusion_matrix()
        >>> labels
        ['', 'A', 'AB', 'B']
        >>> table.tolist()
        [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
        """
        labels = list(self.per_class)
        place = {label: i for i, label in enumerate(labels)}
        table = np.zeros((len(labels), len(labels)), np.int64)
        for (gold, predicted), count in self.counts.items():
            table[place[gold], place[predicted]] = count
        return labels, table

    def to_dict(self) -> dict[str, Any]:
        """The main figures and all counts, for JSON; `from_dict` reads the counts."""
        return {
            "n": self.n,
            "n_correct": self.n_correct,
            "n_unanswered": self.n_unanswered,
            "accuracy": self.accuracy,
            "weighted": asdict(self.weighted),
            "macro": asdict(self.macro),
            "counts": [[gold, predicted, count] for (gold, predicted), count in self.counts.items()],
            "signature": self.signature,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> AnswerScores:
        """The scores that `to_dict` wrote.

        >>> scores = score_answers(["A", "B"], ["A", None])
        >>> AnswerScores.from_dict(scores.to_dict()) == scores
        True
        """
        return cls({(gold, predicted): count for gold, predicted, count in stored["counts"]})

    @property
    def signature(self) -> str:
        """What these figures mean, in one line that `parse_signature` reads."""
        return str(AnswerSignature(self.n, self.n_unanswered, package_version()))


def score_answers(gold: Answers, predicted: Answers) -> AnswerScores:
    """Compare n predicted answers with n gold answers; all scores at once.

    Each side is a list of strings such as "ABD" with None for no answer, an array of strings or objects, or
    an integer array of bit masks (A is the lowest bit, 0 is no answer); the two sides may differ in form.
    Raises `ValueError` if the lengths differ, `TypeError` if an answer is neither.

    >>> score_answers(np.array([1, 11], np.uint16), ["A", "AB"]).weighted
    Average(precision=0.5, recall=0.5, f1=0.5)
    """
    counts = count_answers(gold, predicted)
    return AnswerScores({(right, answer): n for (right, answer), n in counts.items()})


def accuracy(gold: Answers, predicted: Answers) -> float:
    """The share of questions whose predicted answer is the gold answer; see `score_answers`.

    >>> accuracy(["A", "ABD", "C"], ["A", "ABD", None])
    0.6666666666666666
    """
    return score_answers(gold, predicted).accuracy


def weighted_f1(gold: Answers, predicted: Answers) -> float:
    """F1 of whole answers, averaged by support, as scikit-learn's `average="weighted"`; see `score_answers`.

    >>> weighted_f1(["A", "ABD", "C"], ["A", "ABD", None])
    0.6666666666666666
    """
    return score_answers(gold, predicted).weighted.f1


def count_answers(gold: Answers, *systems: Answers) -> dict[tuple[str, ...], int]:
    """How many questions have each combination of a gold answer and each system's predicted answer, sorted.

    Takes and raises what `score_answers` does.

    >>> count_answers(["A", "B", "B"], ["A", "B", "B"], ["A", None, None])
    {('A', 'A', 'A'): 1, ('B', 'B', ''): 2}
    """
    names = ["predicted"] if len(systems) == 1 else [f"predicted {i + 1}" for i in range(len(systems))]
    codes, labels = encode_answers(gold, "gold")
    labels = [UNKNOWN if label == NO_ANSWER else label for label in labels]
    cells, columns = codes, [labels]
    for name, system in zip(names, systems, strict=True):
        codes, labels = encode_answers(system, name)
        if len(codes) != len(cells):
            raise ValueError(
                f"gold has {len(cells)} answers and {name} has {len(codes)}; give one for each question"
            )
        cells = cells * len(labels) + codes
        columns.append(labels)
    shape = [len(labels) for labels in columns]
    if prod(shape) <= _MOST_CELLS:
        per_cell = np.bincount(cells, minlength=prod(shape))
        used = np.flatnonzero(per_cell)
        numbers = per_cell[used]
    else:
        used, numbers = np.unique(cells, return_counts=True)
    # None, NaN and "" have codes of their own, but one label.
    counts: Counter[tuple[str, ...]] = Counter()
    for place, n in zip(np.transpose(np.unravel_index(used, shape)).tolist(), numbers.tolist(), strict=True):
        counts[tuple(column[code] for column, code in zip(columns, place, strict=True))] += n
    return dict(sorted(counts.items()))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
