"""Normalised text and sentences."""

from __future__ import annotations

import re
import unicodedata

_SENTENCE_END = re.compile(r"[。；;！!？?\n]+")
_MIN_SENTENCE = 4


def normalize(text: str) -> str:
    """`text` in Unicode form NFKC and lower case.

    >>> normalize("维生素Ｂ１２")
    '维生素b12'
    """
    return unicodedata.normalize("NFKC", text).lower()


def split_sentences(text: str) -> list[str]:
    """The sentences and clauses of `text` of at least four characters, without their final stop.

    >>> split_sentences("热型中无消耗热（A错）。回归热（C错）常见于霍奇金病；稽留热见于伤寒。是。")
    ['热型中无消耗热（A错）', '回归热（C错）常见于霍奇金病', '稽留热见于伤寒']
    """
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if len(part) >= _MIN_SENTENCE]
