"""Many texts cut at once with arrays, chunk by chunk: jieba's best path, then its model of unknown words.

For each block jieba builds the graph of all dictionary words in it and takes the path with the greatest sum
of log frequencies, adding from right to left. The last digit of a sum decides between nearly equal
paths, so the same additions are made here in the same order: step d is for the characters d places before
their block's end. Runs of single characters on that path are then joined by Viterbi's algorithm, one character
of all runs a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, FloatArray, IdArray, IntArray
from cmexam_baseline.metrics.ragged import span_indices
from cmexam_baseline.metrics.segmentation.dictionary import (
    ALONE,
    END,
    HAN,
    NUMBER_OR_NAME,
    OTHER,
    PREDECESSORS,
    character_classes,
)
from cmexam_baseline.metrics.segmentation.scalar_cutter import BlockCutter
from cmexam_baseline.metrics.segmentation.trie import WordTable

_CHUNK_CHARACTERS = 1 << 18  # characters; the arrays of a chunk should stay in the processor's cache
_CARRIAGE_RETURN, _LINE_FEED = 13, 10
# With fewer sequences than this in a step, numpy's cost per call is more than plain Python's per element.
_FEW = 10
_MOST_STEPS = 10_000


class StepSchedule:
    """Which sequences have an element in each step.

    In step t these are the first `counts[t]` of `order`, the sequences by falling length. The few that are
    longer than there are steps are in `left_over` instead, to be processed one by one.

    >>> StepSchedule(np.array([2, 900, 1] + [3] * 20)).counts
    [22, 21, 20]
    """

    def __init__(self, lengths: IntArray) -> None:
        order = np.argsort(-lengths, kind="stable")
        falling = lengths[order]
        n_steps = min(int(falling[_FEW - 1]), _MOST_STEPS) if len(falling) >= _FEW else 0
        n_left_over = int((falling > n_steps).sum())
        self.left_over = order[:n_left_over]
        self.order = order[n_left_over:]
        rising = falling[n_left_over:][::-1]
        longer = len(rising) - np.searchsorted(rising, np.arange(n_steps), side="right")
        self.counts: list[int] = longer.tolist()


@dataclass(frozen=True, eq=False)
class Chunk:
    """Blocks one after the other, each followed by one position with the id 0, which no word contains.

    `begins` and `ends` bound each block within `ids`; `sources[i]` is the position in the text that `ids[i]`
    comes from, the text's length for the positions between blocks.
    """

    ids: IdArray
    begins: IntArray
    ends: IntArray
    sources: IntArray


class LongWords(NamedTuple):
    """All dictionary words of two and more characters in a chunk; at each place the shorter first."""

    begins: IntArray
    lengths: IntArray
    slots: IdArray
    weights: FloatArray


class VectorisedCutter:
    """Finds where jieba's words begin in texts that are given as code points."""

    def __init__(self, table: WordTable, cutter: BlockCutter, split_words: frozenset[str]) -> None:
        self._table = table
        self._cutter = cutter
        self._split_words = split_words
        self._split_lengths = np.unique([len(word) for word in split_words])
        self._predecessors = np.array(list(PREDECESSORS.values())).T
        self._to_state = table.transitions[self._predecessors, np.arange(len(PREDECESSORS))][:, :, None]

    def word_starts(
        self, codes: CodePoints, text_offsets: IntArray, slots: IdArray | None = None
    ) -> BoolArray:
        """For each place whether a word begins there; True after the last place.

        `slots`, of the length of `codes` and filled with -1, receives the slot in the table of each word that the
        dictionary has, at the word's first place, but for very long blocks.
        """
        begins_text = np.zeros(len(codes) + 1, bool)
        begins_text[text_offsets] = True
        starts = np.ones(len(codes) + 1, bool)
        for part in _parts(codes, begins_text):
            slots_of_part = None if slots is None else slots[part]
            starts[part] = self._starts_of_part(codes[part], begins_text[part], slots_of_part)
        # Outside blocks every character is a word, but for a line end of two characters.
        returns = np.flatnonzero(codes[:-1] == _CARRIAGE_RETURN)
        line_ends = returns[codes[returns + 1] == _LINE_FEED] + 1
        starts[line_ends] = begins_text[line_ends]
        return starts

    def _starts_of_part(
        self, codes: CodePoints, begins_text: BoolArray, slots_of_part: IdArray | None
    ) -> BoolArray:
        chunk = gather_blocks(self._table, codes, begins_text)
        long_words = find_long_words(self._table, chunk)
        lengths, slots = self._best_words(chunk, long_words)
        begins_word = _follow(chunk, lengths)
        self._join_singles(codes, chunk, long_words, begins_word)
        starts = np.ones(len(codes) + 1, bool)
        starts[chunk.sources] = begins_word
        if slots_of_part is not None:
            begins = np.flatnonzero(begins_word)
            # Single characters that were joined are no words of the dictionary; a slot of 0 is none either.
            is_found = (np.diff(begins) == lengths[begins[:-1]]) & (slots[begins[:-1]] > 0)
            begins = begins[:-1][is_found]
            slots_of_part[chunk.sources[begins]] = slots[begins]
        return starts[:-1]

    def _best_words(self, chunk: Chunk, words: LongWords) -> tuple[IntArray, IdArray]:
        """For each place, length and slot (or 0) of the first word of the best path from there to the end of its block."""
        single_weights = self._table.weights.take(chunk.ids)
        begins_word = np.zeros(len(chunk.ids), bool)
        begins_word[words.begins] = True
        single_weights[(single_weights == -np.inf) & ~begins_word] = self._table.unknown_weight

        blocks = StepSchedule(chunk.ends - chunk.begins)
        ends = chunk.ends[blocks.order]
        sizes = chunk.ends - chunk.begins + 1
        distances = np.repeat(chunk.ends, sizes)
        distances -= np.arange(len(chunk.ids))
        # Sixteen bits sort fastest; blocks as long as that are left over by `StepSchedule`.
        distances = distances.take(words.begins).clip(max=np.iinfo(np.uint16).max).astype(np.uint16)
        by_distance = np.argsort(distances, kind="stable")
        begins, weights_of_words = words.begins.take(by_distance), words.weights.take(by_distance)
        word_ends = begins + words.lengths.take(by_distance)
        n_of_step = np.bincount(distances, minlength=len(blocks.counts) + 1)
        step_begins = [0, *np.cumsum(n_of_step).tolist()]

        sums = np.zeros(len(chunk.ids))
        word_sums = np.zeros(len(begins))
        for distance, count in enumerate(blocks.counts, 1):
            places = ends[:count] - distance
            sums[places] = single_weights.take(places) + sums.take(places + 1)
            step = slice(step_begins[distance], step_begins[distance + 1])
            word_sums[step] = weights_of_words[step] + sums.take(word_ends[step])
            np.maximum.at(sums, begins[step], word_sums[step])

        lengths, slots = np.ones(len(chunk.ids), np.int64), chunk.ids.copy()
        # Of equal sums the longest word wins: it comes last, and a later value replaces an earlier one.
        best = by_distance.take(np.flatnonzero(word_sums == sums.take(begins)))
        begins = words.begins.take(best)
        lengths[begins] = words.lengths.take(best)
        slots[begins] = words.slots.take(best)
        for block in blocks.left_over.tolist():
            own = slice(int(chunk.begins[block]), int(chunk.ends[block]))
            lengths[own] = self._cutter.word_lengths(chunk.ids[own].tolist())
            slots[own] = 0
        return lengths, slots

    def _join_singles(
        self, codes: CodePoints, chunk: Chunk, long_words: LongWords, begins_word: BoolArray
    ) -> None:
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
        part_lengths = np.diff(part_begins, append=len(places))
        is_han, is_long = kinds[part_begins] == HAN, part_lengths > 1
        han, latin = is_han & is_long, ~is_han & is_long
        self._join_han(chunk.ids, places[part_begins[han]], part_lengths[han], begins_word)
        _join_latin(text, places, part_begins[latin], part_lengths[latin], begins_word)
        if self._split_words:
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


def _parts(codes: CodePoints, begins_text: BoolArray) -> Iterator[slice]:
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


def gather_blocks(table: WordTable, codes: CodePoints, begins_text: BoolArray) -> Chunk:
    """The blocks of texts given as code points; `begins_text[i]` marks that a text begins at position i."""
    n = len(codes)
    in_block = character_classes().take(codes) != OTHER
    is_edge = np.ones(n + 1, bool)
    np.not_equal(in_block[1:], in_block[:-1], out=is_edge[1:n])
    is_edge[:n] |= begins_text
    edges = np.flatnonzero(is_edge)
    is_block = in_block[edges[:-1]]
    text_begins, text_ends = edges[:-1][is_block], edges[1:][is_block]
    lengths = text_ends - text_begins
    ends = np.cumsum(lengths + 1) - 1
    begins = ends - lengths
    sources = np.arange(int(ends[-1]) + 1 if len(ends) else 0)
    sources += np.repeat(text_begins - begins, lengths + 1)
    ids = table.character_ids.take(codes.take(sources, mode="clip"))
    sources[ends] = n
    ids[ends] = 0
    return Chunk(ids, begins, ends, sources)


def find_long_words(table: WordTable, chunk: Chunk) -> LongWords:
    """Follow the trie from every place at once, one character further each round."""
    ids = chunk.ids
    begins, slots = np.arange(len(ids) - 1), ids[:-1]
    next_ids = ids[1:]
    none = np.zeros(0, np.int64)
    found = [LongWords(none, none, none.astype(np.int32), none.astype(np.float64))]
    length = 1
    while len(begins):
        children = table.bases.take(slots)
        children += next_ids
        follows = np.flatnonzero(table.parents.take(children) == slots)
        begins, slots = begins.take(follows), children.take(follows)
        length += 1
        weights = table.weights.take(slots)
        is_word = np.flatnonzero(weights > -np.inf)
        lengths = np.full(len(is_word), length)
        found.append(LongWords(begins.take(is_word), lengths, slots.take(is_word), weights.take(is_word)))
        # A begin's last place is inside its block, so one more is at most the place that ends the block.
        next_ids = ids.take(begins + length)
    return LongWords(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _follow(chunk: Chunk, lengths: IntArray) -> BoolArray:
    """Where the words of each block's best path begin; the positions that end blocks are marked too."""
    begins_word = np.zeros(len(chunk.ids), bool)
    begins_word[chunk.ends] = True
    places = chunk.begins
    while len(places) >= _FEW:
        begins_word[places] = True
        places = places + lengths.take(places)
        places = places.take(np.flatnonzero(~begins_word.take(places)))
    # The rest of the longest blocks, for which a step of arrays would cost more.
    is_marked, steps = begins_word.data, lengths.data
    for place in places.tolist():
        while not is_marked[place]:
            is_marked[place] = True
            place += steps[place]
    return begins_word


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
    begins_piece[in_line[np.cumsum(lengths) - lengths]] = True
    begins_word[places[members]] = begins_piece[in_line]
