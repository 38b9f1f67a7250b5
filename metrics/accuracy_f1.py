"""Accuracy, precision, recall and F1 (weighted, macro, micro) of whole answers and of letters, from one table of counts.

A class is a whole answer: "ABD" is one label. No answer - None, NaN, "" or the bit mask 0 - is a predicted class
of its own, written "", that is the gold answer of no question. So it is counted and it is wrong: it lowers
accuracy and the recall of the gold classes. In the weighted average its weight is its support, 0; in the macro
average it is a class with F1 0 if it occurs. scikit-learn treats such a label the same way. A missing gold answer
is a class as well, "(unknown)": its questions are counted, and no prediction is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isnan, nan
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.answer_codes import (
    LETTERS,
    NO_ANSWER,
    UNKNOWN,
    Answers,
    label_numbers,
    sums_by_labels,
)
from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.lazy_names import package_version
from cmexam_baseline.metrics.precision_recall_f1 import (
    Average,
    LabelScore,
    checked_weights,
    checked_zero_division,
    label_figures,
    label_sums,
)
from cmexam_baseline.metrics.signature import AnswerSignature, parse_answer_signature

_MOST_LABELS = 4096  # of a confusion matrix


@dataclass(frozen=True)
class AnswerScores:
    """All scores of answers, from `counts`: the number of questions with each pair of gold and predicted answer.

    `weights` are the sums of sample weights of the same pairs, if there are any. Fractions as in scikit-learn;
    nan without questions. `a + b` scores the questions of both together, exactly.

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

    @property
    def accuracy(self) -> float:
        """The share of questions whose predicted answer is the gold answer: the sets match exactly."""
        return self._figures[0]

    @cached_property
    def jaccard(self) -> float:
        """Partial credit: the mean over questions of letters in common over letters in either answer.

        >>> score_answers(["ABD", "C"], ["AB", "C"]).jaccard
        0.8333333333333333
        """
        _, gold, predicted, mass = self._table
        gold_letters, predicted_letters = self._letters[gold], self._letters[predicted]
        common = np.bitwise_count(gold_letters & predicted_letters)
        either = np.bitwise_count(gold_letters | predicted_letters)
        total = mass.sum()
        return float((mass * common / np.maximum(either, 1)).sum() / total) if total else nan

    @property
    def letter_f1(self) -> float:
        """Partial credit: F1 of the letters of all questions together (micro average).

        >>> score_answers(["ABD", "C"], ["AB", "C"]).letter_f1
        0.8571428571428571
        """
        letters = self.per_letter.values()
        total = sum(letter.support + letter.n_predicted for letter in letters)
        both = sum(letter.n_correct for letter in letters)
        return 2 * both / total if total else (0.0 if self.n else nan)

    @cached_property
    def _table(self) -> tuple[list[str], IntArray, IntArray, FloatArray]:
        """The labels, and for each pair of `counts` the places of both labels and its mass."""
        number_of: dict[str, int] = {}
        places = [number_of.setdefault(label, len(number_of)) for pair in self.counts for label in pair]
        gold, predicted = np.array(places, np.int64).reshape(-1, 2).T
        return list(number_of), gold, predicted, np.fromiter(self._mass.values(), np.float64)

    @cached_property
    def _letters(self) -> IntArray:
        """For each label its letters as a bit mask, 0 for a label that is no set of letters."""
        bits = {letter: 1 << bit for bit, letter in enumerate(LETTERS)}
        letters = map(set, self._table[0])
        masks = (sum(bits[letter] for letter in each) if each <= bits.keys() else 0 for each in letters)
        return np.fromiter(masks, np.int64)

    @cached_property
    def _by_class(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Support, number of predictions and of correct ones of each label."""
        labels, gold, predicted, mass = self._table
        return label_sums(gold, predicted, mass, len(labels))

    def _label_scores(self, labels: Any, sums: Any) -> dict[str, LabelScore]:
        columns = [values if self.weights is not None else values.astype(np.int64) for values in sums]
        rows = zip(labels, *(column.tolist() for column in columns), strict=True)
        n = sum(self._mass.values())
        return {label: LabelScore(n, a, b, c, self.zero_division) for label, a, b, c in sorted(rows)}

    @cached_property
    def per_class(self) -> dict[str, LabelScore]:
        """The score of each whole answer that is gold or predicted anywhere, sorted."""
        return self._label_scores(self._table[0], self._by_class)

    @cached_property
    def per_letter(self) -> dict[str, LabelScore]:
        """The score of each letter: for every question, whether the letter is in its answer."""
        _, gold, predicted, mass = self._table
        masks = self._letters[gold], self._letters[predicted]
        bits = np.arange(len(LETTERS))
        sums = [mass @ (side[:, None] >> bits & 1) for side in (*masks, masks[0] & masks[1])]
        scores = self._label_scores(LETTERS, sums)
        return {letter: score for letter, score in scores.items() if score.support or score.n_predicted}

    @cached_property
    def _figures(self) -> list[float]:
        """`ANSWER_FIGURES`; every class that occurs counts in the macro average, also with weight 0."""
        found: list[float] = label_figures(
            *self._by_class, np.ones(len(self._table[0])), self.zero_division
        ).tolist()
        return found

    @property
    def weighted(self) -> Average:
        """The classes' scores averaged by their support; the F1 is what CMExam's paper calls F1."""
        return Average(*self._figures[1:4])

    @property
    def macro(self) -> Average:
        """The unweighted mean of the classes' scores, over every class that is gold or predicted anywhere."""
        return Average(*self._figures[4:])

    @property
    def micro(self) -> Average:
        """The scores of all counts together: each equals accuracy, for every question has one class."""
        return Average(self.accuracy, self.accuracy, self.accuracy)

    def confusion_matrix(self) -> tuple[list[str], npt.NDArray[Any]]:
        """The labels, and a table of counts: a row for each gold label, a column for each predicted one.

        Raises `ValueError` for more than 4,096 labels.

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
        order = sorted(range(len(labels)), key=labels.__getitem__)
        return sorted(labels), table[np.ix_(order, order)]

    def report(self, digits: int = 2) -> str:
        """A table of precision, recall, F1 and support, as scikit-learn's `classification_report` prints it.

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

        def line(name: str, scores: LabelScore | Average, support: float) -> str:
            numbers = (scores.precision, scores.recall, scores.f1)
            return f"{name:>{width}} {''.join(f' {part:>9.{digits}f}' for part in numbers)} {support:>9}"

        headings = ("precision", "recall", "f1-score", "support")
        lines = [f"{'':>{width}} " + "".join(f" {heading:>9}" for heading in headings), ""]
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

        >>> scores = score_answers(["A", "B"], ["A", None])
        >>> AnswerScores.from_dict(scores.to_dict()) == scores
        True
        """
        counts: dict[tuple[str, str], int] = {}
        masses = None
        try:
            for gold, predicted, count in stored["counts"]:
                if not (isinstance(gold, str) and isinstance(predicted, str)) or (gold, predicted) in counts:
                    raise ValueError(f"{gold!r} and {predicted!r} are no pair of labels that occurs once")
                if gold == NO_ANSWER or predicted == UNKNOWN or type(count) is not int or count < 1:
                    raise ValueError(f"{gold!r} and {predicted!r} cannot have the count {count!r}")
                counts[gold, predicted] = count
            if stored.get("weights") is not None:
                values = checked_weights(stored["weights"], len(counts), "weights")
                masses = dict(zip(counts, values.tolist(), strict=True))
            signature = parse_answer_signature(stored["signature"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not scores of answers: {error}") from error
        return cls(counts, masses, signature.zero_division)

    @property
    def signature(self) -> str:
        """The definition of these figures, in one line that `parse_answer_signature` reads."""
        is_weighted = self.weights is not None
        numbers = self.n, self.n_unanswered
        return str(AnswerSignature(*numbers, package_version(), is_weighted, self.zero_division))


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
    undefined = checked_zero_division(zero_division)
    labels, columns = label_numbers(gold, (predicted,), kind)
    counts = cast("dict[tuple[str, str], int]", sums_by_labels(labels, columns))
    weights = None
    if sample_weight is not None:
        checked = checked_weights(sample_weight, len(columns[0]), "sample_weight")
        weights = cast("dict[tuple[str, str], float]", sums_by_labels(labels, columns, checked))
    return AnswerScores(counts, weights, undefined, columns[0] == columns[1])


def accuracy(
    gold: Answers, predicted: Answers, *, kind: str | None = None, sample_weight: npt.ArrayLike | None = None
) -> float:
    """The share of questions whose predicted answer is the gold answer; see `score_answers`.

    >>> accuracy(["A", "ABD", "C"], ["A", "ABD", None])
    0.6666666666666666
    """
    return _figures_alone(gold, predicted, kind, sample_weight, 0.0)[0]


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
    return _figures_alone(gold, predicted, kind, sample_weight, zero_division)[3]


def _figures_alone(
    gold: Answers,
    predicted: Answers,
    kind: str | None,
    sample_weight: npt.ArrayLike | None,
    zero_division: float,
) -> list[float]:
    """`ANSWER_FIGURES` without the table of pairs, which takes longer where labels are many."""
    undefined = checked_zero_division(zero_division)
    labels, columns = label_numbers(gold, (predicted,), kind)
    n = len(columns[0])
    mass = np.ones(n) if sample_weight is None else checked_weights(sample_weight, n, "sample_weight")
    occurs = np.bincount(np.concatenate(columns), minlength=len(labels)) > 0
    sums = label_sums(columns[0], columns[1], mass, len(labels))
    figures: list[float] = label_figures(*sums, occurs.astype(np.float64), undefined).tolist()
    return figures
