"""jieba's best path through the graph of dictionary words, for all blocks of a chunk at once.

For each block jieba builds the graph of all dictionary words in it and takes the path with the greatest sum
of log frequencies, adding from right to left. The last digit of a sum decides between nearly equal
paths, so the same additions are made here in the same order: step d is for the characters d places before
their block's end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import BoolArray, FloatArray, IntArray
from cmexam_baseline.metrics.segmentation.chunk import Chunk, StepSchedule
from cmexam_baseline.metrics.segmentation.word_table import WordTable


class LongWords(NamedTuple):
    """All dictionary words of two and more characters in a chunk; at each place the shorter first."""

    begins: IntArray
    lengths: IntArray
    weights: FloatArray


def find_long_words(table: WordTable, chunk: Chunk) -> LongWords:
    """Follow the trie from every place at once, one character further each round."""
    ids = chunk.ids
    begins, slots = np.arange(len(ids) - 1), ids[:-1]
    next_ids = ids[1:]
    found = [LongWords(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    length = 1
    while len(begins):
        children = table.bases.take(slots)
        children += next_ids
        follows = np.flatnonzero(table.parents.take(children) == slots)
        begins, slots = begins.take(follows), children.take(follows)
        length += 1
        weights = table.weights.take(slots)
        words = np.flatnonzero(weights > -np.inf)
        found.append(LongWords(begins.take(words), np.full(len(words), length), weights.take(words)))
        # A begin's last place is inside its block, so one more is at most the place that ends the block.
        next_ids = ids.take(begins + length)
    return LongWords(*(np.concatenate(column) for column in zip(*found, strict=True)))


def best_lengths(table: WordTable, chunk: Chunk, words: LongWords) -> IntArray:
    """For each place, the length of the first word of the best path from there to the end of its block."""
    single_weights = table.weights.take(chunk.ids)
    begins_word = np.zeros(len(chunk.ids), bool)
    begins_word[words.begins] = True
    single_weights[(single_weights == -np.inf) & ~begins_word] = table.unknown_weight

    blocks = StepSchedule(chunk.ends - chunk.begins)
    ends = chunk.ends[blocks.order]
    distances = _distances_to_end(chunk).take(words.begins)
    by_distance = np.argsort(distances, kind="stable")
    words = LongWords(
        words.begins.take(by_distance), words.lengths.take(by_distance), words.weights.take(by_distance)
    )
    word_ends = words.begins + words.lengths
    step_begins = np.concatenate(
        [[0], np.cumsum(np.bincount(distances, minlength=len(blocks.counts) + 1))]
    ).tolist()

    sums = np.zeros(len(chunk.ids))
    word_sums = np.zeros(len(words.begins))
    for distance, count in enumerate(blocks.counts, 1):
        places = ends[:count] - distance
        sums[places] = single_weights.take(places) + sums.take(places + 1)
        step = slice(step_begins[distance], step_begins[distance + 1])
        word_sums[step] = words.weights[step] + sums.take(word_ends[step])
        np.maximum.at(sums, words.begins[step], word_sums[step])

    lengths = np.ones(len(chunk.ids), np.int64)
    # Of equal sums the longest word wins: it comes last, and a later value replaces an earlier one.
    best = np.flatnonzero(word_sums == sums.take(words.begins))
    lengths[words.begins.take(best)] = words.lengths.take(best)
    for block in blocks.left_over.tolist():
        begin, end = int(chunk.begins[block]), int(chunk.ends[block])
        inside = np.flatnonzero((words.begins >= begin) & (words.begins < end))
        own = LongWords(words.begins[inside] - begin, words.lengths[inside], words.weights[inside])
        lengths[begin:end] = _lengths_in_block(single_weights[begin:end], own)
    return lengths


def _lengths_in_block(single_weights: FloatArray, words: LongWords) -> list[int]:
    """The same for one block alone, in plain Python, character by character."""
    # The last begins come first, and of one begin the shorter words.
    order = np.lexsort((words.lengths, -words.begins))
    rows = zip(*(column[order].tolist() for column in words), strict=True)
    n = len(single_weights)
    sums, lengths = [0.0] * (n + 1), [1] * n
    weights = single_weights.tolist()
    word_begin, length, weight = next(rows, (-1, 0, 0.0))
    for begin in range(n - 1, -1, -1):
        best = weights[begin] + sums[begin + 1]
        while word_begin == begin:
            candidate = weight + sums[begin + length]
            if candidate >= best:
                best, lengths[begin] = candidate, length
            word_begin, length, weight = next(rows, (-1, 0, 0.0))
        sums[begin] = best
    return lengths


def _distances_to_end(chunk: Chunk) -> npt.NDArray[np.uint16]:
    sizes = chunk.ends - chunk.begins + 1
    distances = np.repeat(chunk.ends, sizes)
    distances -= np.arange(len(chunk.ids))
    # Sixteen bits sort fastest; blocks as long as that are left over by `StepSchedule`.
    return distances.clip(max=np.iinfo(np.uint16).max).astype(np.uint16)


def follow(chunk: Chunk, lengths: IntArray) -> BoolArray:
    """Where the words of each block's best path begin; the positions that end blocks are marked too."""
    begins_word = np.zeros(len(chunk.ids), bool)
    begins_word[chunk.ends] = True
    places = chunk.begins
    while len(places):
        begins_word[places] = True
        places = places + lengths.take(places)
        places = places.take(np.flatnonzero(~begins_word.take(places)))
    return begins_word
