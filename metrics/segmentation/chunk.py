"""The blocks of a stretch of text, drawn together so that all of them can be worked on at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IdArray, IntArray
from cmexam_baseline.metrics.segmentation.blocks import OTHER, character_classes
from cmexam_baseline.metrics.segmentation.table import WordTable


@dataclass(frozen=True, eq=False)
class Stretch:
    """Blocks one after the other, each followed by one place that holds the id 0, which no word contains.

    `begins` and `ends` bound each block within `ids`; `sources[i]` is the place in the text that `ids[i]`
    comes from, the text's length for the places between blocks.
    """

    ids: IdArray
    begins: IntArray
    ends: IntArray
    sources: IntArray


def draw_together(table: WordTable, codes: CodePoints, begins_text: BoolArray) -> Stretch:
    """The blocks of texts given as code points; `begins_text[i]` says that a text begins at place i."""
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
    return Stretch(ids, begins, ends, sources)
