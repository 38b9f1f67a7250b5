"""Options repeated from the question: a list of all of them is no answer."""

from __future__ import annotations

import re

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.option_texts import OptionTexts

BLANK = "\ue000"
"""Stands for text that was taken out; it ends sentences and belongs to no word."""

_BEFORE_FIRST = re.compile(r"[\"'(]*A[\"')]?\s*[.:、)]?\s*[\"'“]?$")
_BETWEEN = [
    re.compile(rf"[\s;,。、.\"'”}}]*\(?[\"'(]?{letter}[\"')]?\s*[.:、)]?\s*[\"'“]?") for letter in LETTERS
]


def without_echo(text: str, options: OptionTexts) -> str:
    """The text with every complete list of the options ("A：… B：… E：…") blanked, of the same length.

    >>> without_echo("选项有A.甲药 B.乙药。选乙药", OptionTexts(["甲药", "乙药"])).replace(BLANK, "_")
    '选项有_________。选乙药'
    """
    if not options.known or not all(letter in text for letter in LETTERS[: options.count]):
        return text
    texts = options.texts
    if len(texts) < 2 or not all(texts):
        return text
    lowered = text.lower()
    if len(lowered) != len(text):
        return text
    position = lowered.find(texts[0])
    echoes: list[str] = []
    while position >= 0:
        beginning = _BEFORE_FIRST.search(text, max(0, position - 6), position)
        end = _end_of_list(text, lowered, options, position) if beginning else None
        if beginning is not None and end is not None:
            echoes.append(text[beginning.start() : end])
            text = text[: beginning.start()] + BLANK * (end - beginning.start()) + text[end:]
        position = lowered.find(texts[0], end or position + len(texts[0]))
    return _without_broken_echo(text, echoes[0]) if len(echoes) > 1 else text


def _without_broken_echo(text: str, echo: str) -> str:
    """Blank the beginning of one more echo at the end of a text that repeated it until it was cut off."""
    start = max(len(text) - len(echo), text.rfind(BLANK) + 1)
    for position in range(start, len(text)):
        if echo.startswith(text[position:]):
            return text[:position] + BLANK * (len(text) - position)
    return text


def _end_of_list(text: str, lowered: str, options: OptionTexts, position: int) -> int | None:
    end: int | None = position + len(options.texts[0])
    for index in range(1, len(options.texts)):
        between = _BETWEEN[index].match(text, end or 0)
        end = options.own_text_at(lowered, index, between.end()) if between else None
        if end is None:
            return None
    return end
