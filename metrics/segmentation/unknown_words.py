"""jieba's finalseg, which joins single characters of the best path to words, for many runs at once."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IdArray, IntArray
from cmexam_baseline.metrics.ragged import span_indices
from cmexam_baseline.metrics.segmentation.characters import HAN, NUMBER_OR_NAME, character_classes
from cmexam_baseline.metrics.segmentation.chunk import Chunk, StepSchedule
from cmexam_baseline.metrics.segmentation.dictionary import ALONE, END, PREDECESSORS
from cmexam_baseline.metrics.segmentation.scalar_cutter import BlockCutter
from cmexam_baseline.metrics.segmentation.word_graph import LongWords
from cmexam_baseline.metrics.segmentation.word_table import WordTable


class UnknownWords:
    """Joins consecutive single characters to words, except those of `split_words`, which stay characters."""

    def __init__(self, table: WordTable, cutter: BlockCutter, split_words: Collection[str]) -> None:
        self._table = table
        self._cutter = cutter
        self._split_words = frozenset(split_words)
        self._split_lengths = np.unique([len(word) for word in split_words])
        first, second = zip(*PREDECESSORS.values(), strict=True)
        self._predecessors = np.array([first, second])
        states = np.arange(len(PREDECESSORS))
        self._to_state = table.transitions[self._predecessors, states][:, :, None]

    def join(self, codes: CodePoints, chunk: Chunk, long_words: LongWords, begins_word: BoolArray) -> None:
        """Correct `begins_word`, the best path's words, where single characters follow each other."""
        begins, lengths = _runs_of_singles(chunk, long_words, begins_word)
        places = span_indices(begins, lengths)
        if not len(places):
            return
        text = codes.take(chunk.sources.take(places))
        kinds = character_classes().take(text)
        begins_part = np.ones(len(places), bool)
        np.not_equal(kinds[1:], kinds[:-1], out=begins_part[1:])
        begins_part[np.cumsum(lengths) - lengths] = True
        begins_word[places] = begins_part
        part_begins = np.flatnonzero(begins_part)
        part_lengths = np.diff(np.append(part_begins, len(places)))
        is_han = kinds[part_begins] == HAN
        is_long = part_lengths > 1
        han, latin = is_han & is_long, ~is_han & is_long
        self._join_han(chunk.ids, places[part_begins[han]], part_lengths[han], begins_word)
        _join_latin(text, places, part_begins[latin], part_lengths[latin], begins_word)
        if len(self._split_lengths):
            self._split(codes, chunk, places[part_begins[han]], part_lengths[han], begins_word)

    def _join_han(self, ids: IdArray, begins: IntArray, lengths: IntArray, begins_word: BoolArray) -> None:
        """Viterbi's algorithm over all runs, one character a step."""
        runs = StepSchedule(lengths)
        for run in runs.left_over.tolist():
            begin = int(begins[run])
            word_ends = self._cutter.unknown_word_ends(ids[begin : begin + int(lengths[run])].tolist())
            begins_word[[begin + end for end in word_ends]] = True
        if not runs.counts:
            return
        begins = begins[runs.order]
        sums = self._table.start[:, None] + self._table.emissions.take(ids.take(begins), axis=1)
        final_sums = sums.copy()
        came_by_second = []
        for step, count in enumerate(runs.counts[1:], 1):
            emissions = self._table.emissions.take(ids.take(begins[:count] + step), axis=1)
            by_way = sums[:, :count].take(self._predecessors, axis=0)
            by_way += self._to_state
            by_way += emissions
            came_by_second.append(by_way[1] >= by_way[0])
            sums = by_way.max(axis=0)
            final_sums[:, :count] = sums
        states = np.where(final_sums[ALONE] >= final_sums[END], ALONE, END)
        for step in range(len(runs.counts) - 1, 0, -1):
            count = runs.counts[step]
            way = came_by_second[step - 1][states[:count], np.arange(count)]
            states[:count] = self._predecessors[way.astype(np.int8), states[:count]]
            begins_word[begins[:count] + step] = (states[:count] == END) | (states[:count] == ALONE)

    def _split(
        self, codes: CodePoints, chunk: Chunk, begins: IntArray, lengths: IntArray, begins_word: BoolArray
    ) -> None:
        """Break up the joined words that must stay characters."""
        places = span_indices(begins, lengths)
        word_begins = places[begins_word[places]]
        all_begins = np.flatnonzero(begins_word)
        word_ends = all_begins[np.searchsorted(all_begins, word_begins, side="right")]
        suspects = np.flatnonzero(np.isin(word_ends - word_begins, self._split_lengths))
        for begin, end in zip(word_begins[suspects].tolist(), word_ends[suspects].tolist(), strict=True):
            word = "".join(map(chr, codes[chunk.sources[begin:end]].tolist()))
            if word in self._split_words:
                begins_word[begin:end] = True


def _runs_of_singles(
    chunk: Chunk, long_words: LongWords, begins_word: BoolArray
) -> tuple[IntArray, IntArray]:
    """Begins and lengths of the runs of single characters, but for runs that the dictionary has as a word."""
    is_single = np.zeros(len(begins_word), bool)
    np.logical_and(begins_word[1:], begins_word[:-1], out=is_single[:-1])
    is_single[chunk.ends] = False
    edges = np.flatnonzero(np.diff(is_single, prepend=False, append=False))
    begins, lengths = edges[::2], edges[1::2] - edges[::2]
    length_at = np.zeros(len(begins_word), np.int64)
    length_at[begins] = lengths
    is_known = long_words.lengths == length_at.take(long_words.begins)
    length_at[long_words.begins[is_known]] = 0
    is_open = length_at[begins] > 1
    return begins[is_open], lengths[is_open]


def _join_latin(
    text: CodePoints, places: IntArray, begins: IntArray, lengths: IntArray, begins_word: BoolArray
) -> None:
    """Numbers and names are words, and so is the text between them; `begins` are positions in `text`."""
    members = span_indices(begins, lengths)
    in_line = np.arange(len(members)) + np.repeat(np.arange(len(begins)), lengths)
    line = np.full(len(members) + len(begins), ord("\n"), np.uint8)
    line[in_line] = text[members]
    begins_piece = np.zeros(len(line) + 1, bool)
    begins_piece[
        [edge for match in NUMBER_OR_NAME.finditer(line.tobytes().decode("ascii")) for edge in match.span()]
    ] = True
    first = np.cumsum(lengths) - lengths
    begins_piece[in_line[first]] = True
    begins_word[places[members]] = begins_piece[in_line]
