"""Texts to cut: random ones of words, digits and rarities, hand-picked ones, and all that are shared."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

from shared_data import SHARED

from cmexam_baseline.metrics.segmentation.dictionary import file_content

csv.field_size_limit(1 << 30)

_LATIN = "abzAZ09.%-_&+#.%"
_SPACES = [" ", "\r", "\n", "\r\n", "\t", "\x0b", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"]
_RARE = ["\ud800", "\udfff", "\ud83d\ude00", "\U00020000", "\U0002a6d6", "\U0010ffff", "😀", "\0", "\ufeff"]
_NEARLY = [
    "\u4dff",
    "\u4e00",
    "\u9fd5",
    "\u9fd6",
    "\uffff",
    "\ufffe",
    "٣",
    "①",
    "½",
    "é",
    "\u0301",
    "Ａ",
    "９",
]
_PUNCTUATION = "，。、；：（）“”《》—…·"

EDGE_TEXTS = [
    "",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\n\r",
    "\r\n\r\n",
    "a",
    "是",
    "3.14%",
    "1.2.3.4",
    "1.2a.3%",
    ".5",
    "5.",
    "9.79mmol/L",
    "AT&T的C++和c#",
    "B超T恤",
    "%%..--__",
    "1%2%.3%",
    "血压140/90mmHg，心率P24～28次",
    "\ufeff患者",
    "患者\0出现\ud800心衰\U00020000😀",
    "\u9fd5\u9fd6\u4e00\u4dff",
    # Beside characters that no word covers, what counts as Han shows.
    *(
        text.replace("X", near)
        for near in "\u4dff\u4e00\u9fd5\u9fd6"
        for text in ("患珺X彧媛", "患媛翀X", "X王的媛")
    ),
    "是" * 3000,
    "的" * 500 + "医院" * 500,
    "心力衰竭患者" * 400,
    "9" * 300 + "." + "9" * 300 + "%",
    "1." * 300,
    "龘靐齉爩鱻麤" * 50,
]


def random_texts(n: int, seed: int) -> list[str]:
    """n texts of up to some 60 characters that a cutter may stumble over."""
    draw = random.Random(seed)
    dictionary = file_content("dictionary").decode("utf-8").split()
    words = dictionary[::3]
    han = [chr(code) for code in range(0x4E00, 0x9FD6)]
    common = sorted({character for word in words[::50] for character in word})

    def any_character() -> str:
        return chr(draw.randrange(0x110000))

    kinds = [
        lambda: draw.choice(words),
        lambda: draw.choice(words),
        lambda: draw.choice(common),
        lambda: draw.choice(common),
        lambda: draw.choice(_LATIN),
        lambda: draw.choice(_LATIN) * draw.randrange(1, 4),
        lambda: draw.choice(han),
        lambda: draw.choice(_SPACES),
        lambda: draw.choice(_PUNCTUATION),
        lambda: draw.choice(_RARE + _NEARLY),
        any_character,
    ]
    return ["".join(draw.choice(kinds)() for _ in range(draw.randrange(24))) for _ in range(n)]


def shared_texts(pattern: str = "**/*") -> list[str]:
    """Every text of the shared data files whose path fits the pattern, question by question."""
    return [text for path in sorted((SHARED / "data").glob(pattern)) for text in _texts_of(path)]


def _texts_of(path: Path) -> list[str]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [text for row in csv.DictReader(file) for text in row.values() if text]
    if path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [value for row in rows for value in row.values() if isinstance(value, str)]
    return []
