"""Strings of words, made from code points and the places where words begin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IntArray

_CHARACTERS_AT_ONCE = 1 << 20


def strings_of_words(codes: CodePoints, text_offsets: IntArray, starts: BoolArray) -> list[list[str]]:
    """The words of each text; `starts` is True where one begins, at least at every text's first character.

    >>> codes = np.frombuffer("患者出现发热".encode("utf-32-le"), np.uint32)
    >>> starts = np.array([True, False, True, False, True, False, True])
    >>> strings_of_words(codes, np.array([0, 4, 4, 6]), starts)
    [['患者', '出现'], [], ['发热']]
    """
    words: list[list[str]] = []
    for first, last in _ranges(text_offsets):
        text = slice(int(text_offsets[first]), int(text_offsets[last]))
        words.extend(_split(codes[text], text_offsets[first : last + 1] - text.start, starts[text]))
    return words


def _ranges(text_offsets: IntArray) -> Iterator[tuple[int, int]]:
    """Ranges of texts with about `_CHARACTERS_AT_ONCE` characters, to bound the memory that is used."""
    first = 0
    while first < len(text_offsets) - 1:
        last = int(np.searchsorted(text_offsets, text_offsets[first] + _CHARACTERS_AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _split(codes: CodePoints, text_offsets: IntArray, starts: BoolArray) -> Iterator[list[str]]:
    # One string with a separator before each word, cut by `str.split`, is twice as fast as a slice a word.
    separator = _unused_code_point(codes)
    n_begun = np.cumsum(starts)
    line = np.full(len(codes) + int(n_begun[-1]) if len(codes) else 0, separator, "<u4")
    line[np.arange(len(codes)) + n_begun] = codes
    text = line.tobytes().decode("utf-32-le", "surrogatepass")
    offsets = text_offsets + np.concatenate([[0], n_begun])[text_offsets]
    for begin, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        yield text[begin + 1 : end].split(chr(separator)) if begin < end else []


def _unused_code_point(codes: CodePoints) -> int:
    # Beginning with noncharacters of the basic plane: a separator beyond it would double the string's size.
    candidate = 0xFFFF
    while (codes == candidate).any():
        candidate -= 1
    return candidate
