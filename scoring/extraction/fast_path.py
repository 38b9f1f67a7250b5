"""The fast path: cells that are nothing but letters, 答案：C, or a letter with its option's text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cmexam_baseline.exam.letters import LETTERS, parse_letters
from cmexam_baseline.scoring.extraction.rules import Reading

_LONGEST = 4_096
_LETTERS = re.compile(
    r"\s*(?P<phrase>(?:正确|参考)?答案[:：]\s*)?[(\[【\"']?(?P<letters>(?:[A-H][\s,、;，；]*)+)[)\]】\"'.。]?\s*"
)
_LETTER_AND_TEXT = re.compile(r"\s*(?P<letter>[A-H])[.、:：．][ ]?(?P<text>[^\n]{1,200}?)[.。]?\s*")


def plain_reading(text: str, options: Sequence[str] | None) -> Reading | None:
    """The answer of a cell in one of the commonest forms, placed in the raw text; None for anything else.

    It must read what the rules would read, only sooner.

    >>> plain_reading("A,C", ["甲", "乙", "丙"])
    Reading(rule='letters', mask=5, start=0, end=3)
    """
    if len(text) > _LONGEST:
        return None
    match = _LETTERS.fullmatch(text)
    if match is not None:
        return _letters(text, match, options)
    match = _LETTER_AND_TEXT.fullmatch(text) if options is not None else None
    if match is None or options is None:
        return None
    index = LETTERS.index(match["letter"])
    if index >= len(options) or match["text"] != options[index].strip() or options.count(options[index]) > 1:
        return None
    return Reading("letters", 1 << index, match.start("letter"), match.end("text"))


def _letters(text: str, match: re.Match[str], options: Sequence[str] | None) -> Reading | None:
    mask = parse_letters(match["letters"]) or 0
    if options is not None and (mask >> len(options) or (len(text) > 1 and text.strip() in options)):
        return None
    if match["phrase"]:
        end = match.start("letters") + len(match["letters"].rstrip(" \n\t,、;，；"))
        return Reading("answer-phrase", mask, match.start("phrase"), end)
    start = len(text) - len(text.lstrip())
    return Reading("letters", mask, start, start + len(text.strip()))
