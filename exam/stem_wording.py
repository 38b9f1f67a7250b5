"""Stems that ask for the option that does not apply."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Words that ask for the exception wherever they occur in the stem.
_ANYWHERE = re.compile(
    r"除外|除了|不正确|不恰当|错误|有误|无关|不是|不属于|不包括|不包含|不符合|不存在|不作为|不需|无需|不得|不应|不宜"
    r"|除(?:哪|何|下列|以下)[^，。]{0,12}外|(?<![切消清免去解拔摘排])除[^，。]{1,12}外，?[^，。]{0,3}[均都皆]|不适[合宜用]|不与|不以|不对(?![称等])|最不|禁忌|禁用|并非|均非"
    # 非 begins the name of many things (非甾体抗炎药, 非去极化肌松药); it denies only after a word that asks.
    r"|(?:哪一?[项个种些]|何者)非(?!甾|典型|特异|霍奇金|处方|小细胞|去极化|磺酰|线性|离子|淋菌|结核)"
)
# Words that also describe a patient or a finding ("不能平卧"): they ask only in the last clause.
_LAST_CLAUSE = re.compile(r"不会|不能|不可(?![逆缺控分])|不必|没有")
# A longer quotation describes a finding; a short one ("不属于") may be the emphasis of the question itself.
_QUOTATION = re.compile(r"“[^”]{7,}”|\"[^\"]{7,}\"|‘[^’]{7,}’")
_CLAUSE_END = re.compile(r"[，。；！？：,;!?:]")
_BRACKETS_AT_THE_END = re.compile(r"[\s（）()。？?：:_]+$")
_SHORTEST_CLAUSE = 5


def is_negated(stems: Sequence[str]) -> NDArray[np.bool_]:
    """Whether a stem asks for the option that is wrong, missing or not to be done, bool (n,).

    >>> is_negated(["不属于β受体阻断剂的是", "属于非甾体抗炎药的是"]).tolist()
    [True, False]
    """
    return np.fromiter(map(_is_negated, stems), dtype=bool, count=len(stems))


def _is_negated(stem: str) -> bool:
    text = _QUOTATION.sub("", stem)
    if _ANYWHERE.search(text):
        return True
    if not _LAST_CLAUSE.search(text):
        return False
    clauses = _CLAUSE_END.split(_BRACKETS_AT_THE_END.sub("", text))
    # "以下不能口服的药物，是" ends in a clause that is only a verb.
    asking = clauses[-1] if len(clauses[-1]) >= _SHORTEST_CLAUSE else "".join(clauses[-2:])
    return bool(_LAST_CLAUSE.search(asking))
