"""The word table: a dictionary and jieba's model of unknown words as arrays."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np

from cmexam_baseline.metrics.array_types import CodePoints, FloatArray, IdArray
from cmexam_baseline.metrics.segmentation.characters import CODE_POINTS
from cmexam_baseline.metrics.segmentation.dictionary import IMPOSSIBLE, STATES, Dictionary, UnknownWordModel
from cmexam_baseline.metrics.segmentation.trie import WordNodes, lay_out, word_nodes


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
        ids = np.zeros(CODE_POINTS, np.int32)
        ids[self.characters] = np.arange(1, len(self.characters) + 1)
        return ids

    def has_word(self, word: str) -> bool:
        """Whether the dictionary contains this word with a frequency above 0."""
        slot = -1
        for character in word:
            character_id = int(self.character_ids[ord(character)])
            child = character_id if slot < 0 else int(self.bases[slot]) + character_id
            if self.parents[child] != slot:
                return False
            slot = child
        return slot >= 0 and bool(self.weights[slot] > -np.inf)


def build_table(dictionary: Dictionary, model: UnknownWordModel) -> WordTable:
    """Lay the dictionary out as a trie; takes about a second for jieba's own.

    Raises `ValueError` where a frequency is negative or no word has one.
    """
    if dictionary.total <= 0:
        raise ValueError("the dictionary's frequencies add up to 0; give at least one word a frequency")
    nodes = word_nodes(dictionary.frequencies)
    characters = _by_use(nodes, model)
    ids = np.zeros(CODE_POINTS, np.int32)
    ids[characters] = np.arange(1, len(characters) + 1)
    trie = lay_out(nodes, ids)
    log_total = log(dictionary.total)
    distinct, which = np.unique(nodes.frequencies, return_inverse=True)
    # math.log and this order of operations, as in jieba: the last digit decides which of two equal paths wins.
    weight_of = np.array([log(count) - log_total if count else -np.inf for count in distinct.tolist()])
    weights = np.full(len(trie.bases), -np.inf)
    weights[trie.slots] = weight_of[which]
    return WordTable(
        characters=characters,
        bases=trie.bases,
        parents=trie.parents,
        weights=weights,
        unknown_weight=log(1) - log_total,
        emissions=_emissions(model, ids, len(characters)),
        transitions=np.array([[model.transitions[a].get(b, IMPOSSIBLE) for b in STATES] for a in STATES]),
        start=np.array([model.start[state] for state in STATES]),
        n_words=len(nodes.parents),
        total=dictionary.total,
        digest=hashlib.sha256(f"{nodes.digest()} {dictionary.total}".encode()).hexdigest(),
    )


def _by_use(nodes: WordNodes, model: UnknownWordModel) -> CodePoints:
    """Every character of dictionary and model, the most frequent first, so that frequent look-ups share cache lines."""
    uses = np.bincount(nodes.code_points, minlength=CODE_POINTS)
    for emissions in model.emissions.values():
        uses[[ord(character) for character in emissions]] += 1
    used = np.flatnonzero(uses)
    return used[np.argsort(-uses[used], kind="stable")].astype(np.uint32)


def _emissions(model: UnknownWordModel, ids: IdArray, n_characters: int) -> FloatArray:
    emissions = np.full((len(STATES), n_characters + 1), IMPOSSIBLE)
    for row, state in zip(emissions, STATES, strict=True):
        figures = model.emissions[state]
        row[ids[[ord(character) for character in figures]]] = list(figures.values())
    return emissions
