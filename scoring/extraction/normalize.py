"""Model output made plain: one width, no emphasis marks, no blanks beside Chinese, and the way back.

Every character of the plain text knows its place in the raw one: a span found here can be shown there.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

# Only folds of one character to one character: spans stay what they are. Circled digits and Roman
# numerals keep their form, because "①A" must not become "1A" and "Ⅰ" must not become a letter.
_FOLDED_BLOCKS = (
    (0x00A0, 0x0100),
    (0x2000, 0x20A0),
    (0x2100, 0x2150),
    (0x24B6, 0x24EA),
    (0x3000, 0x3001),
    (0xFE30, 0xFF00),
    (0xFF01, 0xFFEF),
    (0x1D400, 0x1D800),
)
_LETTER_IN_A_FRAME = {
    **{chr(0x249C + i): chr(ord("a") + i) for i in range(26)},
    **{chr(base + i): chr(ord("A") + i) for base in (0x1F110, 0x1F130, 0x1F150, 0x1F170) for i in range(26)},
}
# Traditional characters of the words that the rules know; some models slip into them.
_TRADITIONAL = dict(
    zip(
        "選項應為確錯誤對無與這該題說綜結論認會實際擇標準終據須沒屬於還當個從總圖後則請僅給頭較",
        "选项应为确错误对无与这该题说综结论认会实际择标准终据须没属于还当个从总图后则请仅给头较",
        strict=True,
    )
)
_ONE_FORM = (
    dict.fromkeys("‐‑‒–—―−－", "-") | dict.fromkeys("〜～∼", "~") | dict(zip("〖〗⟦⟧", "【】[]", strict=True))
)


def _fold_table() -> dict[str, str]:
    table = {}
    for first, end in _FOLDED_BLOCKS:
        for code in range(first, end):
            folded = unicodedata.normalize("NFKC", chr(code))
            if len(folded) == 1 and folded != chr(code):
                table[chr(code)] = folded
    return table | _LETTER_IN_A_FRAME | _ONE_FORM | _TRADITIONAL


_FOLD = _fold_table()
# Beyond the first 65,536 characters a class of single characters is searched one by one: ranges there.
_FOLDABLE = re.compile(
    "["
    + "".join(re.escape(char) for char in _FOLD if ord(char) < 0x10000)
    + "\U0001d400-\U0001d7ff\U0001f110-\U0001f189]"
)

_BLANKS = " \t\u00a0\u3000\u2002\u2003\u2009"
_MARKS = "*`$\u200b-\u200f\u2060\ufe0f\ufeff"
_TAGS = "b|strong|em|i|u|p|br|span|font|center|mark|h[1-6]|div|li|ul|ol"
# It begins with one class of characters, so that it is searched fast.
_NOISE = re.compile(
    rf"[{_MARKS}{_BLANKS}_<](?:(?<=[{_MARKS}])[{_MARKS}]*|(?<=[{_BLANKS}])[{_BLANKS}]*|(?<=_)_+"
    rf"|(?<=<)/?(?:{_TAGS})\b[^<>\n]{{0,60}}>)"
)
_WIDE = re.compile(r"[\u2e80-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]")


def fold(text: str) -> str:
    """Full-width and framed characters in their plain form, one for one.

    >>> fold("答案：Ｂ（ＡＢ型）Ⓒ")
    '答案:B(AB型)C'
    """
    return _FOLDABLE.sub(_folded, text)


def _folded(match: re.Match[str]) -> str:
    return _FOLD.get(match[0], match[0])


class CleanText:
    """The parts of a raw text that count, made plain, joined by newlines.

    >>> clean = CleanText("**答案：** Ｂ", [(0, 9)])
    >>> clean.text, clean.raw_span(3, 4)
    ('答案:B', (8, 9))
    """

    def __init__(self, raw: str, ranges: list[tuple[int, int]]) -> None:
        self.raw = raw
        self._ranges = ranges
        self._clean_starts: list[int] = []
        self._raw_starts: list[int] = []
        pieces: list[str] = []
        length = 0
        for start, end in ranges:
            if pieces:
                pieces.append("\n")
                length += 1
            for piece_start, piece_end in _quiet_pieces(raw, start, end):
                self._clean_starts.append(length)
                self._raw_starts.append(piece_start)
                pieces.append(raw[piece_start:piece_end])
                length += piece_end - piece_start
        self.text = fold("".join(pieces))

    def raw_span(self, start: int, end: int) -> tuple[int, int]:
        """Where the clean text from `start` to `end` (not empty) stands in the raw text."""
        return self._raw_position(start), self._raw_position(end - 1) + 1

    def raw_text(self, start: int, end: int) -> str:
        """The raw text that the clean text from `start` to `end` was made from, without what was left out."""
        if start >= end:
            return ""
        first, beyond = self.raw_span(start, end)
        kept = [(max(a, first), min(b, beyond)) for a, b in self._ranges]
        return "\n".join(self.raw[a:b] for a, b in kept if b > a)

    def _raw_position(self, position: int) -> int:
        if not self._clean_starts:
            return 0
        piece = max(bisect_right(self._clean_starts, position) - 1, 0)
        return self._raw_starts[piece] + position - self._clean_starts[piece]


def clean(text: str) -> str:
    """The plain form of a short text, as option texts are compared.

    >>> clean("维生素 Ｂ₁₂ **缺乏**")
    '维生素B12 缺乏'
    """
    if not _NOISE.search(text):
        return fold(text)
    return fold("".join(text[start:end] for start, end in _quiet_pieces(text, 0, len(text))))


def _quiet_pieces(raw: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretches of raw[start:end] between emphasis marks, invisible characters and needless blanks."""
    pieces = []
    position = start
    for match in _NOISE.finditer(raw, start, end):
        if _blank_that_matters(raw, match, end):
            continue
        if match.start() > position:
            pieces.append((position, match.start()))
        position = match.end()
    if end > position:
        pieces.append((position, end))
    return pieces


def _blank_that_matters(raw: str, match: re.Match[str], end: int) -> bool:
    if match[0][0] not in _BLANKS:
        return False
    before = raw[match.start() - 1 : match.start()]
    after = raw[match.end() : match.end() + 1] if match.end() < end else ""
    return not (_WIDE.match(before) or _WIDE.match(after))
