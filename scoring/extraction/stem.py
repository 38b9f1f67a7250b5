"""What a question's stem asks for: right or wrong options, one or several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cmexam_baseline.scoring.extraction.patterns import any_of

# Words of a stem that asks which option is wrong, missing or an exception. 不当 in 不当使用 and the like is none.
_NEGATIVE = re.compile(
    any_of(
        "错误 不正确 有误 不对 不恰当 不妥 不准确 不合理 不成立 不符 不属于 不是 并非 不包括 不包含 不含 不支持 不具有 除外 例外"
        " 不当(?=的|是|[?)(]|$) 除了?[^。?？]{1,40}(?:以外|之外|外) (?<!是)(?<!有)无关"
        r" \bexcept \bNOT\b \b(?:is|are|was|were)_(?:not|least)\b"
        r" \bnot_(?:true|correct|part|a|an|one|the|included|associated|considered)\b"
        r" \bin(?:correct|accurate)\b \bfalse\b \bwrong\b \bleast_(?:likely|appropriate)\b \bexception\b \buntrue\b"
    ).replace("NOT", "(?-i:NOT)"),
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"哪些|哪几|多选|不定项|(?:有|包括|包含)[\s\W_]*$"
    r"|all that apply|\b(?:choose|select|pick) (?:two|three|four|all|several)\b|\bwhich (?:[\w-]+ ){0,6}are\b"
    r"|\banswers are\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[^。.;；!?？\n]*[\W_]*$")


@dataclass(frozen=True)
class Stem:
    """The polarity and number of the options that a question asks for.

    known:    whether there is a stem
    negative: the question asks for what is wrong or an exception
    several:  its wording asks for several options; without such a wording it may still have several
    """

    known: bool = False
    negative: bool = False
    several: bool = False


@lru_cache(maxsize=4096)
def read_stem(stem: str | None) -> Stem:
    """What the wording of a stem asks for.

    >>> read_stem("关于阿托品的叙述，错误的有")
    Stem(known=True, negative=True, several=True)
    """
    if not stem or not stem.strip():
        return Stem()
    question = _QUESTION.search(stem.strip())
    asked = question[0] if question and len(question[0]) > 3 else stem
    return Stem(True, _NEGATIVE.search(asked) is not None, _SEVERAL.search(stem.strip()) is not None)
