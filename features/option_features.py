"""The surface of options, alone and relative to the other options of the question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.exam.stem_wording import asks_for_several, is_negated
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.text import normalize
from cmexam_baseline.metrics.ragged import positions, row_numbers, row_sums
from cmexam_baseline.metrics.tokens import encode, number_code_points

_ALL_OR_NONE = re.compile(r"以上|上述|均是|都是|均对|都对|均不|都不|均可|都可|均有|都有|均为|均正确|皆")
_NEGATED_OPTION = re.compile(r"[不无非未禁]|没有")

# What `within_question_stats` says, in its order.
STATISTICS = ("rank", "to_best", "to_mean", "share")


def surface(exam: Exam) -> Columns:
    """Columns that differ between the options of a question, each float64 (options,)."""
    options, stems = normalise_texts(exam.option_texts), exam.normalised_questions
    codes, offsets = encode([*options, *stems])
    numbers, different = number_code_points(codes)
    is_digit = np.array([chr(code).isdigit() for code in different.tolist()], np.bool_)[numbers]
    # Each different character of a text, as one number with its text, then as one with its question.
    keys = np.sort(row_numbers(offsets) * len(different) + numbers)
    text, letter = np.divmod(keys[np.diff(keys, prepend=-1) > 0], len(different))
    question = np.concatenate([row_numbers(exam.option_offsets), np.arange(len(stems))])[text]
    _, placed = np.unique(question * len(different) + letter, return_inverse=True)
    n_options = np.searchsorted(text, len(options))
    option, in_options, in_stem = text[:n_options], placed[:n_options], placed[n_options:]
    n_letters = np.maximum(1, np.bincount(option, minlength=len(options)))

    def share(shared: NDArray[np.bool_]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.bincount(option, shared[in_options], len(options)) / n_letters
        return found

    return {
        "length": np.diff(offsets)[: len(options)].astype(np.float64),
        "digits": row_sums(is_digit, offsets)[: len(options)].astype(np.float64),
        "shared_with_stem": share(np.bincount(in_stem, minlength=len(placed)) > 0),
        "shared_with_options": share(np.bincount(in_options) > 1),
    }


def context(exam: Exam) -> Columns:
    """Columns about the question or about the option's place and wording, each float64 (options,)."""
    owner = row_numbers(exam.option_offsets)
    options = list(map(normalize, exam.option_texts))
    stem_lengths = np.array([len(text) for text in exam.questions], dtype=np.float64)
    return {
        "place": (positions(exam.option_offsets)).astype(np.float64),
        "n_options": exam.n_options[owner].astype(np.float64),
        "stem_length": stem_lengths[owner],
        "stem_negated": is_negated(exam.questions)[owner].astype(np.float64),
        "stem_asks_for_several": asks_for_several(exam.questions)[owner].astype(np.float64),
        "all_or_none": _matches(_ALL_OR_NONE, options).astype(np.float64),
        "option_negated": _matches(_NEGATED_OPTION, options).astype(np.float64),
    }


def within_question_stats(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> Columns:
    """`values` (options, k) relative to the same question's options: rank (0 is best, equals share), and so on.

    >>> columns = within_question_stats(np.array([[3.0], [1.0], [5.0], [5.0]]), np.array([0, 2, 4]))
    >>> columns["rank"].T.tolist(), columns["to_best"].T.tolist()
    ([[0.0, 1.0, 0.5, 0.5]], [[0.0, -2.0, 0.0, 0.0]])
    >>> columns["to_mean"].T.tolist(), columns["share"].T.round(3).tolist()
    ([[1.0, -1.0, 0.0, 0.0]], [[0.75, 0.25, 0.5, 0.5]])
    """
    owner, places = row_numbers(offsets), positions(offsets)
    padded = np.full((len(offsets) - 1, values.shape[1], MAX_OPTIONS), np.nan)
    padded[owner, :, places] = values
    # An option equals itself.
    rank = np.full(values.shape, -0.5)
    for place in range(places.max() + 1):
        other = padded[owner, :, place]
        rank += (other > values) + (other == values) / 2
    total = np.nansum(padded, axis=2)
    return {
        "rank": rank,
        "to_best": values - np.maximum.reduceat(values, offsets[:-1])[owner],
        "to_mean": values - (total / np.diff(offsets)[:, None])[owner],
        "share": values / (np.abs(total) + 1e-9)[owner],
    }


def all_or_none(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option refers to the other options (以上均是), bool (m,).

    >>> all_or_none(["以上都对", "阿司匹林"]).tolist()
    [True, False]
    """
    return _matches(_ALL_OR_NONE, map(normalize, options))


def negated_option(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option contains a negation, bool (m,).

    >>> negated_option(["无明显症状", "发热"]).tolist()
    [True, False]
    """
    return _matches(_NEGATED_OPTION, map(normalize, options))


def _matches(pattern: re.Pattern[str], texts: Iterable[str]) -> NDArray[np.bool_]:
    return np.array([pattern.search(text) is not None for text in texts], np.bool_)
