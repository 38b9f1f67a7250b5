"""Tells an answer from a list of options that begins, goes on or ends at the same place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser, ParsedAnswer
from cmexam_baseline.scoring.extraction.rules import Reading

_FAR = 2_000
_INLINE_ITEM = re.compile(r"[。;,、. \t]*([A-J])\s*[.:、)](?!\d)")
_ITEM_SOMEWHERE = re.compile(r"(?<![A-Za-z0-9])([A-J])\s*[.:、)](?!\d)")
_ITEM_LINE = r"[ \t>#-]*(?:选项)?\(?([A-J])\s*(?:[.:、)]|选项|项)"
_ITEM_ON_A_LINE = re.compile(_ITEM_LINE)
_LIST_NEXT_LINE = re.compile(r"\n" + _ITEM_LINE)
_NEXT_ITEM = re.compile(r"[\n。;,]" + _ITEM_LINE)
_VERDICT = (
    r"[ \t]?[.:、,)\](\[【】-]{0,3}[ \t]?(?:不?正确|错误?(?!误?答案)|不?对|[√×✓✗✔✘✅❌]"
    r"|(?i:(?:in)?correct|wrong|true|false|yes|no)\b)[)\]】]?"
)
_VERDICT_ALONE = re.compile(_VERDICT)
_NEXT_VERDICT = re.compile(
    rf"[^\n]{{0,80}}?[\s。;,.、)】]{{0,3}}(?:选项|[Oo]ption[ \t])?[(\[【]?[A-J]{_VERDICT}"
)
_BESIDE_AN_ITEM = " \t>#-(选项"
_AFFIRMED = re.compile(r"\s*(?:选项|项)?\s*,?(?:都|均|皆|全)")


def begins_list(reader: AnswerParser, slot: ParsedAnswer) -> bool:
    """Whether the slot is the first item of a list that goes on at once: an analysis or an echo, no"
    " answer."""
    if slot.by_text or slot.mask.bit_count() != 1:
        return False
    return _goes_on_inline(reader.text, slot) or _goes_on_below(reader.text, slot)


def _goes_on_inline(text: str, slot: ParsedAnswer) -> bool:
    """是A：甲。B：乙。C：丙"""
    expected = LETTERS[slot.mask.bit_length() : slot.mask.bit_length() + 2]
    inline = _INLINE_ITEM.match(text, slot.end)
    if inline is None or inline[1] != expected[:1]:
        return False
    after = _ITEM_SOMEWHERE.search(text, inline.end(), inline.end() + 200)
    return len(expected) == 1 or (after is not None and after[1] == expected[1])


def _goes_on_below(text: str, slot: ParsedAnswer) -> bool:
    """A line that begins with A while the next such line begins with B."""
    if slot.mask != 1 or text[text.rfind("\n", 0, slot.start) + 1 : slot.start].strip(_BESIDE_AN_ITEM):
        return False
    following = _LIST_NEXT_LINE.search(text, slot.end, slot.end + _FAR)
    return following is not None and following[1] == "B"


def analyses_each(text: str, first: ParsedAnswer) -> bool:
    """Whether "A：正确。B：错误。" follows: the text goes through the options and has not answered yet."""
    item = _NEXT_ITEM.search(text, first.end, first.end + _FAR) if first.mask == 1 else None
    return item is not None and item[1] == "B"


def judges_each(text: str, first: ParsedAnswer) -> bool:
    """Whether a verdict follows the first letter and the next one: A(√)B(×), A: True. B: False."""
    if first.mask.bit_count() != 1:
        return False
    verdict = _VERDICT_ALONE.match(text, first.end) or _VERDICT_ALONE.match(text, first.start + 1)
    return verdict is not None and _NEXT_VERDICT.match(text, verdict.end()) is not None


def continues_list(text: str, line_start: int, last: ParsedAnswer) -> bool:
    """Whether a line goes on with a list of options: the next letter, or right below another item."""
    above = text[:line_start].rstrip()
    item = _ITEM_ON_A_LINE.match(above, above.rfind("\n") + 1)
    if item is None:
        return False
    adjacent = text.count("\n", len(above), line_start) == 1
    return adjacent or (last.named and 2 << LETTERS.index(item[1]) == last.mask)


def is_scope(reader: AnswerParser, slot: ParsedAnswer, cue: str) -> bool:
    """Whether the slot names what may be chosen (正确选项(A/B/C/D/E)) or affirms it all (A、B、C、D都是)."""
    if slot.mask != reader.options.everything:
        return False
    affirmed = _AFFIRMED.match(reader.text, slot.end) is not None
    return affirmed or "(" in cue or "/" in reader.text[slot.start : slot.end]


_LINE_BETWEEN = re.compile(
    r"[\s。;.,)】]*[\s\-•#>(【]*(?:\d{1,2}[.、)]\s?)?(?:(?i:the|final|correct|正确|最终|参考)\s?)*"
)


def joined_lines(reader: AnswerParser, readings: Iterable[Reading]) -> Iterator[Reading]:
    """Answers in the same words on adjacent lines as one answer of several letters.

    Two such lines are a correction unless the stem asks for several.
    """
    lines: list[Reading] = []
    for reading in readings:
        if lines and not _same_words_below(reader, lines[-1], reading):
            yield from _as_one(reader, lines)
            lines = []
        lines.append(reading)
    yield from _as_one(reader, lines)


def _as_one(reader: AnswerParser, lines: list[Reading]) -> Iterator[Reading]:
    mask = 0
    for reading in lines:
        mask |= reading.mask
    joints = ("\n", ";") if reader.stem.several else ("\n",)
    between = [reader.text[above.end : below.start] for above, below in pairwise(lines)]
    by_line = all(any(joint in words for joint in joints) for words in between)
    if len(lines) > 2 and mask == reader.options.everything and not reader.stem.several:
        yield Reading("all-called-right", 0, lines[0].start, lines[-1].end)
    elif len(lines) < 2 or not by_line or (len(lines) == 2 and not reader.stem.several):
        yield from lines
    else:
        yield lines[-1]._replace(mask=mask, start=lines[0].start)


def _same_words_below(reader: AnswerParser, above: Reading, below: Reading) -> bool:
    if above.rule != below.rule or not above.rule.startswith("answer-phrase") or above.mask & below.mask:
        return False
    if not _LINE_BETWEEN.fullmatch(reader.text, above.end, below.start):
        return False
    words = [
        re.sub(r"\d", "", re.split(r"[A-Ja-j:是为]", reader.text[reading.start : reading.end], maxsplit=1)[0])
        for reading in (above, below)
    ]
    return words[0] == words[1]
