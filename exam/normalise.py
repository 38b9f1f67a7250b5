"""Texts made comparable: what people see as the same question becomes the same string."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache


class _CharacterMap(dict[int, str]):
    """What `str.translate` replaces characters by; each different character is looked at once."""

    def __init__(self, replacement: Callable[[str], str]) -> None:
        super().__init__()
        self._replacement = replacement

    def __missing__(self, code: int) -> str:
        text = self[code] = self._replacement(chr(code))
        return text


def _normal_character(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(part for part in folded if unicodedata.category(part)[0] not in "PZC")


def _folded_character(character: str) -> str:
    if character.isspace():
        return ""
    return chr(ord(character) - 0xFEE0) if "\uff01" <= character <= "\uff5e" else character


_NORMAL, _FOLDED = _CharacterMap(_normal_character), _CharacterMap(_folded_character)


@lru_cache(maxsize=1 << 16)
def _combines(character: str) -> bool:
    """Whether NFKC may depend on the neighbours: marks and Hangul jamo, also out of a compatibility form."""
    parts = unicodedata.normalize("NFKC", character)
    return any(unicodedata.category(part)[0] == "M" or "\u1100" <= part <= "\u11ff" for part in parts)


def normalise_text(text: str) -> str:
    """`text` as it counts for "the same question": NFKC, case folded, no punctuation, blanks or controls.

    Symbols such as + and ≥ stay. The definition is Unicode's: categories P*, Z* and C* are dropped.

    >>> normalise_text("下列 关于Ｔ细胞的叙述，正确的是（　　）。")
    '下列关于t细胞的叙述正确的是'
    """
    return normalise_texts([text])[0]


def normalise_texts(texts: Sequence[str]) -> list[str]:
    """`normalise_text` of many texts at once, which is faster.

    >>> normalise_texts(["维生素 C", "维生素Ｃ？"])
    ['维生素c', '维生素c']
    """
    combining = set(filter(_combines, set("".join(texts))))
    if combining:  # NFKC of whole texts is slow; few have a character that needs more than itself
        texts = [
            text if combining.isdisjoint(text) else unicodedata.normalize("NFKC", text) for text in texts
        ]
    return [text.translate(_NORMAL) for text in texts]


def fold_texts(texts: Sequence[str]) -> list[str]:
    """Texts without blanks and with full-width forms made half-width; nothing else changes.

    A lighter comparison than `normalise_text`, for option texts: 10³ and 103, - and + stay different.

    >>> fold_texts(["１０ mg", "10³"])
    ['10mg', '10³']
    """
    return [text.translate(_FOLDED) for text in texts]
