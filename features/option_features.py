"""The surface of options, alone and relative to the other options of the question."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.exam.stem_wording import asks_for_several, is_negated
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.text import normalize
from cmexam_baseline.metrics.ragged import positions, row_numbers

_ALL_OR_NONE = re.compile(r"以上|上述|均是|都是|均对|都对|均不|都不|均可|都可|均有|都有|均为|均正确|皆")
_NEGATED_OPTION = re.compile(r"[不无非未禁]|没有")

# What `within_question_stats` says, in its order.
STATISTICS = ("rank", "to_best", "to_mean", "share")


def surface(exam: Exam) -> Columns:
    """Columns that differ between the options of a question, each float64 (options,)."""
    owner = row_numbers(exam.option_offsets)
    options = normalise_texts(exam.option_texts)
    letters = [set(text) for text in options]
    stems = [set(text) for text in exam.normalised_questions]
    return {
        "length": np.array([len(text) for text in options], dtype=np.float64),
        "digits": np.array([sum(map(str.isdigit, text)) for text in options], dtype=np.float64),
        "shared_with_stem": np.array(
            [_share(own, stems[row]) for own, row in zip(letters, owner.tolist(), strict=True)],
            dtype=np.float64,
        ),
        "shared_with_options": np.array(_shared_with_others(letters, exam), dtype=np.float64),
    }


def context(exam: Exam) -> Columns:
    """Columns about the question or about the option's place and wording, each float64 (options,)."""
    owner = row_numbers(exam.option_offsets)
    stem_lengths = np.array([len(text) for text in exam.questions], dtype=np.float64)
    return {
        "place": (positions(exam.option_offsets)).astype(np.float64),
        "n_options": exam.n_options[owner].astype(np.float64),
        "stem_length": stem_lengths[owner],
        "stem_negated": is_negated(exam.questions)[owner].astype(np.float64),
        "stem_asks_for_several": asks_for_several(exam.questions)[owner].astype(np.float64),
        "all_or_none": all_or_none(exam.option_texts).astype(np.float64),
        "option_negated": negated_option(exam.option_texts).astype(np.float64),
    }


def within_question_stats(column: NDArray[np.float64], offsets: NDArray[np.int64]) -> Columns:
    """`column` relative to the same question's options: rank (0 is best, equals share), and so on.

    >>> columns = within_question_stats(np.array([3.0, 1.0, 5.0, 5.0]), np.array([0, 2, 4]))
    >>> columns["rank"].tolist(), columns["to_best"].tolist()
    ([0.0, 1.0, 0.5, 0.5], [0.0, -2.0, 0.0, 0.0])
    >>> columns["to_mean"].tolist(), columns["share"].round(3).tolist()
    ([1.0, -1.0, 0.0, 0.0], [0.75, 0.25, 0.5, 0.5])
    """
    owner = row_numbers(offsets)
    padded = np.full((len(offsets) - 1, MAX_OPTIONS), np.nan)
    padded[owner, positions(offsets)] = column
    own = padded[owner]
    better = (own > column[:, None]).sum(axis=1)
    equal = (own == column[:, None]).sum(axis=1) - 1
    total = np.nansum(padded, axis=1)
    return {
        "rank": better + equal / 2,
        "to_best": column - np.nanmax(padded, axis=1)[owner],
        "to_mean": column - (total / np.diff(offsets))[owner],
        "share": column / (np.abs(total) + 1e-9)[owner],
    }


def _shared_with_others(letters: list[set[str]], exam: Exam) -> list[float]:
    shares = []
    for start, end in pairwise(exam.option_offsets.tolist()):
        for option in range(start, end):
            others = set().union(*letters[start:option], *letters[option + 1 : end])
            shares.append(_share(letters[option], others))
    return shares


def _share(own: set[str], others: set[str]) -> float:
    return len(own & others) / max(1, len(own))


def all_or_none(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option refers to the other options (以上均是), bool (m,).

    >>> all_or_none(["以上都对", "阿司匹林"]).tolist()
    [True, False]
    """
    return _matches(_ALL_OR_NONE, options)


def negated_option(options: Sequence[str]) -> NDArray[np.bool_]:
    """Whether an option contains a negation, bool (m,).

    >>> negated_option(["无明显症状", "发热"]).tolist()
    [True, False]
    """
    return _matches(_NEGATED_OPTION, options)


def _matches(pattern: re.Pattern[str], texts: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter(
        (bool(pattern.search(normalize(text))) for text in texts), dtype=bool, count=len(texts)
    )
