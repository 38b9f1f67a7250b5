"""The question's own words completed by a letter: 首选药物是B, 错误的是C, 青光眼首选(A)。"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.list_detection import begins_list
from cmexam_baseline.scoring.extraction.patterns import any_of
from cmexam_baseline.scoring.extraction.rules import Reading

_KIND = any_of("选项 一?项 说法 叙述 描述 表述 陈述 做法")
_CUE = re.compile(
    r"(?:(?P<negative>" + any_of("错误 不正确 有误 不对 不当 不恰当 不准确") + rf"的{_KIND}?)"
    rf"|(?P<positive>正确的?{_KIND}?|符合题意的(?:选项)?|最佳选项|的))?"
    r"(?:应该?是|应为|是|为|属于|即|(?<=的)(?:有|包括))"
    r"[:\s\"“(\[【]{0,12}(?:选项)?[\"“(]{0,2}$"
)
_LONGEST_CUE = 30
_NOT_BEFORE_COPULA = re.compile(
    any_of("不 非 还 并 均 都 分别 认 因 称 视 作 行 以 也可能 也有可能 也许") + "$"
)
_DISMISSED_BEFORE = re.compile(any_of("排除 不选 不考虑 除外 不予 无法"))
_STEM_ENDS = re.compile(r"[)\]\"'”]{0,4}\s*(?:$|[。,;.!?\n:(了]|选项|[两二三四五]?[项个种者]|因为|所以)")
_BLANK_FILLED = re.compile(r"\(\s?(?P<letters>[A-H]{1,5})\s?\)")


def stem_readings(reader: SlotReader) -> Iterator[Reading]:
    """Readings of the rules stem and negative-stem; a stem that ends in every letter is no answer."""
    text = reader.text
    for position in reader.letters:
        cue = _CUE.search(text, max(0, position - _LONGEST_CUE), position)
        if cue is None or _is_dismissed(text, cue):
            continue
        slot = reader.read_letters(cue.end())
        if slot is None or slot.mask == reader.options.everything or begins_list(reader, slot):
            continue
        if _STEM_ENDS.match(text, slot.end):
            rule = "negative-stem" if cue["negative"] else "stem"
            yield Reading(rule, slot.mask, cue.start(), slot.end)
    yield from _filled_blank(reader)


def _is_dismissed(text: str, cue: re.Match[str]) -> bool:
    start = cue.start()
    plain = cue["positive"] is None and cue["negative"] is None
    if plain and _NOT_BEFORE_COPULA.search(text, max(0, start - 4), start):
        return True
    return _DISMISSED_BEFORE.search(text, max(0, start - 8), start) is not None


def _filled_blank(reader: SlotReader) -> Iterator[Reading]:
    """青光眼首选(A): one blank of the first line; behind an option's text the text says which is meant."""
    if not reader.letters:
        return
    blanks = [blank for blank in _BLANK_FILLED.finditer(reader.text) if blank.start() > 0]
    if len({blank["letters"] for blank in blanks}) != 1 or "\n" in reader.text[: blanks[0].start()]:
        return
    first = blanks[0]
    if reader.text[first.start() - 1] in " (":
        return
    named = reader.options.ending_at(reader.lowered, first.start())
    mask = (parse_letters(first["letters"]) or 0) if named is None else 1 << named
    if 0 < mask < reader.options.everything:
        yield Reading("stem", mask, *first.span("letters"))
