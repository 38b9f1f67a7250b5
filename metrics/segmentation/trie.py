"""A dictionary's words and their beginnings as the nodes of a trie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmexam_baseline.metrics.array_types import IntArray

_CODE_BITS = 21


@dataclass(frozen=True, eq=False)
class WordNodes:
    """A trie before it is laid out: nodes level by level, each level sorted by parent and code point.

    Node 0 is the root and stands in none of the columns; entry i describes node i + 1. `frequencies` is 0
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
