"""A dictionary and jieba's model of unknown words as arrays: a trie in which a character costs two look-ups."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

import numpy as np

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, FloatArray, IdArray, IntArray
from cmexam_baseline.metrics.ragged import span_indices
from cmexam_baseline.metrics.segmentation.dictionary import (
    CODE_POINTS,
    IMPOSSIBLE,
    STATES,
    Dictionary,
)

_CODE_BITS = 21
_SLOTS_PER_NODE = 2.2  # fewer would be found free too rarely, more would not stay in the processor's cache
_TRIES_BEFORE_GROWING = 512
_DRAWN_AT_ONCE = 32
_LARGE_FAMILY = 9
_SEED = 0


@dataclass(frozen=True, eq=False)
class WordTable:
    """A trie over character ids with a weight for each word, and the model of unknown words.

    Character ids are 1 to n in the order of `characters`, 0 for all other characters. Child c of the node
    in slot s is in slot `bases[s] + c` if `parents` of that slot is s; the node of a first character c is in
    slot c. Weights and the model's figures are natural logarithms; the weight of a slot that ends no word
    is -inf.
    """

    characters: CodePoints
    bases: IdArray
    parents: IdArray
    weights: FloatArray
    unknown_weight: float  # of a character that is no word of the dictionary
    emissions: FloatArray  # (4 states, n + 1 ids)
    transitions: FloatArray  # (4 states, 4 states)
    start: FloatArray  # (4 states,)
    n_words: int  # with all beginnings of words, as jieba counts them
    total: int
    digest: str  # sha256 of the dictionary

    @cached_property
    def character_ids(self) -> IdArray:
        """The id of each code point."""
        return _ids_of(self.characters)


def build_table(dictionary: Dictionary, model: dict[str, Any]) -> WordTable:
    """Lay the dictionary out as a trie, with the model of unknown words; takes about a second for jieba's own.

    Raises `ValueError` where a frequency is negative or no word has one.
    """
    if dictionary.total <= 0:
        raise ValueError("the dictionary's frequencies add up to 0; give at least one word a frequency")
    nodes = word_nodes(dictionary.frequencies)
    # The most frequent characters come first, so that frequent look-ups share cache lines.
    uses = np.bincount(nodes.code_points, minlength=CODE_POINTS)
    codes_of_states = [[ord(character) for character in model["emissions"][state]] for state in STATES]
    for codes in codes_of_states:
        uses[codes] += 1
    used = np.flatnonzero(uses)
    characters = used[np.argsort(-uses[used], kind="stable")].astype(np.uint32)
    ids = _ids_of(characters)
    emissions = np.full((len(STATES), len(characters) + 1), IMPOSSIBLE)
    for row, state, codes in zip(emissions, STATES, codes_of_states, strict=True):
        row[ids[codes]] = list(model["emissions"][state].values())
    bases, parents, slots = lay_out(nodes, ids)
    log_total = log(dictionary.total)
    distinct, which = np.unique(nodes.frequencies, return_inverse=True)
    # math.log and this order of operations, as in jieba: the last digit decides which of two equal paths wins.
    weight_of = np.array([log(count) - log_total if count else -np.inf for count in distinct.tolist()])
    weights = np.full(len(bases), -np.inf)
    weights[slots] = weight_of[which]
    transitions = [[model["transitions"][a].get(b, IMPOSSIBLE) for b in STATES] for a in STATES]
    return WordTable(
        characters=characters,
        bases=bases,
        parents=parents,
        weights=weights,
        unknown_weight=log(1) - log_total,
        emissions=emissions,
        transitions=np.array(transitions),
        start=np.array([model["start"][state] for state in STATES]),
        n_words=len(nodes.parents),
        total=dictionary.total,
        digest=hashlib.sha256(f"{nodes.digest()} {dictionary.total}".encode()).hexdigest(),
    )


def _ids_of(characters: CodePoints) -> IdArray:
    ids = np.zeros(CODE_POINTS, np.int32)
    ids[characters] = np.arange(1, len(characters) + 1)
    return ids


@dataclass(frozen=True, eq=False)
class WordNodes:
    """A trie before it is laid out: nodes level by level, each level sorted by parent and code point.

    Node 0 is the root and has no entry in the columns; entry i describes node i + 1. `frequencies` is 0
    where a node is only the beginning of longer words.
    """

    parents: IntArray
    code_points: IntArray
    frequencies: IntArray

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
    try:
        counts = np.fromiter((frequencies[word] for word in words), np.int64, len(words))
    except OverflowError:
        raise ValueError("a word's frequency must be below 2**63; correct the dictionary") from None
    if len(words) and counts.min() < 0:
        word = words[int(counts.argmin())]
        raise ValueError(f"the frequency of {word!r} is {frequencies[word]}; it must be 0 or more")
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    begins = np.cumsum(lengths) - lengths
    node_of_word = np.zeros(len(words), np.int64)
    open_words = np.arange(len(words))
    levels, level_counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    n_nodes = 1
    while len(open_words):
        depth = len(levels) - 1
        keys = node_of_word[open_words] << _CODE_BITS | codes[begins[open_words] + depth]
        level, entries = np.unique(keys, return_inverse=True)
        node_of_word[open_words] = n_nodes + entries
        n_nodes += len(level)
        complete = lengths[open_words] == depth + 1
        levels.append(level)
        level_counts.append(np.zeros(len(level), np.int64))
        level_counts[-1][entries[complete]] = counts[open_words[complete]]
        open_words = open_words[~complete]
    nodes = np.concatenate(levels)
    return WordNodes(nodes >> _CODE_BITS, nodes & ((1 << _CODE_BITS) - 1), np.concatenate(level_counts))


def lay_out(nodes: WordNodes, character_ids: IdArray) -> tuple[IdArray, IdArray, IntArray]:
    """Assign a slot to every node; `character_ids` maps code points, all of the trie's among them, to ids from 1.

    Returns `bases` and `parents` as of `WordTable`, and the slot of each node but the root. A node directly below
    the root has the slot of its character's id, and its parent is -1.

    The children of one node share an offset, so each family needs an offset at which all its slots are free.
    Offsets are random with a fixed seed, the largest families first.
    """
    n_ids = int(character_ids.max(initial=0))
    ids = character_ids[nodes.code_points].astype(np.int64)
    below_first = slice(int((nodes.parents == 0).sum()), None)
    parents = nodes.parents[below_first]
    begins = np.flatnonzero(np.diff(parents, prepend=0))
    offset_of_node = np.zeros(len(ids) + 1, np.int64)
    offset_of_node[parents[begins]] = _Slots(n_ids + 1, len(ids)).place(ids[below_first], begins)
    slots = ids.copy()
    slots[below_first] += offset_of_node[parents]
    # Any offset plus any id is inside the arrays: following a character needs no check of bounds.
    n_slots = int(max(slots.max(initial=0), offset_of_node.max())) + n_ids + 1
    slot_of_node = np.concatenate([[-1], slots])
    bases, parents_of_slots = np.zeros(n_slots, np.int32), np.full(n_slots, -1, np.int32)
    bases[slots] = offset_of_node[1:]
    parents_of_slots[slots] = slot_of_node[nodes.parents]
    return bases, parents_of_slots, slots


class _Slots:
    """The free slots from `first` on, and how they are assigned to families."""

    def __init__(self, first: int, n_nodes: int) -> None:
        self.first = first
        self.random = np.random.default_rng(_SEED)
        self.is_free: BoolArray = np.arange(2 * first + int(n_nodes * _SLOTS_PER_NODE)) >= first
        self.n_draws = 0

    def place(self, ids: IntArray, begins: IntArray) -> IntArray:
        """The offset of each family of siblings, whose ids begin at `begins`; the slots are taken."""
        sizes = np.diff(begins, append=len(ids))
        offsets = np.zeros(len(sizes), np.int64)
        large = np.flatnonzero(sizes >= _LARGE_FAMILY)
        for family in large[np.argsort(-sizes[large], kind="stable")].tolist():
            offsets[family] = self._place_one(ids[begins[family] : begins[family] + sizes[family]])
        # Fewer rounds are needed if the larger of the small families are placed first.
        for smallest, largest in ((5, _LARGE_FAMILY - 1), (2, 4), (1, 1)):
            pending = np.flatnonzero((sizes >= smallest) & (sizes <= largest))
            self.n_draws = 0
            while len(pending):
                members = span_indices(begins[pending], sizes[pending])
                drawn, fits = self._place_some(ids[members], sizes[pending])
                offsets[pending[fits]] = drawn[fits]
                pending = pending[~fits]
        return offsets

    def _draw(self, n: int) -> IntArray:
        self.n_draws += 1
        if self.n_draws % _TRIES_BEFORE_GROWING == 0:
            self.is_free = np.concatenate([self.is_free, np.ones_like(self.is_free)])
        # An offset of 0 is that of a node without children, and every slot must stay inside the array.
        return self.random.integers(1, len(self.is_free) - self.first, n)

    def _place_one(self, ids: IntArray) -> int:
        self.n_draws = 0
        while True:
            drawn = self._draw(_DRAWN_AT_ONCE)
            fitting = np.flatnonzero(self.is_free[drawn[:, None] + ids].all(axis=1))
            if len(fitting):
                offset = int(drawn[fitting[0]])
                self.is_free[offset + ids] = False
                return offset

    def _place_some(self, ids: IntArray, sizes: IntArray) -> tuple[IntArray, BoolArray]:
        """Offsets drawn for families of these ids, and for which of them all slots were free and are taken now."""
        drawn = self._draw(len(sizes))
        owners = np.repeat(np.arange(len(sizes)), sizes)
        slots = drawn[owners] + ids
        # If two families of this round take one slot, the one written last keeps it.
        owner_of_slot = np.empty(len(self.is_free), np.int64)
        owner_of_slot[slots] = owners
        is_bad = ~self.is_free[slots] | (owner_of_slot[slots] != owners)
        fits = np.bincount(owners[is_bad], minlength=len(sizes)) == 0
        self.is_free[slots[fits[owners]]] = False
        return drawn, fits
