"""The blocks of a chunk of text as arrays, so that all of them are cut at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IdArray, IntArray
from cmexam_baseline.metrics.segmentation.characters import OTHER, character_classes
from cmexam_baseline.metrics.segmentation.word_table import WordTable

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
        n_steps = int(falling[_FEW - 1]) if len(falling) >= _FEW else 0
        n_steps = min(n_steps, _MOST_STEPS)
        n_left_over = len(falling) - int(np.searchsorted(falling[::-1], n_steps, side="right"))
        self.left_over = order[:n_left_over]
        self.order = order[n_left_over:]
        rising = falling[n_left_over:][::-1]
        self.counts: list[int] = (
            len(rising) - np.searchsorted(rising, np.arange(n_steps), side="right")
        ).tolist()


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
    n_places = int(ends[-1]) + 1 if len(ends) else 0
    sources = np.arange(n_places)
    sources += np.repeat(text_begins - begins, lengths + 1)
    ids = table.character_ids.take(codes.take(sources, mode="clip"))
    sources[ends] = n
    ids[ends] = 0
    return Chunk(ids, begins, ends, sources)
