"""The statistics of an exam, as CMExam's authors count them.

The definitions are those of their notebook (`src/preprocess/data stats.ipynb` in williamliujl/CMExam):

- a length is a number of characters, blanks and line breaks included; a missing explanation counts as 0
- Q is the stem without its options, A the letters of the answer, E the explanation
- the vocabulary is the set of different characters in stems and explanations; options do not count
- quartiles interpolate linearly
- in the Total column, means are means of the splits' means and medians medians of the splits' medians, so
  that a split of 6,811 questions weighs as much as one of 54,497; `Statistics.pooled` has the figures over
  all questions instead

A test compares all published figures wherever the whole published files are present.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import LETTERS, letter_counts

TEXTS = {"Q": "question", "A": "answer", "E": "explanation"}
NOT_APPLICABLE = "不符合"
"""The value of CMExam's annotations that means "not applicable"."""


@dataclass(frozen=True)
class Lengths:
    """Lengths of texts in characters: the longest, the mean, the median and the quartiles."""

    longest: int
    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float


@dataclass(frozen=True)
class SplitStatistics:
    """One split: number of questions, different characters, lengths of stem, answer and explanation.

    share_explained:  share of questions with an explanation
    answers:          answer letters ("C", "ABD"; "" = none) -> number of questions, most frequent first
    letters:          letter -> share of the answered questions whose answer holds it
    options:          number of options -> number of questions
    annotations:      column -> value -> number of questions, most frequent first
    """

    questions: int
    vocabulary: int
    lengths: dict[str, Lengths]
    share_explained: float
    share_multi: float
    answers: dict[str, int]
    letters: dict[str, float]
    options: dict[int, int]
    annotations: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Total:
    """The Total column of the published table: see the module's docstring for its means and medians."""

    questions: int
    vocabulary: int
    lengths: dict[str, Lengths]


@dataclass(frozen=True)
class Statistics:
    """The statistics of every split, their total as published, and of all questions as one split."""

    splits: dict[str, SplitStatistics]
    total: Total
    pooled: SplitStatistics

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return asdict(self)

    def columns(self) -> dict[str, SplitStatistics | Total]:
        """The splits by name and, where there are several, their total."""
        return {**self.splits, **({"total": self.total} if len(self.splits) > 1 else {})}

    def shares(self) -> dict[str, list[float]]:
        """Figure -> its share of the questions of each split, 0 to 1."""
        splits = list(self.splits.values())
        shares = {
            f"answer holds {letter}": [split.letters.get(letter, 0) for split in splits]
            for letter in sorted({letter for split in splits for letter in split.letters})
        }
        shares["several letters"] = [split.share_multi for split in splits]
        shares["explained"] = [split.share_explained for split in splits]
        for n in sorted({count for split in splits for count in split.options}):
            shares[f"{n} options"] = [split.options.get(n, 0) / split.questions for split in splits]
        return shares

    def figures(self) -> Iterator[tuple[str, str, float]]:
        """Every figure as a row of split, name and value, for a file or a frame."""
        for name, described in self.columns().items():
            yield name, "questions", described.questions
            yield name, "vocabulary", described.vocabulary
            for text, kind in TEXTS.items():
                for figure, value in asdict(described.lengths[text]).items():
                    yield name, f"{figure} {kind}", value
        shares = self.shares()
        for place, (name, split) in enumerate(self.splits.items()):
            for figure, values in shares.items():
                yield name, figure, values[place]
            for column, counts in split.annotations.items():
                for value, count in counts.items():
                    yield name, f"{column} = {value}", count


def describe_exams(exams: Mapping[str, Exam]) -> Statistics:
    """The statistics of the splits of an exam; a single exam is a mapping of one.

    Raises `ValueError` where no split has a question.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("", "缺维生素A致", ("夜盲症", "癞皮病"), "A", "见眼科")])
    >>> statistics = describe_exams({"train": exam})
    >>> statistics.splits["train"].vocabulary, statistics.splits["train"].lengths["Q"].mean
    (9, 6.0)
    """
    described = {name: exam for name, exam in exams.items() if len(exam)}
    if not described:
        raise ValueError("no questions to describe")
    splits = {name: _describe(exam) for name, exam in described.items()}
    characters: set[str] = set().union(*(_characters(exam) for exam in described.values()))
    lengths = {text: _combined([split.lengths[text] for split in splits.values()]) for text in TEXTS}
    total = Total(sum(split.questions for split in splits.values()), len(characters), lengths)
    # Ids may repeat between files; they play no part here.
    numbered = [
        replace(exam, ids=[f"{place}-{row}" for row in range(len(exam))])
        for place, exam in enumerate(described.values())
    ]
    return Statistics(splits, total, _describe(Exam.concatenate(numbered)))


def _describe(exam: Exam) -> SplitStatistics:
    letters_per_answer = letter_counts(exam.answers)
    answered = max(int((letters_per_answer > 0).sum()), 1)
    held = (exam.answers[:, None] >> np.arange(len(LETTERS), dtype=np.uint16) & 1).sum(axis=0).tolist()
    return SplitStatistics(
        questions=len(exam),
        vocabulary=len(_characters(exam)),
        lengths={
            "Q": _lengths(list(map(len, exam.questions))),
            "A": _lengths(letters_per_answer.tolist()),
            "E": _lengths(list(map(len, exam.explanations))),
        },
        share_explained=sum(map(bool, exam.explanations)) / len(exam),
        share_multi=float(exam.is_multi.mean()),
        answers=_counted(exam.letters()),
        letters={letter: count / answered for letter, count in zip(LETTERS, held, strict=True) if count},
        options={int(n): int(count) for n, count in enumerate(np.bincount(exam.n_options)) if count},
        annotations={column: _counted(values) for column, values in exam.annotations.items()},
    )


def _characters(exam: Exam) -> set[str]:
    return set().union(*exam.questions, *exam.explanations)


def _lengths(values: Sequence[int]) -> Lengths:
    lower, median, upper = np.percentile(values, [25, 50, 75]).tolist()
    return Lengths(max(values), float(np.mean(values)), median, lower, upper)


def _combined(parts: Sequence[Lengths]) -> Lengths:
    longest, means, *quartiles = zip(*map(astuple, parts), strict=True)
    return Lengths(max(longest), float(np.mean(means)), *map(float, map(np.median, quartiles)))


def _counted(values: Sequence[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))
