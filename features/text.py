"""Words and sentences of Chinese text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from cmexam_baseline.metrics.segment import cut

_SENTENCE_END = re.compile(r"[。；;！!？?\n]+")
_MIN_SENTENCE = 4


def normalize(text: str) -> str:
    """`text` in Unicode form NFKC and lower case.

    >>> normalize("维生素Ｂ１２")
    '维生素b12'
    """
    return unicodedata.normalize("NFKC", text).lower()


def cut_words(texts: Sequence[str]) -> list[list[str]]:
    """jieba's words (exact mode) of each text, without punctuation and blanks.

    >>> cut_words(["缺乏维生素A，可致夜盲症。"])
    [['缺乏', '维生素', 'A', '可致', '夜盲症']]
    """
    known: dict[str, bool] = {}
    rows = cut(texts)
    for row in rows:
        for word in row:
            if word not in known:
                known[word] = any(map(str.isalnum, word))
    return [[word for word in row if known[word]] for row in rows]


def split_sentences(text: str) -> list[str]:
    """The sentences and clauses of `text` of at least four characters, without their final stop.

    >>> split_sentences("热型中无消耗热（A错）。回归热（C错）常见于霍奇金病；稽留热见于伤寒。是。")
    ['热型中无消耗热（A错）', '回归热（C错）常见于霍奇金病', '稽留热见于伤寒']
    """
    parts = (part.strip() for part in _SENTENCE_END.split(text))
    return [part for part in parts if len(part) >= _MIN_SENTENCE]
