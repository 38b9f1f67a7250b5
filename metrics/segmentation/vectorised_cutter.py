"""Many texts cut at once with arrays, chunk by chunk."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IntArray
from cmexam_baseline.metrics.segmentation.characters import OTHER, character_classes
from cmexam_baseline.metrics.segmentation.chunk import gather_blocks
from cmexam_baseline.metrics.segmentation.scalar_cutter import BlockCutter
from cmexam_baseline.metrics.segmentation.unknown_words import UnknownWords
from cmexam_baseline.metrics.segmentation.word_graph import best_lengths, find_long_words, follow
from cmexam_baseline.metrics.segmentation.word_table import WordTable

_CHUNK_CHARACTERS = 1 << 18  # characters; the arrays of a chunk should stay in the processor's cache
_CARRIAGE_RETURN, _LINE_FEED = 13, 10


class VectorisedCutter:
    """Finds where jieba's words begin in texts that are given as code points."""

    def __init__(self, table: WordTable, cutter: BlockCutter, split_words: Collection[str]) -> None:
        self._table = table
        self._unknown_words = UnknownWords(table, cutter, split_words)

    def word_starts(self, codes: CodePoints, text_offsets: IntArray) -> BoolArray:
        """For each place whether a word begins there; True after the last place."""
        begins_text = np.zeros(len(codes) + 1, bool)
        begins_text[text_offsets] = True
        starts = np.ones(len(codes) + 1, bool)
        for chunk in _chunks(codes, begins_text):
            starts[chunk] = self._chunk_starts(codes[chunk], begins_text[chunk])
        # Outside blocks every character is a word, but for a line end of two characters.
        returns = np.flatnonzero(codes[:-1] == _CARRIAGE_RETURN)
        line_ends = returns[codes[returns + 1] == _LINE_FEED] + 1
        starts[line_ends] = begins_text[line_ends]
        return starts

    def _chunk_starts(self, codes: CodePoints, begins_text: BoolArray) -> BoolArray:
        chunk = gather_blocks(self._table, codes, begins_text)
        long_words = find_long_words(self._table, chunk)
        lengths = best_lengths(self._table, chunk, long_words)
        begins_word = follow(chunk, lengths)
        self._unknown_words.join(codes, chunk, long_words, begins_word)
        starts = np.ones(len(codes) + 1, bool)
        starts[chunk.sources] = begins_word
        return starts[:-1]


def _chunks(codes: CodePoints, begins_text: BoolArray) -> Iterator[slice]:
    """Slices of about `_CHUNK_CHARACTERS` characters, cut where no block can be broken."""
    begin = 0
    while begin < len(codes):
        end = begin + _CHUNK_CHARACTERS
        while end < len(codes):
            window = slice(end, end + _CHUNK_CHARACTERS)
            is_safe = begins_text[:-1][window] | (character_classes().take(codes[window]) == OTHER)
            if is_safe.any():
                end += int(is_safe.argmax())
                break
            end += _CHUNK_CHARACTERS
        yield slice(begin, min(end, len(codes)))
        begin = end
