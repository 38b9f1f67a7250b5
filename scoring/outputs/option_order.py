"""Letters of a model that saw the options in another order, brought back to the exam's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.normalise import fold_texts, normalise_texts


@dataclass(frozen=True)
class MappedAnswer:
    """The letters in the exam's order, or None with the reason why there are none."""

    letters: str | None
    reason: str = ""


def map_back(letters: str, shown_options: Sequence[str], exam_options: Sequence[str]) -> MappedAnswer:
    """The letters of `exam_options` whose texts are those that `letters` name among `shown_options`.

    Texts are compared without blanks and full-width forms, and where that finds nothing without punctuation
    and case too. A letter beyond the shown options, or a text that the exam's options hold not once but never
    or several times, gives no letters.

    >>> map_back("AC", ["青霉素", "吗啡", "头孢拉定"], ["头孢拉定", "青霉素", "吗啡"]).letters
    'AB'
    >>> map_back("A", ["维生素"], ["头孢拉定", "青霉素"])
    MappedAnswer(letters=None, reason="no option of the exam reads '维生素'")
    """
    found = set()
    for letter in letters:
        place = LETTERS.index(letter)
        if place >= len(shown_options):
            return MappedAnswer(None, f"{letter} is beyond the {len(shown_options)} options that were shown")
        text = shown_options[place]
        places = _places_of(text, exam_options)
        if len(places) != 1:
            reads = "no option of the exam reads" if not places else f"{len(places)} options of the exam read"
            return MappedAnswer(None, f"{reads} {text[:40]!r}")
        found.add(LETTERS[places[0]])
    return MappedAnswer("".join(sorted(found)))


def _places_of(text: str, options: Sequence[str]) -> list[int]:
    for alike in (fold_texts, normalise_texts):
        wanted, *texts = alike([text, *options])
        places = [place for place, each in enumerate(texts) if each == wanted and wanted]
        if places:
            return places
    return []
