"""What an answer says besides the answer: its explanation."""

from __future__ import annotations

import re

from cmexam_baseline.scoring.extraction.normalize import CleanText
from cmexam_baseline.scoring.extraction.patterns import any_of
from cmexam_baseline.scoring.extraction.rules import Reading
from cmexam_baseline.scoring.extraction.structured import json_explanation

_MARKER = re.compile(
    r"[ \t#>*-]*[【\[(]?(?:答案)?"
    + any_of(
        "解释 解析 分析 理由 原因 说明 依据 思考过程 解题思路 推理过程"
        " Explanation Rationale Reason(?:ing)? Analysis"
    )
    + r"[】\])]?[ \t*]*(?:[:\n]|(?<=[】\]]))\s*",
    re.IGNORECASE,
)
_BEHIND_THE_ANSWER = re.compile(r"(?:[\s,。.;:!、)\]}】>\"'”*-]|\\n)*")
_NOTHING_BUT_AN_ANSWER = re.compile(
    r"[\s#>*\"'“【\[(-]*(?:(?:综上(?:所述)?|因此|所以|故|根据(?:以上|上述)分析|我(?:认为|会)?|本题|此题|该题|最终|最后|正确|参考|标准|最佳|的"
    r"|最有?可能|应该?|the|my|final|correct|best|so|thus|therefore|hence)[\s,:]*)*$",
    re.IGNORECASE,
)
_SENTENCE_END = "。!?;\n"


def explanation_of(clean: CleanText, reading: Reading | None) -> str:
    """The raw text without the line or sentence that holds the answer and without the word 解释 in front.

    >>> raw = "答案:B\\n解析:抑制，呼吸。"
    >>> explanation_of(CleanText(raw, [(0, len(raw))]), Reading("answer-phrase", 2, 0, 4))
    '抑制，呼吸。'
    """
    text = clean.text
    if reading is None:
        return clean.raw_text(_behind_marker(text, 0), len(text)).strip()
    if reading.rule == "json":
        return json_explanation(clean.raw_text(0, len(text))) or ""
    before_end, behind = _around(text, reading.start, reading.end)
    before = clean.raw_text(min(_behind_marker(text, 0), before_end), before_end).strip()
    after = clean.raw_text(_behind_marker(text, behind), len(text)).strip()
    return "\n".join(part for part in (before, after) if part)


def begins_explanation(text: str, position: int) -> bool:
    """Whether, behind punctuation, a word such as 解释: stands at `position`."""
    behind = _BEHIND_THE_ANSWER.match(text, position)
    return _MARKER.match(text, behind.end() if behind else position) is not None


def only_leads_to_an_answer(text: str, position: int) -> bool:
    """Whether the sentence that goes on at `position` has said nothing yet but 因此 or 正确答案."""
    return _NOTHING_BUT_AN_ANSWER.match(text, _sentence_start(text, position), position) is not None


def _sentence_start(text: str, position: int) -> int:
    return max(text.rfind(mark, 0, position) for mark in _SENTENCE_END) + 1


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the text before the answer's sentence ends and the text behind it begins.

    A sentence that says more than the answer belongs to the explanation and is not left out.
    """
    beginning = _sentence_start(text, start)
    if not only_leads_to_an_answer(text, start):
        return len(text), len(text)
    behind = _BEHIND_THE_ANSWER.match(text, end)
    rest = behind.end() if behind else end
    if rest >= len(text) or text[end:rest].strip() or "\n" in text[end:rest] or _MARKER.match(text, rest):
        return beginning, rest
    return len(text), len(text)


def _behind_marker(text: str, position: int) -> int:
    """Behind blanks and a word such as 解释: if one stands at `position`."""
    while position < len(text) and text[position].isspace():
        position += 1
    marker = _MARKER.match(text, position)
    return marker.end() if marker else position
