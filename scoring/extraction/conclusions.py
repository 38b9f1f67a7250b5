"""The letter that a concluding sentence names, or the only letter that is named at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.patterns import (
    LETTERS_TOGETHER,
    SENTENCE,
    any_of,
    concludes,
    concludes_finally,
)
from cmexam_baseline.scoring.extraction.rules import Reading
from cmexam_baseline.scoring.extraction.verdicts import ITEM

_TOGETHER = re.compile(rf"{LETTERS_TOGETHER}(?![A-Za-z0-9])")
_OPTION_BEFORE = re.compile(r"(?:选项|[Oo]ption[ \t]|[Cc]hoice[ \t])\(?$")
_OPTION_BEHIND = re.compile(r"选项|项(?!目)")
_POINTED = re.compile(r"[ \t]?(?:[:、)]|\.(?![a-z]))")
_NOT_ALONE = re.compile(r"['+-]|[ ](?!or\b|and\b)[a-z]|\.[a-z]")
_DENIED_BEFORE = re.compile(r"\b(?:not|isn't|never)[ \t]+(?:the[ \t]+)?(?:option[ \t]+|choice[ \t]+)?[(\"]?$")
_LOOK_BACK = 24
_LAST_NAMES = 8
_DISMISSED = re.compile(
    any_of(r"排除 不选 不考虑 除外 不予 无法 不能确定 难以确定 \brul(?:e|ed|ing)_out\b \beliminat \bexclud"),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Name:
    mask: int
    start: int
    end: int


def conclusion_readings(reader: SlotReader) -> Iterator[Reading]:
    """Readings of the rules conclusion and only-letter."""
    names = list(_names(reader))
    if not names:
        return
    yield from _conclusions(reader, names)
    yield from _only_letter(reader, names)


def _names(reader: SlotReader) -> Iterator[_Name]:
    """Every place where a letter stands for an option."""
    end = 0
    for position in reader.letters:
        if position >= end:
            name = None if _denied(reader, position) else _name_at(reader, position)
            if name is not None and name.mask <= reader.options.everything:
                end = name.end
                yield name


def _denied(reader: SlotReader, position: int) -> bool:
    return _DENIED_BEFORE.search(reader.lowered, max(0, position - _LOOK_BACK), position) is not None


def _name_at(reader: SlotReader, position: int) -> _Name | None:
    text = reader.text
    together = _TOGETHER.match(text, position)
    if together is not None and (
        _OPTION_BEHIND.match(text, together.end())
        or _OPTION_BEFORE.search(text, max(0, position - 9), position)
    ):
        letters = "".join(char for char in together[0] if "A" <= char <= "H")
        return _Name(parse_letters(letters) or 0, position, together.end())
    mask = parse_letters(text[position]) or 0
    before, behind = text[position - 1 : position], text[position + 1 : position + 2]
    if before == "(" and behind == ")":
        # 躁狂抑郁症(B): the words in front say which option is meant.
        named = reader.options.ending_at(reader.lowered, position - 1)
        return _Name(mask if named is None else 1 << named, position, position + 1)
    if (before in "。;\n" and behind.isalpha()) or _POINTED.match(text, position + 1):
        return _Name(mask, position, position + 1)
    return None


def _conclusions(reader: SlotReader, names: list[_Name]) -> Iterator[Reading]:
    found: list[tuple[_Name, bool]] = []
    position = 0
    for sentence in SENTENCE.finditer(reader.text):
        inside = []
        while position < len(names) and names[position].start < sentence.end():
            inside.append(names[position])
            position += 1
        if len({name.mask for name in inside}) != 1 or ITEM.match(sentence[0]):
            continue
        span = sentence.span()
        if concludes(reader.lowered, *span) is not None and not _DISMISSED.search(reader.lowered, *span):
            found.append((inside[-1], concludes_finally(reader.lowered, *span)))
    # 因此 closes the paragraph on each option as well; then only 综上 and its like conclude the whole.
    each_in_turn = len({name.mask for name, final in found if not final}) > 1
    for name, final in found:
        if (final or not each_in_turn) and name.mask != reader.options.everything:
            yield Reading("conclusion", name.mask, name.start, name.end)


def _only_letter(reader: SlotReader, names: list[_Name]) -> Iterator[Reading]:
    if len({name.mask for name in names}) != 1 or _DISMISSED.search(reader.lowered):
        return
    alone = {reader.text[p] for p in reader.letters if not _NOT_ALONE.match(reader.text, p + 1)}
    if len(alone) > 1:
        return
    for name in reversed(names[-_LAST_NAMES:]):
        if name.mask != reader.options.everything and reader.read_letters(name.start) is not None:
            yield Reading("only-letter", name.mask, name.start, name.end)
            return
