"""What an answer says besides the answer: its explanation."""

from __future__ import annotations

import re

from cmexam_baseline.exam.extraction.clean import CleanText
from cmexam_baseline.exam.extraction.rules import Reading
from cmexam_baseline.exam.extraction.structured import json_explanation
from cmexam_baseline.exam.extraction.words import any_of

_MARKER = re.compile(
    r"[ \t#>*-]*[【\[(]?(?:答案)?"
    + any_of(
        "解释 解析 分析 理由 原因 说明 依据 思考过程 解题思路 推理过程"
        " Explanation Rationale Reason(?:ing)? Analysis"
    )
    + r"[】\])]?[ \t*]*(?:[:\n]|(?<=[】\]]))\s*",
    re.IGNORECASE,
)
_BEHIND_THE_ANSWER = re.compile(r"[\s,。.;:!、)\]}】>\"'”*-]*")
_NOTHING_BUT_AN_ANSWER = re.compile(
    r"[\s#>*\"'“【\[(-]*(?:(?:综上(?:所述)?|因此|所以|故|根据(?:以上|上述)分析|我(?:认为|会)?|本题|此题|该题|最终|最后|正确|参考|标准|最佳|的"
    r"|最有?可能|应该?|the|my|final|correct|best|so|thus|therefore|hence)[\s,:]*)*$",
    re.IGNORECASE,
)
_SENTENCE_END = "。!?;\n"

Span = tuple[int, int]


def explanation_of(clean: CleanText, reading: Reading | None) -> str:
    """The raw text without the line or sentence that holds the answer and without the word 解释 in front.

    >>> clean = CleanText("答案：B\\n解析：抑制，呼吸。", [(0, 15)])
    >>> explanation_of(clean, Reading("answer-phrase", 2, 0, 4))
    '抑制，呼吸。'
    """
    text = clean.text
    if reading is None:
        spans = [_without_marker(text, 0, len(text))]
    elif reading.rule == "json":
        return json_explanation(clean.raw) or json_explanation(text) or ""
    else:
        before, after = _around(text, reading.start, reading.end)
        spans = [_without_marker(text, *span) for span in (before, after)]
    return "\n".join(clean.raw_text(start, end) for start, end in spans if end > start)


def _around(text: str, start: int, end: int) -> tuple[Span, Span]:
    """The text before and behind the answer, with the answer's sentence if it says something else too."""
    beginning = max(text.rfind(mark, 0, start) for mark in _SENTENCE_END) + 1
    everything = (0, len(text)), (len(text), len(text))
    if not _NOTHING_BUT_AN_ANSWER.match(text, beginning, start):
        return everything
    behind = _BEHIND_THE_ANSWER.match(text, end)
    rest = behind.end() if behind else end
    ends_here = rest >= len(text) or any(mark in text[end:rest] for mark in _SENTENCE_END)
    if ends_here or _MARKER.match(text, rest) or text[end:rest].strip():
        return (0, beginning), (rest, len(text))
    return everything


def _without_marker(text: str, start: int, end: int) -> Span:
    """The span without blanks at its ends, and without the word that announces an explanation."""
    start, end = _stripped(text, start, end)
    marker = _MARKER.match(text, start, end)
    return _stripped(text, marker.end(), end) if marker else (start, end)


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    left = len(part) - len(part.lstrip())
    return (start + left, start + left + len(part.strip())) if part.strip() else (end, end)
