"""What an answer says besides the answer: its explanation."""

from __future__ import annotations

import re

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


def explanation_of(text: str, reading: Reading | None) -> str:
    """`text` without the line or sentence that holds the answer and without the word 解释 in front.

    >>> explanation_of("答案:B\\n解析:抑制呼吸。", Reading("answer-phrase", 2, 0, 4))
    '抑制呼吸。'
    """
    if reading is None:
        return _without_marker(text.strip())
    if reading.rule == "json":
        return json_explanation(text) or ""
    before, after = _around(text, reading.start, reading.end)
    return _without_marker(
        "\n".join(part for part in (before.strip(), _without_marker(after.strip())) if part)
    )


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """The text before and behind the answer, with the answer's sentence if it says nothing else."""
    beginning = max(text.rfind(mark, 0, start) for mark in _SENTENCE_END) + 1
    if not _NOTHING_BUT_AN_ANSWER.match(text, beginning, start):
        return text, ""
    behind = _BEHIND_THE_ANSWER.match(text, end)
    rest = behind.end() if behind else end
    ends_here = rest >= len(text) or any(mark in text[end:rest] for mark in _SENTENCE_END)
    if ends_here or _MARKER.match(text, rest) or text[end:rest].strip():
        return text[:beginning], text[rest:]
    return text, ""


def _without_marker(text: str) -> str:
    marker = _MARKER.match(text)
    return text[marker.end() :].strip() if marker else text
