"""Options marked one by one: ✅ A, - [x] A, | A | 正确 |, {"A": true, "B": false}."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.patterns import holds_any

_YES, _NO = "✅✓✔√☑", "❌✗✘×☐☒"
_MARKED_LINE = re.compile(
    rf"^[ \t>#*-]*(?:(?P<right>\[[xX√✓✔]\]|[{_YES}])|(?P<wrong>\[ ?\]|[{_NO}]))[ \t]*\(?(?P<letter>[A-H])(?![A-Za-z0-9])",
    re.MULTILINE,
)
_TABLE_ROW = re.compile(
    r"^\|[ \t]*\(?(?P<letter>[A-H])(?![A-Za-z0-9])[^|\n]{0,80}\|(?:[^|\n]{0,200}\|)?[ \t]*"
    rf"(?:(?P<wrong>错|不|[{_NO}]|[Ii]ncorrect|[Ww]rong|[Ff]alse|[Nn]o\b)|(?P<right>正确|对|是|符合|[{_YES}]|[Cc]orrect|[Tt]rue|[Yy]es))",
    re.MULTILINE,
)
_FIELD = re.compile(
    r"[\"'](?P<letter>[A-H])[\"'][ \t]?:[ \t]?[\"']?(?:(?P<right>[Tt]rue|正确)|(?P<wrong>[Ff]alse|错误))\b"
)
# Each pattern with marks of which one must occur.
_PATTERNS = (
    (_MARKED_LINE, (*_YES, *_NO, "[ ]", "[]", "[x]", "[X]")),
    (_TABLE_ROW, ("|",)),
    (_FIELD, ("rue", "alse", "正确", "错误")),
)


@dataclass(frozen=True)
class Verdict:
    """The options of `mask` are called right or wrong at text[start:end]."""

    mask: int
    right: bool
    start: int
    end: int


def ticked_verdicts(text: str) -> Iterator[Verdict]:
    """What a check list, a table or an object of booleans says of each option.

    >>> [(verdict.mask, verdict.right) for verdict in ticked_verdicts("✅ A. 甲\\n❌ B. 乙")]
    [(1, True), (2, False)]
    """
    for pattern, marks in _PATTERNS:
        if holds_any(text, marks):
            for match in pattern.finditer(text):
                mask = 1 << LETTERS.index(match["letter"])
                yield Verdict(mask, match["right"] is not None, *match.span("letter"))
