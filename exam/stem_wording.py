"""What a stem asks for: the option that applies or the one that does not, one or several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Words that ask for the exception wherever they occur in the stem.
_ANYWHERE = re.compile(
    r"除外|除了|不正确|不恰当|不合适|(?<!型)错误|有误|无关|不是|不属|不包括|不包含|不符合|不存在|不具有|不具备|不作为|不需|无需|不得|不应|不宜"
    r"|除(?:哪|何|下列|以下)[^，。]{0,12}外|(?<![切消清免去解拔摘排])除[^，。]{1,12}外，?[^，。]{0,3}[均都皆]|不适[合宜用]|不与|不以|不对(?![称等])|最不|禁忌|禁用|并非|均非"
    # 非 begins the name of many things (非甾体抗炎药, 非去极化肌松药); it denies only after a word that asks.
    r"|(?:哪一?[项个种些]|何者)非(?!甾|典型|特异|霍奇金|处方|小细胞|去极化|磺酰|线性|离子|淋菌|结核)"
)
# Words that also describe a patient or a finding ("不能平卧"): they ask only in the last clause.
_LAST_CLAUSE = re.compile(r"不会|不能|不可(?![逆缺控分])|不必|不在|没有|几乎无")
# Each of these words, the English ones below too, has one of these: most stems have none and need no further look.
_ANY_OF_THEM = re.compile("[除不错误无禁非没]|[A-Za-z]{3}")
# A longer quotation describes a finding; a short one ("不属于") may be the emphasis of the question itself.
_QUOTATION = re.compile(r"“[^”]{7,}”|\"[^\"]{7,}\"|‘[^’]{7,}’")
_CLAUSE_END = re.compile(r"[，。；！？：,;!?:]")
_BRACKETS_AT_THE_END = re.compile(r"[\s（）()。？?：:_]+$")
_SHORTEST_CLAUSE = 5
# English stems, and Chinese words for what is unwise: only the last sentence is the question.
_SENTENCE_ENDS = "。.;；!?？\n"
_BEHIND_THE_QUESTION = _SENTENCE_ENDS + " \t\r\u3000！：:（）()【】[]_-…—“”\"'"
_SHORTEST_SENTENCE = 4
_ENGLISH = re.compile(
    r"\bNOT\b|(?i:\b(?:except|exception|false|wrong|untrue|incorrect|inaccurate)\b"
    r"|\b(?:is|are|was|were)[ \t]+(?:not|least)\b|\bleast[ \t]+(?:likely|appropriate)\b"
    r"|\bnot[ \t]+(?:true|correct|part|a|an|one|the|included|associated|considered)\b)"
)
_UNWISE = re.compile(r"(?:不妥|不当|欠妥|不合理|不可取)(?:的(?:是|有|为|[一哪]|做法|措施|说法|叙述)|之处)")
# A stem that ends in 有, 包括 or 包含, or that says 哪些 or 多选, often asks for several letters.
_ASKS_FOR_SEVERAL = re.compile(r"哪些|哪几|多选|不定项|(?:有|包括|包含)[\s\W_]*$")
_SEVERAL_IN_ENGLISH = re.compile(
    r"all that apply|\b(?:choose|select|pick) (?:two|three|four|all|several)\b|\banswers are\b"
    r"|\bwhich (?:[\w-]+ ){0,6}are\b",
    re.IGNORECASE,
)


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
    question = _question(text)
    negative = _is_negated(question) or _UNWISE.search(question) is not None
    several = _ASKS_FOR_SEVERAL.search(text) is not None or _SEVERAL_IN_ENGLISH.search(text) is not None
    return Stem(True, negative, several)


def asks_for_several(questions: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the wording of a stem asks for several options, bool (n,).

    >>> asks_for_several(["可引起咳嗽的药物有", "可引起咳嗽的药物是"]).tolist()
    [True, False]
    """
    found = (_ASKS_FOR_SEVERAL.search(stem) is not None for stem in questions)
    return np.fromiter(found, dtype=bool, count=len(questions))


def is_negated(stems: Sequence[str]) -> NDArray[np.bool_]:
    """Whether a stem asks for the option that is wrong, missing or not to be done, bool (n,).

    >>> is_negated(["不属于β受体阻断剂的是", "属于非甾体抗炎药的是", "All are fruits EXCEPT"]).tolist()
    [True, False, True]
    """
    return np.fromiter(map(_is_negated, stems), dtype=bool, count=len(stems))


def _question(stem: str) -> str:
    """The last sentence, or the whole where that is too short to ask anything."""
    asking = stem.rstrip(_BEHIND_THE_QUESTION)
    start = max(asking.rfind(mark) for mark in _SENTENCE_ENDS) + 1
    return stem[start:] if len(stem) - start >= _SHORTEST_SENTENCE else stem


# Training, prediction and scores ask for the same stems.
@lru_cache(1 << 16)
def _is_negated(stem: str) -> bool:
    if not _ANY_OF_THEM.search(stem):
        return False
    text = _QUOTATION.sub("", stem)
    if _ANYWHERE.search(text) or _ENGLISH.search(_question(stem)):
        return True
    if not _LAST_CLAUSE.search(text):
        return False
    clauses = _CLAUSE_END.split(_BRACKETS_AT_THE_END.sub("", text))
    # "以下不能口服的药物，是" ends in a clause that is only a verb.
    asking = clauses[-1] if len(clauses[-1]) >= _SHORTEST_CLAUSE else "".join(clauses[-2:])
    return bool(_LAST_CLAUSE.search(asking))
