"""Telling an answer from a list of options that only begins, goes on or ends at the same place."""

from __future__ import annotations

import re

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.answer_parser import Slot, SlotReader

_FAR = 2_000
_INLINE_ITEM = re.compile(r"[。;,、. \t]*([A-H])\s*[.:、)](?!\d)")
_ITEM_SOMEWHERE = re.compile(r"(?<![A-Za-z0-9])([A-H])\s*[.:、)](?!\d)")
_ITEM_LINE = r"[ \t>#-]*(?:选项)?\(?([A-H])\s*(?:[.:、)]|选项|项)"
_ITEM_ON_A_LINE = re.compile(_ITEM_LINE)
_NEXT_LINE = re.compile(r"\n" + _ITEM_LINE)
_NEXT_ITEM = re.compile(r"[\n。;,]" + _ITEM_LINE)
_BESIDE_AN_ITEM = " \t>#-(选项"
_AFFIRMED = re.compile(r"\s*(?:选项|项)?\s*,?(?:都|均|皆|全)")


def begins_list(reader: SlotReader, slot: Slot) -> bool:
    """Whether the slot is the first item of a list that goes on at once: an analysis or an echo, no"
    " answer."""
    if slot.by_text or slot.mask.bit_count() != 1:
        return False
    return _goes_on_inline(reader.text, slot) or _goes_on_below(reader.text, slot)


def _goes_on_inline(text: str, slot: Slot) -> bool:
    """是A：甲。B：乙。C：丙"""
    expected = LETTERS[slot.mask.bit_length() : slot.mask.bit_length() + 2]
    inline = _INLINE_ITEM.match(text, slot.end)
    if inline is None or inline[1] != expected[:1]:
        return False
    after = _ITEM_SOMEWHERE.search(text, inline.end(), inline.end() + 200)
    return len(expected) == 1 or (after is not None and after[1] == expected[1])


def _goes_on_below(text: str, slot: Slot) -> bool:
    """A line that begins with A while the next such line begins with B."""
    if slot.mask != 1 or text[text.rfind("\n", 0, slot.start) + 1 : slot.start].strip(_BESIDE_AN_ITEM):
        return False
    following = _NEXT_LINE.search(text, slot.end, slot.end + _FAR)
    return following is not None and following[1] == "B"


def analyses_each(text: str, first: Slot) -> bool:
    """Whether "A：正确。B：错误。" follows: the text goes through the options and has not answered yet."""
    item = _NEXT_ITEM.search(text, first.end, first.end + _FAR) if first.mask == 1 else None
    return item is not None and item[1] == "B"


def continues_list(text: str, line_start: int, last: Slot) -> bool:
    """Whether a line goes on with a list of options: the next letter, or right below another item."""
    above = text[:line_start].rstrip()
    item = _ITEM_ON_A_LINE.match(above, above.rfind("\n") + 1)
    if item is None:
        return False
    adjacent = text.count("\n", len(above), line_start) == 1
    return adjacent or (last.named and 2 << LETTERS.index(item[1]) == last.mask)


def is_scope(reader: SlotReader, slot: Slot, cue: str) -> bool:
    """Whether the slot names what may be chosen (正确选项(A/B/C/D/E)) or affirms it all (A、B、C、D都是)."""
    if slot.mask != reader.options.everything:
        return False
    affirmed = _AFFIRMED.match(reader.text, slot.end) is not None
    return affirmed or "(" in cue or "/" in reader.text[slot.start : slot.end]
