"""Word graph and unknown words of one block, in plain Python: for short texts and for long blocks."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from cmexam_baseline.metrics.segmentation.jieba_files import ALONE, END, PREDECESSORS
from cmexam_baseline.metrics.segmentation.table import WordTable


class BlockCutter:
    """Cuts one block at a time, given as character ids, by the same sums and ties as jieba."""

    def __init__(self, table: WordTable) -> None:
        # A memoryview hands out Python numbers several times faster than an array does.
        self._bases = table.bases.data
        self._parents = table.parents.data
        self._weights = table.weights.data
        self._unknown_weight = table.unknown_weight
        self._emissions = [row.data for row in table.emissions]
        self._start = table.start.tolist()
        transitions = table.transitions.tolist()
        self._ways = [
            (first, transitions[first][state], second, transitions[second][state])
            for state, (first, second) in PREDECESSORS.items()
        ]

    def word_lengths(self, ids: Sequence[int]) -> list[int]:
        """For each place, the length of the first word of the best path from there to the block's end."""
        bases, parents, weights = self._bases, self._parents, self._weights
        n = len(ids)
        sums, lengths = [0.0] * (n + 1), [1] * n
        for begin in range(n - 1, -1, -1):
            slot = ids[begin]
            best, length = weights[slot] + sums[begin + 1], 1
            for place in range(begin + 1, n):
                child = bases[slot] + ids[place]
                if parents[child] != slot:
                    break
                slot = child
                if weights[slot] != -inf:
                    candidate = weights[slot] + sums[place + 1]
                    if candidate >= best:
                        best, length = candidate, place + 1 - begin
            if best == -inf:
                best = self._unknown_weight + sums[begin + 1]
            sums[begin], lengths[begin] = best, length
        return lengths

    def is_word(self, ids: Sequence[int]) -> bool:
        """Whether the whole block is a word of the dictionary."""
        slot = ids[0]
        for character in ids[1:]:
            child = self._bases[slot] + character
            if self._parents[child] != slot:
                return False
            slot = child
        return self._weights[slot] != -inf

    def unknown_word_ends(self, ids: Sequence[int]) -> list[int]:
        """Where the words of a run of Han characters end, by Viterbi's algorithm as in jieba's finalseg."""
        sums = [
            start + emission[ids[0]] for start, emission in zip(self._start, self._emissions, strict=True)
        ]
        came_from = []
        for character in ids[1:]:
            new_sums, new_from = [], []
            for emission, (first, to_first, second, to_second) in zip(
                self._emissions, self._ways, strict=True
            ):
                by_first = sums[first] + to_first + emission[character]
                by_second = sums[second] + to_second + emission[character]
                if by_second >= by_first:
                    new_sums.append(by_second)
                    new_from.append(second)
                else:
                    new_sums.append(by_first)
                    new_from.append(first)
            sums = new_sums
            came_from.append(new_from)
        state = ALONE if sums[ALONE] >= sums[END] else END
        ends = [len(ids)]
        for place in range(len(ids) - 1, 0, -1):
            state = came_from[place - 1][state]
            if state in (END, ALONE):
                ends.append(place)
        return ends[::-1]
