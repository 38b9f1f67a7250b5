"""The missed questions embedded in the page, capped in number and length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import masks_to_letters
from cmexam_baseline.scoring.slices import Slice
from cmexam_baseline.scoring.system_score import SystemScore

# All misses of one system on CMExam's test split fit; a phone opens a page of this size.
MOST_MISSES = 8000
# Characters of a question and of an option; CMExam's longest question has 676.
_QUESTION, _OPTION, _NAME = 1000, 300, 200
# Characters of a reply, and of all replies together.
_SHORTEST_REPLY, _LONGEST_REPLY, _ALL_REPLIES = 600, 4000, 4_000_000
_GAP = " […] "


@dataclass(frozen=True)
class ListedMisses:
    """The misses of a page: the first of each system, and how many there are.

    questions: {id, question, options, gold, groups}, each once, texts cut; groups are places in `groups`
    misses:    {question, system, answer, rule, reply, span}; question is a place in `questions`, span the part
               of the reply that the answer was read from, None where it is not known
    groups:    (property, value) of every slice
    counts:    system -> (listed, all)
    """

    questions: list[dict[str, Any]] = field(default_factory=list)
    misses: list[dict[str, Any]] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Of all systems, listed or not."""
        return sum(total for _, total in self.counts.values())

    @property
    def cut(self) -> dict[str, tuple[int, int]]:
        """`counts` of the systems with misses that are not listed."""
        return {name: counts for name, counts in self.counts.items() if counts[0] < counts[1]}


def listed_misses(exam: Exam | None, systems: Sequence[SystemScore], slices: Sequence[Slice]) -> ListedMisses:
    """The misses of systems that the page lists: `MOST_MISSES` of all together, each system its share."""
    if exam is None:
        return ListedMisses()
    missed = {
        system.name: []
        if system.answers is None
        else system.rows[(system.aligned.answers != exam.answers)[system.rows]].tolist()
        for system in systems
    }
    totals = [len(rows) for rows in missed.values()]
    shared = shares(totals, MOST_MISSES)
    length = min(max(_ALL_REPLIES // max(sum(shared), 1), _SHORTEST_REPLY), _LONGEST_REPLY)
    found = ListedMisses(
        groups=[(part.by, part.value) for part in slices],
        counts=dict(zip(missed, zip(shared, totals, strict=True), strict=True)),
    )
    groups_of: dict[int, list[int]] = {}
    for place, part in enumerate(slices):
        for row in part.rows.tolist():
            groups_of.setdefault(row, []).append(place)
    gold, places = exam.letters(), dict[int, int]()
    for system, share in zip(systems, shared, strict=True):
        answers = masks_to_letters(system.aligned.answers)
        for row in missed[system.name][:share]:
            if row not in places:
                places[row] = len(places)
                found.questions.append(
                    {
                        "id": cut(exam.ids[row], _NAME),
                        "question": cut(exam.questions[row], _QUESTION),
                        "options": [cut(option, _OPTION) for option in exam.options(row)],
                        "gold": gold[row],
                        "groups": groups_of.get(row, []),
                    }
                )
            read = system.aligned.extractions[row]
            reply = system.aligned.reply(row)
            span = read.span if read is not None and system.aligned.output.raw is None else None
            reply, span = cut_reply(reply if len(reply) > len(answers[row]) else "", span, length)
            found.misses.append(
                {
                    "question": places[row],
                    "system": cut(system.name, _NAME),
                    "answer": answers[row],
                    "rule": read.rule if read is not None else "missing row",
                    "reply": reply,
                    "span": span,
                }
            )
    return found


def shares(totals: Sequence[int], most: int) -> list[int]:
    """How many of each may be taken, `most` in all: as evenly as it goes, none more than it has.

    >>> shares([2, 50, 90], most=42)
    [2, 20, 20]
    """
    taken: dict[int, int] = {}
    for place in sorted(range(len(totals)), key=totals.__getitem__):
        left = most - sum(taken.values())
        taken[place] = min(totals[place], left // (len(totals) - len(taken)))
    return [taken[place] for place in range(len(totals))]


def cut(text: str, length: int) -> str:
    """A text of at most `length` characters, with an ellipsis where it was longer."""
    return text if len(text) <= length else f"{text[:length]}…"


def cut_reply(text: str, span: tuple[int, int] | None, length: int) -> tuple[str, tuple[int, int] | None]:
    """Beginning and end of a long reply: the answer is mostly in one of them."""
    if len(text) <= length:
        return text, span
    half = length // 2
    shortened = f"{text[:half]}{_GAP}{text[-half:]}"
    if span is None or span[1] <= half:
        return shortened, span
    moved = len(shortened) - len(text)
    inside = span[0] >= len(text) - half
    return shortened, (span[0] + moved, span[1] + moved) if inside else None
