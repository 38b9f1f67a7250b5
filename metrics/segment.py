"""jieba 0.42.1's words, exactly, for many texts at once.

`cut(texts)` equals `[jieba.lcut(text) for text in texts]` for every text, many times faster, and
`word_starts(texts)` gives the same words as arrays, without a string per word. The dictionary and the model of
unknown words are read from jieba's installed files; changes in this process by `jieba.load_userdict`,
`add_word`, `del_word`, `suggest_freq` or `set_dictionary` are followed.

The first call of a process loads a table of 18 MB from the user's cache folder, in about 0.1 s. The first
call on a machine builds it, in about 1.5 s, and stores it there (see `segmentation/table_cache.py`); if
that cannot be written each process builds it. A change to jieba's words also costs a build, once. jieba
itself is never imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IntArray
from cmexam_baseline.metrics.segmentation.dictionary import JiebaState, jieba_state
from cmexam_baseline.metrics.segmentation.scalar_cutter import BlockCutter, TextCutter
from cmexam_baseline.metrics.segmentation.table_cache import table_of_files, table_of_jieba_state
from cmexam_baseline.metrics.segmentation.trie import WordTable
from cmexam_baseline.metrics.segmentation.vectorised_cutter import VectorisedCutter
from cmexam_baseline.metrics.tokens import encode, number_code_points

_CHARACTERS_AT_ONCE = 1 << 20  # when strings are made
_FEW_CHARACTERS = 700  # below this plain Python is faster than arrays


class Segmenter:
    """Cuts texts into the words of jieba with one dictionary, independent of the state of jieba in this process.

    `user_dict` is a file as for `jieba.load_userdict`, added to `dictionary`, a file as for
    `jieba.set_dictionary`, which is jieba's own by default. Raises `OSError` if a file cannot be read and
    `ValueError` naming file and line where one has another form.

    >>> Segmenter().cut(["患者出现心力衰竭", "", "9.79mmol/L"])
    [['患者', '出现', '心力衰竭'], [], ['9.79', 'mmol', '/', 'L']]
    """

    def __init__(
        self,
        user_dict: str | os.PathLike[str] | None = None,
        dictionary: str | os.PathLike[str] | None = None,
    ) -> None:
        paths = [None if path is None else Path(path) for path in (dictionary, user_dict)]
        self._set(*table_of_files(*paths))

    @classmethod
    def _of(cls, table: WordTable, split_words: frozenset[str]) -> Segmenter:
        segmenter = cls.__new__(cls)
        segmenter._set(table, split_words)
        return segmenter

    def _set(self, table: WordTable, split_words: frozenset[str]) -> None:
        self._table = table
        self._split_words = split_words
        block_cutter = BlockCutter(table)
        self._short = TextCutter(table, block_cutter, split_words)
        self._long = VectorisedCutter(table, block_cutter, split_words)
        # The strings of slots are made once, at their first occurrence: making them takes long.
        self._strings = np.empty(len(table.bases), object)
        self._has_string = np.zeros(len(table.bases), bool)

    def __reduce__(self) -> tuple[object, ...]:
        # The cutters made of these cannot be pickled.
        return Segmenter._of, (self._table, self._split_words)

    def dictionary_hash(self) -> str:
        """sha256 of all words, their frequencies and the words to split, in hexadecimal.

        Equal dictionaries have equal hashes, on every machine and from any files.
        """
        if not self._split_words:
            return self._table.digest
        content = json.dumps([self._table.digest, *sorted(self._split_words)])
        return hashlib.sha256(content.encode()).hexdigest()

    def cut(self, texts: Iterable[str]) -> list[list[str]]:
        """The words of each text, as `jieba.lcut(text)` gives them.

        Raises `TypeError` naming the first entry that is no string.
        """
        checked, joined = _checked(texts)
        if len(joined) < _FEW_CHARACTERS:
            return [self._short.cut(text) for text in checked]
        words: list[list[str]] = []
        codes, text_offsets = encode(checked)
        # In ranges of texts that begin within one million characters, to bound the memory that is used.
        firsts = np.flatnonzero(np.diff(text_offsets[:-1] // _CHARACTERS_AT_ONCE, prepend=-1)).tolist()
        for first, last in pairwise([*firsts, len(checked)]):
            text = slice(int(text_offsets[first]), int(text_offsets[last]))
            words.extend(self._words(codes[text], text_offsets[first : last + 1] - text.start))
        return words

    def _words(self, codes: CodePoints, text_offsets: IntArray) -> list[list[str]]:
        slots = np.full(len(codes), -1, np.int32)
        bounds = np.flatnonzero(self._long.word_starts(codes, text_offsets, slots))
        begins, ends = bounds[:-1], bounds[1:]
        text = codes.tobytes().decode("utf-32-le", "surrogatepass")
        slots = slots.take(begins)
        new = np.flatnonzero((slots >= 0) & ~self._has_string.take(slots))
        place_of_slot = dict(zip(slots[new].tolist(), new.tolist(), strict=True))
        for slot, place in place_of_slot.items():
            self._strings[slot] = text[begins[place] : ends[place]]
        self._has_string[list(place_of_slot)] = True
        words = self._strings.take(slots)
        lengths = np.where(slots < 0, ends - begins, 0)
        single, rest = np.flatnonzero(lengths == 1), np.flatnonzero(lengths > 1)
        numbers, different = number_code_points(codes.take(begins[single]))
        words[single] = np.array(list(map(chr, different.tolist())), object).take(numbers)
        words[rest] = [text[a:b] for a, b in zip(begins[rest].tolist(), ends[rest].tolist(), strict=True)]
        return [words[a:b].tolist() for a, b in pairwise(np.searchsorted(bounds, text_offsets).tolist())]

    def word_starts(self, texts: Iterable[str]) -> tuple[CodePoints, IntArray, BoolArray]:
        """Where words begin in the concatenated texts: `(codes, text_offsets, starts)`.

        `codes` are the code points of n characters, uint32; text i is from
        `text_offsets[i]` to `text_offsets[i + 1]`; `starts` has n + 1 entries and is True where a word
        begins, and at the end. Raises `TypeError` naming the first entry that is no string.

        >>> codes, text_offsets, starts = Segmenter().word_starts(["患者出现", "发热"])
        >>> text_offsets.tolist(), np.flatnonzero(starts).tolist()
        ([0, 4, 6], [0, 2, 4, 6])
        """
        checked, _ = _checked(texts)
        codes, text_offsets = encode(checked)
        if len(codes) >= _FEW_CHARACTERS:
            return codes, text_offsets, self._long.word_starts(codes, text_offsets)
        starts = np.zeros(len(codes) + 1, bool)
        starts[np.cumsum([0, *(len(word) for text in checked for word in self._short.cut(text))])] = True
        return codes, text_offsets, starts


class _Default:
    """The segmenter that cuts as `jieba.lcut` does in this process at present."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._untouched: Segmenter | None = None
        self._following: tuple[JiebaState, Segmenter] | None = None

    def get(self) -> Segmenter:
        state = jieba_state()
        with self._lock:
            if self._untouched is None:
                self._untouched = Segmenter()
            if state is None:
                return self._untouched
            if self._following is None or self._following[0].key != state.key:
                table, segmenter = table_of_jieba_state(state, self._untouched._table), self._untouched
                if table is not segmenter._table or state.split_words:
                    segmenter = Segmenter._of(table, state.split_words)
                self._following = state, segmenter
            return self._following[1]


_default = _Default()


def cut(texts: Iterable[str]) -> list[list[str]]:
    """The words of each text, equal to `[jieba.lcut(text) for text in texts]`, words added to jieba included.

    See the module for the cost of the first call. Raises `TypeError` naming the first entry
    that is no string.

    >>> cut(["患者出现心力衰竭", ""])
    [['患者', '出现', '心力衰竭'], []]
    """
    return _default.get().cut(texts)


def word_starts(texts: Iterable[str]) -> tuple[CodePoints, IntArray, BoolArray]:
    """The same words as arrays `(codes, text_offsets, starts)`; see `Segmenter.word_starts`.

    >>> codes, text_offsets, starts = word_starts(["患者出现", "发热"])
    >>> text_offsets.tolist(), np.flatnonzero(starts).tolist()
    ([0, 4, 6], [0, 2, 4, 6])
    """
    return _default.get().word_starts(texts)


def dictionary_hash() -> str:
    """The hash of the dictionary that `cut` uses at this moment; see `Segmenter.dictionary_hash`.

    >>> len(dictionary_hash())
    64
    """
    return _default.get().dictionary_hash()


def _checked(texts: Iterable[str]) -> tuple[list[str], str]:
    if isinstance(texts, (str, bytes)):
        raise TypeError("texts must be a list of strings, not one string; give [text]")
    checked = list(texts)
    try:
        return checked, "".join(checked)
    except TypeError:
        place, entry = next((i, text) for i, text in enumerate(checked) if not isinstance(text, str))
        raise TypeError(f"every text must be a string; text {place} is {type(entry).__name__}") from None
