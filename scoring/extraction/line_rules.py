"""Readings of a whole text, its first and its last line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.scoring.extraction.answer_parser import Slot, SlotReader
from cmexam_baseline.scoring.extraction.list_detection import analyses_each, begins_list, continues_list
from cmexam_baseline.scoring.extraction.rules import Reading

_LEADING = re.compile(r"(?:(?!\[ ?\])[^\w✗✘×❌☐☒])*")
_LONGEST_WHOLE = 2_000
_TRAILING = " \n。.,;!)]}\"'”’】"
_ONLY_LETTERS = re.compile(
    r"\s*[(\[【\"']?(?P<letters>(?:[A-H][\s,、;.|]*)*[A-H]|[a-h]{1,8})[)\]】\"'.。\s,、;?]*"
)
_DELIMITED = re.compile(
    r"\s*(?:选项)?\s*(?:[.:、,)。;]|$|\n|\\n|-|\(|(?=解释|解析|因为|而不是|而非|(?:because|since|not)\b))"
)
_QUESTION_NUMBER = re.compile(r"\s*(?:第?\d{1,4}题?|Q\d{1,4}|题\d{1,4})\s?[.、:)]\s*")
_LAST_WORD = re.compile(r"[.。!?]\s{0,3}[(\[]?(?P<letters>[A-H]{1,8})[)\]]?[.。]?\s{0,3}$")
_LONGEST_LAST_WORD = 24
_ITEM_BEHIND = re.compile(r"[ \t]?[.:、)](?!\s*$)")
_LETTER_DELIMITED = re.compile(r"(?:选项|项)?[ \t]*[.:、)\n]")


def line_readings(reader: SlotReader) -> Iterator[Reading]:
    """Readings of the rules letters, option-text, first-line and last-line."""
    yield from _whole(reader)
    yield from _first_line(reader)
    yield from _last_line(reader)
    yield from _last_word(reader)


def _beginning(text: str, position: int = 0) -> int:
    leading = _LEADING.match(text, position)
    return leading.end() if leading else position


def _whole(reader: SlotReader) -> Iterator[Reading]:
    number = _QUESTION_NUMBER.match(reader.text)
    letters = _ONLY_LETTERS.fullmatch(reader.text, number.end() if number else 0)
    if letters is not None and not reader.read_texts(0):
        mask = _mask_of_letters(letters["letters"])
        if 0 < mask <= reader.options.everything:
            yield Reading("letters", mask, *letters.span("letters"))
            return
    start = _beginning(reader.text)
    slot = reader.read(start) if len(reader.text) - start < _LONGEST_WHOLE else None
    if slot is None or reader.text[slot.end :].strip(_TRAILING):
        return
    yield Reading("option-text" if slot.by_text else "letters", slot.mask, slot.start, slot.end)


def _mask_of_letters(letters: str) -> int:
    """The mask; 0 for a word such as "bad": small letters are an answer in order only, as "abd"."""
    if letters.islower() and list(letters) != sorted(set(letters)):
        return 0
    return parse_letters(letters) or 0


def _first_line(reader: SlotReader) -> Iterator[Reading]:
    text = reader.text
    slot = reader.read_letters(_beginning(text)) if not text.lstrip().startswith("{") else None
    if slot is None or (slot.mask == reader.options.everything and not _is_a_line(text, slot)):
        return
    delimited = _DELIMITED.match(text, slot.end) or _LETTER_DELIMITED.match(text, slot.start + 1)
    if delimited and not begins_list(reader, slot) and not analyses_each(text, slot):
        yield Reading("first-line", slot.mask, slot.start, slot.end)


def _is_a_line(text: str, slot: Slot) -> bool:
    """Whether letters stand in one run and alone on their line: "ABCDE" is an answer, "A B C D E" a list."""
    return text[slot.start : slot.end].isalpha() and text[slot.end : slot.end + 1] in ("", "\n")


def _last_line(reader: SlotReader) -> Iterator[Reading]:
    text = reader.text.rstrip()
    line_start = text.rfind("\n") + 1
    if line_start == 0:
        return
    slot = reader.read_letters(_beginning(text, line_start))
    if slot is None or slot.mask == reader.options.everything or text[slot.end :].strip(_TRAILING):
        return
    if not continues_list(text, line_start, slot):
        yield Reading("last-line", slot.mask, slot.start, slot.end)


def _last_word(reader: SlotReader) -> Iterator[Reading]:
    """… in pregnancy. C"""
    match = _LAST_WORD.search(reader.text, max(0, len(reader.text) - _LONGEST_LAST_WORD))
    if match is None or any(_ITEM_BEHIND.match(reader.text, place + 1) for place in reader.letters[:-1]):
        return
    mask = parse_letters(match["letters"]) or 0
    if mask < reader.options.everything:
        yield Reading("last-line", mask, *match.span("letters"))
