"""Replies in the form of the official scripts: the answer, then an explanation that is marked as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.explanation import begins_explanation, only_leads_to_an_answer
from cmexam_baseline.scoring.extraction.patterns import any_of
from cmexam_baseline.scoring.extraction.rules import Reading

_MAY_STAND_FIRST = (
    "letters",
    "option-text",
    "answer-phrase",
    "answer-phrase-en",
    "answer-phrase-text",
    "first-line",
    "choice",
    "choice-text",
)
_LETTERS_BY_LINE = re.compile(r"\s*(?P<letters>(?:[A-H][ \t.、。,;]*\n\s*){2,8})")
# Whoever writes this behind the explanation has another answer than the one in front.
_TAKEN_BACK = re.compile(
    any_of(
        "更正 纠正[:为] 修正[:为] 改选 抱歉 对不起 等等 不对[,。!] 最终(?:答案|选择|结论)"
        " 重新(?:考虑|分析|审题?|思考|判断|检查|选择)"
        " (?:之前|前面|上面|刚才|原先|最初)的?(?:回答|答案|选择|判断)"
        " (?:答案|回答|选择)(?:有误|错了|错误|不对)"
        r" \bcorrection \bwait\b on_second_thought \bmistake \bapologi final_(?:answer|choice)"
    ),
    re.IGNORECASE,
)


def reply_readings(reader: SlotReader, readings: Iterable[Reading]) -> Iterator[Reading]:
    """Those of the readings that stand alone right in front of 解释:, unless the explanation takes them back.

    What the explanation says of other cases (休克首选D) does not count then.
    """
    text = reader.text
    for reading in (*readings, *_letters_by_line(text), *_option_text(reader)):
        if (
            reading.rule in _MAY_STAND_FIRST
            and begins_explanation(text, reading.end)
            and only_leads_to_an_answer(text, reading.start)
            and not _TAKEN_BACK.search(text, reading.end)
        ):
            yield Reading("before-explanation", reading.mask, reading.start, reading.end)


def _option_text(reader: SlotReader) -> Iterator[Reading]:
    """An option's text on the first line, as a reply that names no letter."""
    slot = reader.read_texts(len(reader.text) - len(reader.text.lstrip()))
    if slot is not None:
        yield Reading("option-text", slot.mask, slot.start, slot.end)


def _letters_by_line(text: str) -> Iterator[Reading]:
    """A, B and D each on a line of its own."""
    match = _LETTERS_BY_LINE.match(text)
    if match is not None:
        letters = "".join(char for char in match["letters"] if char.isalpha())
        start = match.start("letters")
        yield Reading("letters", parse_letters(letters) or 0, start, start + len(match["letters"].rstrip()))
