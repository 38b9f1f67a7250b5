"""Groups of questions that deserve a figure of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.stem_wording import is_negated

MOST_VALUES = 100
# Upper bounds (characters, inclusive) of the length groups; half of CMExam's stems have up to 18 characters.
LENGTH_BOUNDS = (10, 20, 40, 80)


@dataclass(frozen=True)
class Slice:
    """The questions that share one value of one property.

    by:    the property ("Difficulty level", "answer size", …)
    value: its value ("3", "multi", …)
    rows:  int64 row numbers (0-based) of the exam
    """

    by: str
    value: str
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


OVERLAP = "overlap with training"
# The value of `OVERLAP` for questions that overlap with no training question.
NO_OVERLAP = "none"


def _properties(exam: Exam) -> dict[str, list[str]]:
    """What every exam tells of its questions: name -> n values."""
    names = [f"{low + 1}–{high}" for low, high in pairwise((0, *LENGTH_BOUNDS))] + [
        f"{LENGTH_BOUNDS[-1] + 1}+"
    ]
    lengths = np.searchsorted(LENGTH_BOUNDS, [len(stem) for stem in exam.questions])
    return {
        "answer size": np.where(exam.is_multi, "multi", "single").tolist(),
        "negation": np.where(is_negated(exam.questions), "negated", "plain").tolist(),
        "option count": list(map(str, exam.n_options.tolist())),
        "question length": [names[group] for group in lengths.tolist()],
    }


def slice_exam(
    exam: Exam,
    columns: Iterable[str] = (),
    overlap: Iterable[str] | None = None,
    others: Mapping[str, Sequence[str]] | None = None,
) -> list[Slice]:
    """All slices of an exam: by every annotation, by its own properties, by overlap with training questions.

    columns: annotations or keys of `others` to slice by in any case
    overlap: n values of `Overlap.category`; left out where None
    others:  name -> n values that the exam itself does not hold

    Slices of one property are adjacent, in the order of their values. A property that divides nothing, or
    an annotation with more than `MOST_VALUES` values (an id, say), is left out unless it is named. Raises
    `InputError` for a column that the exam lacks.

    >>> from cmexam_baseline.exam import Question
    >>> easy = Question("q1", "不属于抗生素的是", ("青霉素", "阿司匹林"), "B", annotations={"Level": "1"})
    >>> hard = Question("q2", "属于抗生素的有", ("青霉素", "头孢拉定"), "AB", annotations={"Level": "5"})
    >>> [(part.by, part.value, len(part)) for part in slice_exam(Exam.from_questions([easy, hard]))][:3]
    [('Level', '1', 1), ('Level', '5', 1), ('answer size', 'multi', 1)]
    """
    named = [*columns, OVERLAP]
    there = {**(others or {}), **exam.annotations}
    for column in named[:-1]:
        if column not in there:
            names = ", ".join(there) or "none"
            raise InputError(f"the exam has no column {column!r} to slice by; its annotations are: {names}")
    values_by: dict[str, Sequence[str]] = {
        name: values for name, values in there.items() if name in named or len(set(values)) <= MOST_VALUES
    }
    values_by |= _properties(exam)
    if overlap is not None:
        values_by[OVERLAP] = list(overlap)
    return [
        part
        for by, values in values_by.items()
        for part in _groups(by, values)
        if by in named or len(part) < len(exam)
    ]


def _groups(by: str, values: Sequence[str]) -> list[Slice]:
    names = sorted(set(values), key=_numbers_by_size)
    place_of = {value: place for place, value in enumerate(names)}
    places = np.fromiter(map(place_of.__getitem__, values), np.int64, len(values))
    ends = np.cumsum(np.bincount(places, minlength=len(names)))
    rows = np.split(np.argsort(places, kind="stable"), ends[:-1])
    return [Slice(by, value or "(empty)", found) for value, found in zip(names, rows, strict=True)]


def _numbers_by_size(value: str) -> tuple[int, str]:
    """Sorts "11–20" before "100+", and texts by themselves after numbers."""
    number = re.match(r"[0-9]{1,9}", value)
    return (int(number[0]) if number else 10**9, value)
