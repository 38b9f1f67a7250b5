"""Scores of answers: accuracy, precision, recall and F1 of whole answers and of letters, from one table of counts.

A class is a whole answer: "ABD" is one label. No answer - None, NaN, "" or the bit mask 0 - is a predicted class
of its own, written "", that is the gold answer of no question. So it is counted and it is wrong: it lowers
accuracy and the recall of the gold classes. In the weighted average its weight is its support, 0; in the macro
average it is a class with F1 0 if it occurs. scikit-learn treats such a label the same way. A missing gold answer
is a class as well, "(unknown)": its questions are counted, and no prediction is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.answer_codes import LETTERS, NO_ANSWER, UNKNOWN
from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.label_scores import Average, LabelScore
from cmexam_baseline.metrics.signature import AnswerSignature, package_version, parse_answer_signature

_MOST_LABELS = 4096  # of a confusion matrix
_HEADINGS = ("precision", "recall", "f1-score", "support")


@dataclass(frozen=True)
class AnswerScores:
    """All scores of answers, from `counts`: the number of questions with each pair of gold and predicted answer.

    `weights` are the sums of sample weights of the same pairs, if there are any. Fractions as in scikit-learn;
    nan without questions. `a + b` scores the questions of both together, exactly.

    >>> from cmexam_baseline.metrics import score_answers
    >>> scores = score_answers(["A", "B", "ABD", "C"], ["A", "C", "ABD", None])
    >>> scores.n, scores.n_correct, scores.n_unanswered, scores.accuracy, scores.correct.tolist()
    (4, 2, 1, 0.5, [True, False, True, False])
    >>> scores.per_class["B"].recall, scores.per_letter["B"].recall, scores.per_letter["B"].confusion
    (0.0, 0.5, ((2, 0), (1, 1)))
    >>> (scores + scores).n_correct
    4
    """

    counts: Mapping[tuple[str, str], int]
    weights: Mapping[tuple[str, str], float] | None = None
    zero_division: float = 0.0
    _correct: BoolArray | None = field(default=None, repr=False, compare=False)

    def __add__(self, other: AnswerScores) -> AnswerScores:
        if not isinstance(other, AnswerScores):
            return NotImplemented
        settings = self.zero_division, other.zero_division
        if settings[0] != settings[1] and not all(map(isnan, settings)):
            raise ValueError(f"scores with zero_division={settings[0]} and {settings[1]} cannot be added")
        counts = dict(sorted((Counter(self.counts) + Counter(other.counts)).items()))
        weights = None
        if self.weights is not None or other.weights is not None:
            weights = {pair: self._mass.get(pair, 0) + other._mass.get(pair, 0) for pair in counts}
        correct = None
        if self._correct is not None and other._correct is not None:
            correct = np.concatenate([self._correct, other._correct])
        return AnswerScores(counts, weights, self.zero_division, correct)

    def __radd__(self, other: object) -> AnswerScores:
        # `sum(parts)` begins with 0.
        return self if other == 0 else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self.counts.items()))

    @property
    def _mass(self) -> Mapping[tuple[str, str], float]:
        return self.counts if self.weights is None else self.weights

    @cached_property
    def n(self) -> int:
        """The number of questions."""
        return sum(self.counts.values())

    @cached_property
    def n_correct(self) -> int:
        """The number of questions whose predicted answer is the gold answer."""
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
    def correct(self) -> BoolArray:
        """For each question whether it is answered correctly, of shape (n,), in the order of the input.

        Raises `ValueError` for scores that `from_dict` has read, which are counts alone.
        """
        if self._correct is None:
            raise ValueError("these scores are counts alone; score the answers again for single questions")
        return self._correct

    @cached_property
    def accuracy(self) -> float:
        """The share of questions whose predicted answer is the gold answer: the sets match exactly."""
        return self._mean(lambda gold, predicted: gold == predicted)

    @cached_property
    def jaccard(self) -> float:
        """Partial credit: the mean over questions of letters in common over letters in either answer.

        >>> from cmexam_baseline.metrics import score_answers

        >>> score_answers(["ABD", "C"], ["AB", "C"]).jaccard
        0.8333333333333333
        """
        return self._mean(lambda gold, predicted: _share(gold & predicted, gold | predicted), _letters)

    @property
    def letter_f1(self) -> float:
        """Partial credit: F1 of the letters of all questions together (micro average).

        >>> from cmexam_baseline.metrics import score_answers

        >>> score_answers(["ABD", "C"], ["AB", "C"]).letter_f1
        0.8571428571428571
        """
        letters = self.per_letter.values()
        total = sum(letter.support + letter.n_predicted for letter in letters)
        both = sum(letter.n_correct for letter in letters)
        return 2 * both / total if total else (0.0 if self.n else nan)

    def _mean(
        self, credit: Callable[[Any, Any], float], of: Callable[[str], Any] = lambda answer: answer
    ) -> float:
        total = sum(self._mass.values())
        earned = sum(mass * credit(of(gold), of(predicted)) for (gold, predicted), mass in self._mass.items())
        return earned / total if total else nan

    @cached_property
    def _table(self) -> tuple[list[str], IntArray, IntArray, FloatArray]:
        """The sorted labels, and for each pair of `counts` the codes of both labels and its mass."""
        sides = list(zip(*self.counts, strict=True)) or [(), ()]
        labels = sorted({*sides[0], *sides[1]})
        code_of = dict(zip(labels, range(len(labels)), strict=True))
        n = len(self.counts)
        gold, predicted = (np.fromiter(map(code_of.__getitem__, side), np.int64, n) for side in sides)
        return labels, gold, predicted, np.fromiter(self._mass.values(), np.float64, n)

    @cached_property
    def _by_class(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Support, number of predictions and of correct ones of each label."""
        labels, gold, predicted, mass = self._table
        right = gold == predicted
        return (
            _sums(gold, mass, len(labels)),
            _sums(predicted, mass, len(labels)),
            _sums(gold[right], mass[right], len(labels)),
        )

    @cached_property
    def per_class(self) -> dict[str, LabelScore]:
        """The score of each whole answer that is gold or predicted anywhere, sorted."""
        columns = [self._whole(values) for values in self._by_class]
        n = sum(self._mass.values())
        rows = zip(self._table[0], *columns, strict=True)
        return {label: LabelScore(n, a, b, c, self.zero_division) for label, a, b, c in rows}

    @cached_property
    def per_letter(self) -> dict[str, LabelScore]:
        """The score of each letter: for every question, whether the letter is in its answer."""
        sums = np.zeros((3, len(LETTERS)))
        for (gold, predicted), mass in self._mass.items():
            in_gold, in_predicted = _letters(gold), _letters(predicted)
            for row, letters in enumerate((in_gold, in_predicted, in_gold & in_predicted)):
                sums[row, [LETTERS.index(letter) for letter in letters]] += mass
        n = sum(self._mass.values())
        return {
            letter: LabelScore(n, a, b, c, self.zero_division)
            for letter, a, b, c in zip(LETTERS, *map(self._whole, sums), strict=True)
            if a or b
        }

    def _whole(self, values: FloatArray) -> list[Any]:
        """Counts as integers, sums of weights as they are."""
        found: list[Any] = (values if self.weights is not None else values.astype(np.int64)).tolist()
        return found

    @cached_property
    def weighted(self) -> Average:
        """The classes' scores averaged by their support; the F1 is what CMExam's paper calls F1."""
        return self._average(self._by_class[0])

    @cached_property
    def macro(self) -> Average:
        """The unweighted mean of the classes' scores, over every class that is gold or predicted anywhere."""
        return self._average(np.ones(len(self._table[0])))

    @cached_property
    def micro(self) -> Average:
        """The scores of all counts together: each equals accuracy, for every question has one class."""
        return Average(self.accuracy, self.accuracy, self.accuracy)

    def _average(self, weights: FloatArray) -> Average:
        support, n_predicted, n_correct = self._by_class
        parts = ((n_correct, n_predicted), (n_correct, support), (2 * n_correct, support + n_predicted))
        return Average(*(_weighted_mean(_ratio(*part, self.zero_division), weights) for part in parts))

    def confusion_matrix(self) -> tuple[list[str], npt.NDArray[Any]]:
        """The labels, and a table of counts: a row for each gold label, a column for each predicted one.

        Raises `ValueError` for more than 4,096 labels.

        >>> from cmexam_baseline.metrics import score_answers

        >>> labels, table = score_answers(["A", "B", "AB"], ["A", "AB", None]).confusion_matrix()
        >>> labels
        ['', 'A', 'AB', 'B']
        >>> table.tolist()
        [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
        """
        labels, gold, predicted, mass = self._table
        if len(labels) > _MOST_LABELS:
            raise ValueError(
                f"a confusion matrix of {len(labels):,} labels is too large; `counts` has the pairs that occur"
            )
        table = np.zeros((len(labels), len(labels)), np.int64 if self.weights is None else np.float64)
        table[gold, predicted] = mass
        return labels, table

    def report(self, digits: int = 2) -> str:
        """A table of precision, recall, F1 and support, as scikit-learn's `classification_report` prints it.

        >>> from cmexam_baseline.metrics import score_answers

        >>> print(score_answers(["A", "B", "B"], ["A", "B", None]).report())
                      precision    recall  f1-score   support
        <BLANKLINE>
           no answer       0.00      0.00      0.00         0
                   A       1.00      1.00      1.00         1
                   B       1.00      0.50      0.67         2
        <BLANKLINE>
            accuracy                           0.67         3
           macro avg       0.67      0.50      0.56         3
        weighted avg       1.00      0.67      0.78         3
        <BLANKLINE>
        """
        total: Any = sum(self._mass.values())
        rows = {label or "no answer": score for label, score in self.per_class.items()}
        width = max(len(name) for name in (*rows, "weighted avg"))
        lines = [f"{'':>{width}} " + "".join(f" {heading:>9}" for heading in _HEADINGS), ""]

        def line(name: str, scores: LabelScore | Average, support: float) -> str:
            numbers = "".join(
                f" {part:>9.{digits}f}" for part in (scores.precision, scores.recall, scores.f1)
            )
            return f"{name:>{width}} {numbers} {support:>9}"

        lines += [line(name, score, score.support) for name, score in rows.items()]
        lines += ["", f"{'accuracy':>{width}} {'':>20} {self.accuracy:>9.{digits}f} {total:>9}"]
        lines += [line("macro avg", self.macro, total), line("weighted avg", self.weighted, total), ""]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The main figures and all counts, for JSON; `from_dict` reads the counts."""
        content = {
            "n": self.n,
            "n_correct": self.n_correct,
            "n_unanswered": self.n_unanswered,
            "accuracy": self.accuracy,
            "weighted": asdict(self.weighted),
            "macro": asdict(self.macro),
            "jaccard": self.jaccard,
            "letter_f1": self.letter_f1,
            "counts": [[*pair, count] for pair, count in self.counts.items()],
            "signature": self.signature,
        }
        if self.weights is not None:
            content["weights"] = list(self.weights.values())
        return content

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> AnswerScores:
        """The scores that `to_dict` wrote. Raises `ValueError` for anything else.

        >>> from cmexam_baseline.metrics import score_answers
        >>> scores = score_answers(["A", "B"], ["A", None])
        >>> AnswerScores.from_dict(scores.to_dict()) == scores
        True
        """
        try:
            rows = [(gold, predicted, count) for gold, predicted, count in stored["counts"]]
            weights = stored.get("weights")
            signature = parse_answer_signature(stored["signature"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not scores of answers: {error}") from error
        counts = {(gold, predicted): count for gold, predicted, count in rows}
        for pair, count in counts.items():
            if (
                not all(isinstance(label, str) for label in pair)
                or pair[0] == NO_ANSWER
                or pair[1] == UNKNOWN
            ):
                raise ValueError(f"not scores of answers: {pair} is no pair of a gold and a predicted answer")
            if type(count) is not int or count < 1:
                raise ValueError(
                    f"not scores of answers: {pair} has the count {count!r}; it must be 1 or more"
                )
        if len(counts) < len(rows):
            raise ValueError("not scores of answers: a pair has two counts")
        if weights is None:
            return cls(counts, None, signature.zero_division)
        masses = dict(zip(counts, checked_weights(weights, len(counts), "weights").tolist(), strict=True))
        return cls(counts, masses, signature.zero_division)

    @property
    def signature(self) -> str:
        """The definition of these figures, in one line that `parse_answer_signature` reads."""
        return str(
            AnswerSignature(
                self.n, self.n_unanswered, package_version(), self.weights is not None, self.zero_division
            )
        )


def checked_weights(weights: npt.ArrayLike, n: int, name: str) -> FloatArray:
    values = np.asarray(weights)
    if values.shape != (n,) or values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be {n} numbers, one per question")
    values = values.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {values[wrong[0]]}; a weight is finite and 0 or more")
    return values


def _sums(codes: IntArray, mass: FloatArray, n_codes: int) -> FloatArray:
    return np.bincount(codes, mass, n_codes).astype(np.float64, copy=False)


def _letters(answer: str) -> frozenset[str]:
    """The letters of a set of letters, nothing of another label."""
    letters = frozenset(answer)
    return letters if letters.issubset(LETTERS) else frozenset()


def _share(part: frozenset[str], whole: frozenset[str]) -> float:
    return len(part) / len(whole) if whole else 0.0


def _ratio(part: FloatArray, whole: FloatArray, undefined: float) -> FloatArray:
    return np.divide(part, whole, out=np.full(len(part), undefined, np.float64), where=whole > 0)


def _weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """The mean of the values that are defined, unweighted if their weights add up to 0, as in scikit-learn."""
    defined = ~np.isnan(values)
    if not defined.any():
        return nan
    total = float(weights[defined].sum())
    return float((values[defined] * weights[defined]).sum() / total if total else values[defined].mean())
