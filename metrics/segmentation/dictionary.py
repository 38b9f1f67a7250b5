"""jieba's dictionary, its model of unknown words, its classes of characters, and the words of a user's dictionary.

All are read from jieba's installed files without importing it: importing it warns on some Pythons, and
starting it logs and leaves a cache in the temporary folder.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# jieba cuts blocks of Han and Latin characters into words; each other character is a word.
OTHER, LATIN, HAN = 0, 1, 2
CODE_POINTS = 0x110000
_HAN_CODES = slice(0x4E00, 0x9FD6)
_LATIN_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+#&._%-"
# What jieba calls re_han_default and re_skip_default, then re_han and re_skip of its finalseg.
BLOCK = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&\._%\-]+)")
OTHER_CHARACTER = re.compile(r"\r\n|.", re.DOTALL)
HAN_RUN = re.compile(r"([\u4E00-\u9FD5]+)")
NUMBER_OR_NAME = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")

# A character begins a word, is inside it, ends it, or is a word.
STATES = "BMES"
BEGIN, AMID, END, ALONE = range(len(STATES))
# Which two states can come before each; of two equal sums the second wins, for jieba compares letters then.
PREDECESSORS = {BEGIN: (END, ALONE), AMID: (BEGIN, AMID), END: (BEGIN, AMID), ALONE: (END, ALONE)}
IMPOSSIBLE = -3.14e100  # jieba's logarithm of zero

MODEL = {
    "start": "finalseg/prob_start.py",
    "transitions": "finalseg/prob_trans.py",
    "emissions": "finalseg/prob_emit.py",
}
_FILES = {"dictionary": "dict.txt", **MODEL}
_ENTRY = re.compile("^(.+?)( [0-9]+)?( [a-z]+)?$")
_BYTE_ORDER_MARK = "\ufeff"


@cache
def character_classes() -> npt.NDArray[np.uint8]:
    """OTHER, LATIN or HAN for each code point."""
    classes = np.full(CODE_POINTS, OTHER, np.uint8)
    classes[_HAN_CODES] = HAN
    classes[list(_LATIN_CHARACTERS)] = LATIN
    classes.flags.writeable = False
    return classes


@dataclass(frozen=True, eq=False)
class Dictionary:
    """The content of `jieba.dt` once it is loaded: the words' frequencies and their sum."""

    frequencies: dict[str, int]
    total: int


@cache
def jieba_folder() -> Path:
    """Where jieba is installed; raises `ModuleNotFoundError` with the install line if it is not."""
    spec = importlib.util.find_spec("jieba")
    for folder in (spec and spec.submodule_search_locations) or ():
        if all((Path(folder) / name).is_file() for name in _FILES.values()):
            return Path(folder)
    raise ModuleNotFoundError("words need the files of jieba 0.42.1: pip install jieba==0.42.1", name="jieba")


def file_content(name: str) -> bytes:
    """One of jieba's files: "dictionary", "start", "transitions" or "emissions"."""
    return (jieba_folder() / _FILES[name]).read_bytes()


def parse_dictionary(content: bytes, source: str) -> Dictionary:
    """Read lines of `word frequency [tag]`; the last frequency of a word that occurs twice counts, as in jieba.

    Raises `ValueError` naming `source` and line where a line has another form.
    """
    frequencies: dict[str, int] = {}
    total = 0
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            word, count = line.strip().decode("utf-8").split(" ")[:2]
            frequency = int(count)
        except ValueError:
            raise ValueError(
                f"{source}, line {number}: {line[:60]!r} is not `word frequency [tag]` in UTF-8; correct it"
            ) from None
        frequencies[word] = frequency
        total += frequency
    return Dictionary(frequencies, total)


def read_unknown_word_model() -> dict[str, Any]:
    """The hidden Markov model that joins characters which no word covers: `MODEL`, natural logarithms by state."""
    # The files are Python of one form, `P={'B': {'\u4e00': -3.65…}}`, which is JSON but for the quotes.
    sources = {name: file_content(name).decode("ascii").partition("P=")[2] for name in MODEL}
    return {name: json.loads(source.replace("'", '"')) for name, source in sources.items()}


class JiebaState(NamedTuple):
    """The dictionary of `jieba.dt` at one moment.

    `frequencies` is jieba's own dict, None if jieba has yet to load `path` (or, if that is None too, its own
    dictionary). `key` differs whenever one of jieba's functions has changed what is cut.
    """

    frequencies: dict[str, int] | None
    total: int
    path: Path | None
    split_words: frozenset[str]
    key: tuple[object, ...]


def jieba_state() -> JiebaState | None:
    """The state of `jieba.dt`, in microseconds; None if jieba is not imported."""
    finalseg = sys.modules.get("jieba.finalseg")
    tokenizer: Any = getattr(sys.modules.get("jieba"), "dt", None)
    if tokenizer is None or finalseg is None:
        return None
    split_words = frozenset(finalseg.Force_Split_Words)
    path = Path(tokenizer.dictionary) if tokenizer.dictionary else None
    if not tokenizer.initialized:
        return JiebaState(None, 0, path, split_words, (str(path), split_words))
    frequencies = tokenizer.FREQ
    # Adding a word raises jieba's total; deleting one puts it among the split words, or, if it is there
    # already, changes the frequency of a split word. So this key changes with each of jieba's functions.
    split_frequencies = tuple(frequencies.get(word) for word in sorted(split_words))
    key = (id(frequencies), len(frequencies), tokenizer.total, split_words, split_frequencies)
    return JiebaState(frequencies, tokenizer.total, path, split_words, key)


def add_user_words(dictionary: Dictionary, content: bytes, source: str) -> tuple[Dictionary, frozenset[str]]:
    """A copy of the dictionary with the words of a user's file, and those of them that must be split.

    Each line is `word [frequency] [tag]`. A word without a frequency gets the smallest one with which it is
    cut as a word; one with frequency 0 is deleted, and split even if the model of unknown words would join it.
    Raises `ValueError` naming `source` and line where the file is not UTF-8.
    """
    growing = _GrowingDictionary(dictionary)
    split_words = set()
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            text = line.strip().decode("utf-8").lstrip(_BYTE_ORDER_MARK)
        except UnicodeDecodeError:
            raise ValueError(
                f"{source}, line {number}: not UTF-8; save the user dictionary as UTF-8"
            ) from None
        entry = _ENTRY.match(text)
        if entry is None:
            continue
        word, given = entry.group(1), entry.group(2)
        frequency = growing.suggested_frequency(word) if given is None else int(given)
        growing.add(word, frequency)
        if frequency == 0:
            split_words.add(word)
    return Dictionary(growing.frequencies, growing.total), frozenset(split_words)


class _GrowingDictionary:
    """A dictionary that also contains every prefix of its words, with frequency 0, as jieba's does."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.total = dictionary.total
        self.frequencies = dict(dictionary.frequencies)
        for word in dictionary.frequencies:
            self._add_beginnings(word)

    def _add_beginnings(self, word: str) -> None:
        for end in range(len(word) - 1, 0, -1):
            if word[:end] in self.frequencies:
                break
            self.frequencies[word[:end]] = 0

    def add(self, word: str, frequency: int) -> None:
        self.frequencies[word] = frequency
        self.total += frequency
        self._add_beginnings(word)

    def suggested_frequency(self, word: str) -> int:
        """Just above the joint probability of its parts, and no less than the word's own: `suggest_freq`."""
        worth = 1.0
        for part in self._parts(word):
            worth *= self.frequencies.get(part, 1) / self.total
        return max(int(worth * self.total) + 1, self.frequencies.get(word, 1))

    def _parts(self, text: str) -> list[str]:
        """jieba's cut without its model of unknown words: single letters and digits in a row are one part."""
        parts: list[str] = []
        for piece in BLOCK.split(text):
            if not BLOCK.match(piece):
                parts.extend(piece)
                continue
            for are_joined, run in groupby(self._best_words(piece), _is_letter_or_digit):
                words = list(run)
                parts.extend(["".join(words)] if are_joined else words)
        return parts

    def _best_words(self, block: str) -> list[str]:
        log_total = log(self.total)
        best = [(0.0, 0)] * (len(block) + 1)  # worth from here on, end of the first word
        for begin in range(len(block) - 1, -1, -1):
            ends = []
            for end in range(begin + 1, len(block) + 1):
                frequency = self.frequencies.get(block[begin:end])
                if frequency is None:
                    break
                if frequency:
                    ends.append(end)
            best[begin] = max(
                (log(self.frequencies.get(block[begin:end]) or 1) - log_total + best[end][0], end)
                for end in ends or [begin + 1]
            )
        words, begin = [], 0
        while begin < len(block):
            words.append(block[begin : best[begin][1]])
            begin = best[begin][1]
        return words


def _is_letter_or_digit(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalnum()
