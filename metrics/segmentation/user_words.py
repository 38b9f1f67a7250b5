"""Adding a user's words to a dictionary as `jieba.load_userdict` does, missing frequencies included."""

from __future__ import annotations

import re
from math import log

from cmexam_baseline.metrics.segmentation.blocks import BLOCK
from cmexam_baseline.metrics.segmentation.jieba_files import Dictionary

_ENTRY = re.compile("^(.+?)( [0-9]+)?( [a-z]+)?$")
_LETTER_OR_DIGIT = re.compile("[a-zA-Z0-9]")
_BYTE_ORDER_MARK = "\ufeff"


def add_user_words(dictionary: Dictionary, content: bytes, source: str) -> tuple[Dictionary, frozenset[str]]:
    """A copy of the dictionary with the words of a user's file, and those of them that must be split.

    Each line is `word [frequency] [tag]`. A word without a frequency gets the smallest with which it would be
    cut out; one with frequency 0 is deleted, and split even where the unknown-word model would join it.
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
    """A dictionary that also holds every beginning of its words, with frequency 0, as jieba's does."""

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
        """Just above what its parts are worth together, and no less than the word has: `suggest_freq`."""
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
            together = ""
            for word in self._best_words(piece):
                if len(word) == 1 and _LETTER_OR_DIGIT.match(word):
                    together += word
                    continue
                parts.extend([together, word] if together else [word])
                together = ""
            parts.extend([together] if together else [])
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
