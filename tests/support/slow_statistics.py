"""The statistics of an exam by the book, one question at a time."""

from __future__ import annotations

import statistics
from collections import Counter

from cmexam_baseline.exam import Exam


def slow_lengths(lengths: list[int]) -> tuple[int, float, float, float, float]:
    """Longest, mean, median, lower and upper quartile (linear between neighbours)."""
    if len(lengths) == 1:
        return lengths[0], float(lengths[0]), float(lengths[0]), float(lengths[0]), float(lengths[0])
    lower, median, upper = statistics.quantiles(lengths, n=4, method="inclusive")
    return max(lengths), statistics.fmean(lengths), median, lower, upper


def slow_describe(exam: Exam) -> dict[str, object]:
    """What `describe_exams` says about one split, in plain values."""
    characters: set[str] = set()
    for question in exam:
        characters |= set(question.question) | set(question.explanation)
    answered = [question for question in exam if question.answer]
    return {
        "questions": len(exam),
        "vocabulary": len(characters),
        "Q": slow_lengths([len(question.question) for question in exam]),
        "A": slow_lengths([len(question.answer) for question in exam]),
        "E": slow_lengths([len(question.explanation) for question in exam]),
        "share_explained": sum(question.explanation != "" for question in exam) / len(exam),
        "share_multi": sum(len(question.answer) > 1 for question in exam) / len(exam),
        "answers": dict(Counter(question.answer for question in exam)),
        "letters": {
            letter: sum(letter in question.answer for question in answered) / len(answered)
            for letter in "ABCDEFGH"
            if any(letter in question.answer for question in answered)
        },
        "options": dict(Counter(len(question.options) for question in exam)),
        "annotations": {
            column: dict(Counter(question.annotations[column] for question in exam))
            for column in exam.annotations
        },
    }
