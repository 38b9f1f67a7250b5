"""A dictionary's words as a trie in two flat arrays, in which following a character costs two look-ups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmexam_baseline.metrics.array_types import IdArray, IntArray
from cmexam_baseline.metrics.ragged import span_indices

_CODE_BITS = 21
_SLOTS_PER_NODE = 2.2  # fewer would be found free too rarely, more would not stay in the processor's cache
_TRIES_BEFORE_GROWING = 512
_DRAWN_AT_ONCE = 32
_LARGE_FAMILY = 9
_SEED = 0


@dataclass(frozen=True, eq=False)
class WordNodes:
    """A trie before it is laid out: nodes level by level, each level sorted by parent and code point.

    Node 0 is the root and has no entry in the columns; entry i describes node i + 1. `frequencies` is 0
    where a node is only the beginning of longer words. Equal dictionaries give equal columns.
    """

    parents: IntArray
    code_points: IntArray
    frequencies: IntArray
    n_first: int  # nodes directly below the root

    def digest(self) -> str:
        """sha256 of the columns, the same on every machine."""
        content = hashlib.sha256()
        for column in (self.parents, self.code_points, self.frequencies):
            content.update(np.ascontiguousarray(column, "<i8").tobytes())
        return content.hexdigest()


def word_nodes(frequencies: Mapping[str, int]) -> WordNodes:
    """The nodes of all words and of all their beginnings.

    Raises `ValueError` for a frequency below 0 or above 2**63 - 1.

    >>> nodes = word_nodes({"医": 3, "医院": 5, "医学院": 2})
    >>> "".join(map(chr, nodes.code_points)), nodes.parents.tolist(), nodes.frequencies.tolist()
    ('医学院院', [0, 1, 1, 2], [3, 0, 5, 2])
    """
    words = [word for word in frequencies if word]
    counts = _checked_counts(words, frequencies)
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    begins = np.cumsum(lengths) - lengths
    node_of_word = np.zeros(len(words), np.int64)
    open_words = np.arange(len(words))
    empty = np.zeros(0, np.int64)
    parents, code_points, node_counts = [empty], [empty], [empty]
    n_nodes = 1
    while len(open_words):
        depth = len(parents) - 1
        keys = node_of_word[open_words] << _CODE_BITS | codes[begins[open_words] + depth]
        level, entries = np.unique(keys, return_inverse=True)
        node_of_word[open_words] = n_nodes + entries
        n_nodes += len(level)
        complete = lengths[open_words] == depth + 1
        level_counts = np.zeros(len(level), np.int64)
        level_counts[entries[complete]] = counts[open_words[complete]]
        parents.append(level >> _CODE_BITS)
        code_points.append(level & ((1 << _CODE_BITS) - 1))
        node_counts.append(level_counts)
        open_words = open_words[~complete]
    return WordNodes(
        parents=np.concatenate(parents),
        code_points=np.concatenate(code_points),
        frequencies=np.concatenate(node_counts),
        n_first=len(parents[1]) if len(parents) > 1 else 0,
    )


def _checked_counts(words: list[str], frequencies: Mapping[str, int]) -> IntArray:
    try:
        counts = np.fromiter((frequencies[word] for word in words), np.int64, len(words))
    except OverflowError:
        raise ValueError("a word's frequency must be below 2**63; correct the dictionary") from None
    if len(words) and counts.min() < 0:
        word = words[int(counts.argmin())]
        raise ValueError(f"the frequency of {word!r} is {frequencies[word]}; it must be 0 or more")
    return counts


@dataclass(frozen=True, eq=False)
class DoubleArray:
    """The slot of each node: the child of slot s by id c is slot `bases[s] + c` if its entry in `parents` is s.

    A node directly below the root has the slot of its character's id, and its parent is -1.
    `slots[i]` is the slot of node i + 1 of the `WordNodes` that were laid out.
    """

    bases: IdArray
    parents: IdArray
    slots: IntArray


def lay_out(nodes: WordNodes, character_ids: IdArray) -> DoubleArray:
    """Assign a slot to every node; `character_ids` maps code points, all of the trie's among them, to ids from 1.

    The children of one node share an offset, so each family needs an offset at which all its slots are free.
    Offsets are random with a fixed seed, the largest families first; children without siblings fill the gaps.
    """
    n_ids = int(character_ids.max(initial=0))
    ids = character_ids[nodes.code_points].astype(np.int64)
    below_first = slice(nodes.n_first, None)
    families = _Families(nodes.parents[below_first], ids[below_first])
    offset_of_node = np.zeros(len(ids) + 1, np.int64)
    offset_of_node[families.parents] = _Slots(n_ids + 1, n_ids + int(len(ids) * _SLOTS_PER_NODE)).place(
        families
    )
    slots = ids.copy()
    slots[below_first] += offset_of_node[nodes.parents[below_first]]
    # Any offset plus any id is inside the arrays: following a character needs no check of bounds.
    n_slots = int(max(slots.max(initial=0), offset_of_node.max())) + n_ids + 1
    slot_of_node = np.concatenate([[-1], slots])
    bases, parents = np.zeros(n_slots, np.int32), np.full(n_slots, -1, np.int32)
    bases[slots] = offset_of_node[1:]
    parents[slots] = slot_of_node[nodes.parents]
    return DoubleArray(bases, parents, slots)


class _Families:
    """Siblings grouped by parent; the members of family f are `ids[begins[f] : begins[f] + sizes[f]]`."""

    def __init__(self, parents: IntArray, ids: IntArray) -> None:
        is_first = np.ones(len(parents), bool)
        is_first[1:] = parents[1:] != parents[:-1]
        self.begins = np.flatnonzero(is_first)
        self.sizes = np.diff(np.append(self.begins, len(parents)))
        self.parents = parents[self.begins]
        self.ids = ids

    def of_size(self, smallest: int, largest: int) -> IntArray:
        return np.flatnonzero((self.sizes >= smallest) & (self.sizes <= largest))


class _Slots:
    """The free slots, and how they are assigned to families."""

    def __init__(self, first: int, size: int) -> None:
        self.first = first
        self.random = np.random.default_rng(_SEED)
        self.is_free = np.zeros(first, bool)
        self._grow(size)

    def _grow(self, size: int) -> None:
        self.is_free = np.concatenate([self.is_free, np.ones(size, bool)])

    def place(self, families: _Families) -> IntArray:
        """The offset of each family; the slots are taken."""
        offsets = np.zeros(len(families.sizes), np.int64)
        large = families.of_size(_LARGE_FAMILY, len(families.ids))
        for family in large[np.argsort(-families.sizes[large], kind="stable")].tolist():
            begin = families.begins[family]
            offsets[family] = self._place_one(families.ids[begin : begin + families.sizes[family]])
        # Fewer rounds are needed if the larger of the small families are placed first.
        self._place_many(families, families.of_size(5, _LARGE_FAMILY - 1), offsets)
        self._place_many(families, families.of_size(2, 4), offsets)
        self._place_only_children(families, families.of_size(1, 1), offsets)
        return offsets

    def _draw(self, n: int) -> IntArray:
        # An offset of 0 is that of a node without children, and every slot must stay inside the array.
        return self.random.integers(1, len(self.is_free) - self.first, n)

    def _place_one(self, ids: IntArray) -> int:
        tries = 0
        while True:
            drawn = self._draw(_DRAWN_AT_ONCE)
            fitting = np.flatnonzero(self.is_free[drawn[:, None] + ids].all(axis=1))
            if len(fitting):
                offset = int(drawn[fitting[0]])
                self.is_free[offset + ids] = False
                return offset
            tries += 1
            if tries % _TRIES_BEFORE_GROWING == 0:
                self._grow(len(self.is_free))

    def _place_many(self, families: _Families, pending: IntArray, offsets: IntArray) -> None:
        owner_of_slot = np.zeros(len(self.is_free), np.int64)
        tries = 0
        while len(pending):
            sizes = families.sizes[pending]
            owners = np.repeat(np.arange(len(pending)), sizes)
            members = span_indices(families.begins[pending], sizes)
            drawn = self._draw(len(pending))
            slots = drawn[owners] + families.ids[members]
            # If two families of this round take one slot, the one written last keeps it.
            owner_of_slot[slots] = owners
            is_bad = ~self.is_free[slots] | (owner_of_slot[slots] != owners)
            fits = np.bincount(owners[is_bad], minlength=len(pending)) == 0
            self.is_free[slots[fits[owners]]] = False
            offsets[pending[fits]] = drawn[fits]
            pending = pending[~fits]
            tries += 1
            if tries % _TRIES_BEFORE_GROWING == 0:
                self._grow(len(self.is_free))
                owner_of_slot = np.zeros(len(self.is_free), np.int64)

    def _place_only_children(self, families: _Families, lonely: IntArray, offsets: IntArray) -> None:
        free = np.flatnonzero(self.is_free)
        if len(free) < len(lonely):
            self._grow(len(lonely))
            free = np.flatnonzero(self.is_free)
        taken = free[: len(lonely)]
        offsets[lonely] = taken - families.ids[families.begins[lonely]]
        self.is_free[taken] = False
