"""What a question's stem asks for: right or wrong options, one or several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cmexam_baseline.exam.decoding import asks_for_several
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.scoring.extraction.patterns import any_of

# English stems: "… EXCEPT", "which is NOT", "least likely"; a small "not" counts only before what it denies.
_NEGATIVE = re.compile(
    any_of(
        r"(?i:\bexcept) \bNOT\b (?i:\b(?:is|are|was|were)_(?:not|least)\b)"
        r" (?i:\bnot_(?:true|correct|part|a|an|one|the|included|associated|considered)\b)"
        r" (?i:\bin(?:correct|accurate)\b) (?i:\b(?:false|wrong|exception|untrue)\b)"
        r" (?i:\bleast_(?:likely|appropriate)\b)"
        r" (?:不妥|不当|欠妥|不合理|不可取)(?:的(?:是|有|为|[一哪]|做法|措施|说法|叙述)|之处)"
    )
)
_SEVERAL = re.compile(
    r"all that apply|\b(?:choose|select|pick) (?:two|three|four|all|several)\b|\banswers are\b"
    r"|\bwhich (?:[\w-]+ ){0,6}are\b",
    re.IGNORECASE,
)
_LAST_SENTENCE = re.compile(r"[^。.;；!?？\n]*[\W_]*$")
_SHORTEST = 4


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


@lru_cache(maxsize=8192)
def read_stem(stem: str | None) -> Stem:
    """What the wording of a stem asks for; its last sentence is the question.

    >>> read_stem("关于阿托品的叙述，错误的有")
    Stem(known=True, negative=True, several=True)
    >>> read_stem("All of the following are antibiotics EXCEPT").negative
    True
    """
    text = (stem or "").strip()
    if not text:
        return Stem()
    question = _LAST_SENTENCE.search(text)
    asked = question[0] if question and len(question[0]) >= _SHORTEST else text
    negative = bool(is_negated([asked])[0]) or _NEGATIVE.search(asked) is not None
    several = bool(asks_for_several([text])[0]) or _SEVERAL.search(text) is not None
    return Stem(True, negative, several)
