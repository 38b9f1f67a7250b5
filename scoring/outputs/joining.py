"""Where the rows of a prediction file meet the questions of an exam."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import option_sets
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.normalise import normalise_texts

# A join by row number is believed only if this share of the stems agrees, where the file repeats the stems.
AGREEING_STEMS = 0.99


@dataclass(frozen=True)
class JoinKeys:
    """What a prediction file says about which question each of its n rows belongs to; None = not said.

    ids: n ids as written; questions: n stems; options: n lists of option texts
    """

    n: int
    ids: Sequence[str] | None = None
    questions: Sequence[str] | None = None
    options: Sequence[Sequence[str]] | None = None


@dataclass(frozen=True, eq=False)
class Join:
    """Which row of a file answers which question.

    by:      "id", "row number", "question" or "question and options"
    row_of:  int64 (questions,), the 0-based file row of every question, -1 where it has none
    doubled: file rows (0-based) whose question an earlier row has answered already; they do not count
    extra:   file rows whose question the exam does not hold
    by_order: questions with a row that share their key with others and were told apart by their order alone
    """

    by: str
    row_of: NDArray[np.int64]
    doubled: list[int] = field(default_factory=list)
    extra: list[int] = field(default_factory=list)
    by_order: list[int] = field(default_factory=list)

    @property
    def matched(self) -> NDArray[np.int64]:
        """The questions (0-based) that have a row."""
        return np.flatnonzero(self.row_of >= 0)

    @property
    def missing(self) -> NDArray[np.int64]:
        """The questions (0-based) that have none."""
        return np.flatnonzero(self.row_of < 0)


def join(exam: Exam, keys: JoinKeys) -> Join:
    """Meet an exam by the best key there is: id, row number where counts agree, question, then its options.

    Stems that stand in the exam more than once are told apart by their options where the file has them, else
    by their order. Raises `InputError` where no key fits.

    >>> from cmexam_baseline.exam import Question
    >>> first, second = Question("q1", "甲？", ("一", "二"), "A"), Question("q2", "乙？", ("三", "四"), "B")
    >>> exam = Exam.from_questions([first, second])
    >>> join(exam, JoinKeys(2, ids=["q2", "q7"])).row_of.tolist()
    [-1, 0]
    >>> join(exam, JoinKeys(1, questions=["乙"])).by
    'question'
    """
    by_id = _by_id(exam, keys)
    if by_id is not None:
        return by_id
    if _row_numbers_fit(exam, keys):
        return Join("row number", np.arange(len(exam), dtype=np.int64))
    if keys.questions is not None:
        by_question = _by_question(exam, keys.questions, keys.options)
        if len(by_question.matched):
            return by_question
    raise InputError(_why_not(exam, keys))


def _by_id(exam: Exam, keys: JoinKeys) -> Join | None:
    if keys.ids is None:
        return None
    joined = _meet("id", map(_plain_id, exam.ids), map(_plain_id, keys.ids), len(exam))
    return joined if len(joined.matched) else None


def _plain_id(value: str) -> str:
    """An id as text; whole numbers that a table program made floats are whole again."""
    text = str(value).strip()
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def _row_numbers_fit(exam: Exam, keys: JoinKeys) -> bool:
    if keys.n != len(exam):
        return False
    if keys.ids is not None and not _count_up([_plain_id(value) for value in keys.ids]):
        return False
    if keys.questions is None:
        return True
    same = np.equal(
        np.array(normalise_texts(exam.questions), dtype=object),
        np.array(normalise_texts(keys.questions), dtype=object),
    )
    return bool(np.mean(same) >= AGREEING_STEMS)


def _count_up(ids: Sequence[str]) -> bool:
    """Whether ids say nothing more than the order of the rows; ids of another make must not be overlooked."""
    numbers = [int(value) for value in ids if value.isascii() and value.isdigit()]
    return len(numbers) == len(ids) and all(b - a == 1 for a, b in zip(numbers, numbers[1:], strict=False))


def _by_question(exam: Exam, questions: Sequence[str], options: Sequence[Sequence[str]] | None) -> Join:
    in_exam: list[Hashable] = list(normalise_texts(exam.questions))
    in_file: list[Hashable] = list(normalise_texts(questions))
    if len(set(in_exam)) == len(in_exam) or options is None:
        return _meet("question", in_exam, in_file, len(exam))
    in_exam = list(zip(in_exam, option_sets([exam.options(row) for row in range(len(exam))]), strict=True))
    in_file = list(zip(in_file, option_sets(options), strict=True))
    return _meet("question and options", in_exam, in_file, len(exam))


def _meet(by: str, in_exam: Iterable[Hashable], in_file: Iterable[Hashable], n_questions: int) -> Join:
    first_of: dict[Hashable, int] = {}
    questions_of: dict[Hashable, list[int]] = {}
    for question, value in enumerate(in_exam):
        first = first_of.setdefault(value, question)
        if first != question:
            questions_of.setdefault(value, [first]).append(question)
    by_order = [question for group in sorted(questions_of.values()) for question in group]
    waiting = {value: iter(group) for value, group in questions_of.items()}
    row_of = np.full(n_questions, -1, dtype=np.int64)
    doubled: list[int] = []
    extra: list[int] = []
    for row, value in enumerate(in_file):
        first = first_of.get(value, -1)
        free = next(waiting[value], -1) if value in waiting else first
        if first < 0:
            extra.append(row)
        elif free < 0 or row_of[free] >= 0:
            doubled.append(row)
        else:
            row_of[free] = row
    return Join(by, row_of, doubled, extra, [question for question in by_order if row_of[question] >= 0])


def _why_not(exam: Exam, keys: JoinKeys) -> str:
    found = [f"{keys.n} rows for {len(exam)} questions"]
    if keys.ids is not None and keys.n:
        found.append(f"ids such as {str(keys.ids[0])!r} where the exam has {exam.ids[0]!r}")
    if keys.questions is not None and keys.n:
        found.append(f"no question of the exam in its question column (first: {keys.questions[0][:30]!r})")
    return (
        f"the rows do not meet the exam: {'; '.join(found)}; "
        "give a column with the exam's ids, the question texts, or one row a question in order"
    )
