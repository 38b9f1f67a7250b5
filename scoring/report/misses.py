"""The missed questions that stand in the page: so many that a phone opens it, each text so long as one reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from cmexam_baseline.exam import Exam
from cmexam_baseline.scoring.report_data import misses_of
from cmexam_baseline.scoring.system_score import SystemScore

# All misses of one system on CMExam's test split fit; more would make a page that no phone opens.
MOST_MISSES = 8000
# Characters of each text that are shown; CMExam's longest question has 676.
LENGTHS = {"question": 1000, "reply": 600}
_LENGTH = 300


@dataclass(frozen=True)
class ListedMisses:
    """The misses of a page: the first of each system, and how many there are.

    listed: {id, system, question, options, gold, answer, rule, reply}, texts cut
    counts: system -> (listed, all)
    """

    listed: list[dict[str, Any]]
    counts: dict[str, tuple[int, int]]

    @property
    def total(self) -> int:
        """Of all systems, listed or not."""
        return sum(total for _, total in self.counts.values())

    @property
    def cut(self) -> dict[str, tuple[int, int]]:
        """`counts` of the systems with misses that are not listed."""
        return {name: counts for name, counts in self.counts.items() if counts[0] < counts[1]}


def listed_misses(exam: Exam | None, systems: Sequence[SystemScore], most: int = MOST_MISSES) -> ListedMisses:
    """The misses of systems that stand in the page, at most so many of all together, each system its share."""
    if exam is None:
        return ListedMisses([], {})
    totals = [_count(exam, system) for system in systems]
    listed: list[dict[str, Any]] = []
    shared = shares(totals, most)
    for system, share in zip(systems, shared, strict=True):
        listed += map(_shortened, islice(misses_of(exam, [system]), share))
    names = [system.name for system in systems]
    return ListedMisses(listed, dict(zip(names, zip(shared, totals, strict=True), strict=True)))


def shares(totals: Sequence[int], most: int) -> list[int]:
    """How many of each may be taken, `most` in all: as evenly as it goes, none more than it has.

    >>> shares([2, 50, 90], most=42)
    [2, 20, 20]
    """
    taken = [0] * len(totals)
    left = most
    for done, place in enumerate(sorted(range(len(totals)), key=totals.__getitem__)):
        taken[place] = min(totals[place], left // (len(totals) - done))
        left -= taken[place]
    return taken


def _count(exam: Exam, system: SystemScore) -> int:
    if system.answers is None:
        return 0
    return int(np.count_nonzero((system.aligned.answers != exam.answers)[system.rows]))


def _shortened(miss: dict[str, Any]) -> dict[str, Any]:
    return {name: _cut(value, LENGTHS.get(name, _LENGTH)) for name, value in miss.items()}


def _cut(value: Any, length: int) -> Any:
    if isinstance(value, list):
        return [_cut(text, length) for text in value]
    return value if len(value) <= length else f"{value[:length]}…"
