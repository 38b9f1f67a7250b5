"""One text or one block at a time in plain Python: for short texts, where arrays would cost more, and long blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from cmexam_baseline.metrics.segmentation.dictionary import (
    ALONE,
    BLOCK,
    END,
    HAN_RUN,
    NUMBER_OR_NAME,
    OTHER_CHARACTER,
    PREDECESSORS,
)
from cmexam_baseline.metrics.segmentation.trie import WordTable

# For each state and bits that say by which predecessor the states were reached: the state before.
_BEFORE = [[PREDECESSORS[state][bits >> state & 1] for bits in range(16)] for state in sorted(PREDECESSORS)]


class BlockCutter:
    """Cuts one block at a time, given as character ids, by the same sums and ties as jieba."""

    def __init__(self, table: WordTable) -> None:
        # A memoryview hands out Python numbers several times faster than an array does.
        self._bases = table.bases.data
        self._parents = table.parents.data
        self._weights = table.weights.data
        self._unknown_weight = table.unknown_weight
        self._emissions = table.emissions
        self._start = table.start.tolist()
        transitions = table.transitions.tolist()
        self._ways = [
            (transitions[first][state], transitions[second][state])
            for state, (first, second) in PREDECESSORS.items()
        ]

    def word_lengths(self, ids: Sequence[int]) -> list[int]:
        """For each place, the length of the first word of the best path from there to the block's end."""
        bases, parents, weights = self._bases, self._parents, self._weights
        n, no_word = len(ids), -inf
        sums, lengths = [0.0] * (n + 1), [1] * n
        ids = [*ids, 0]  # no word continues with 0
        for begin in range(n - 1, -1, -1):
            slot = ids[begin]
            end = begin + 1
            best, length = weights[slot] + sums[end], 1
            while parents[child := bases[slot] + ids[end]] == slot:
                slot = child
                end += 1
                if weights[slot] != no_word:
                    candidate = weights[slot] + sums[end]
                    if candidate >= best:
                        best, length = candidate, end - begin
            if best == no_word:
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
        """The ends of the words of a run of Han characters, by Viterbi's algorithm as in jieba's finalseg."""
        (end_begin, alone_begin), (begin_amid, amid_amid) = self._ways[:2]
        (begin_end, amid_end), (end_alone, alone_alone) = self._ways[2:]
        emissions = [row.take(ids).data for row in self._emissions]
        begin, amid, end, alone = (start + row[0] for start, row in zip(self._start, emissions, strict=True))
        # A bit per state: whether the second of its predecessors wins. Written out, for this is the inner loop.
        came_by_second = bytearray()
        for of_begin, of_amid, of_end, of_alone in zip(*(row[1:] for row in emissions), strict=True):
            bits = 0
            new_begin, other = end + end_begin + of_begin, alone + alone_begin + of_begin
            if other >= new_begin:
                new_begin, bits = other, 1
            new_amid, other = begin + begin_amid + of_amid, amid + amid_amid + of_amid
            if other >= new_amid:
                new_amid, bits = other, bits | 2
            new_end, other = begin + begin_end + of_end, amid + amid_end + of_end
            if other >= new_end:
                new_end, bits = other, bits | 4
            new_alone, other = end + end_alone + of_alone, alone + alone_alone + of_alone
            if other >= new_alone:
                new_alone, bits = other, bits | 8
            begin, amid, end, alone = new_begin, new_amid, new_end, new_alone
            came_by_second.append(bits)
        state = ALONE if alone >= end else END
        ends = [len(ids)]
        before = _BEFORE
        for place in range(len(ids) - 1, 0, -1):
            state = before[state][came_by_second[place - 1]]
            if state >= END:  # END or ALONE
                ends.append(place)
        return ends[::-1]


class TextCutter:
    """Cuts one text at a time into the words that jieba makes of it."""

    def __init__(self, table: WordTable, cutter: BlockCutter, split_words: frozenset[str]) -> None:
        self._cutter = cutter
        self._split_words = split_words
        self._ids = {chr(code): i for i, code in enumerate(table.characters.tolist(), 1)}

    def cut(self, text: str) -> list[str]:
        """The words of a text."""
        words: list[str] = []
        # A pattern with one group splits into the text between matches and, at odd positions, the matches.
        for place, piece in enumerate(BLOCK.split(text)):
            words.extend(self._cut_block(piece) if place % 2 else OTHER_CHARACTER.findall(piece))
        return words

    def _cut_block(self, block: str) -> Iterator[str]:
        ids = [self._ids.get(character, 0) for character in block]
        lengths = self._cutter.word_lengths(ids)
        run_begin = begin = 0  # consecutive single characters are collected up to the next longer word
        while begin < len(block):
            end = begin + lengths[begin]
            if end - begin > 1:
                if run_begin < begin:
                    yield from self._cut_run(block[run_begin:begin], ids[run_begin:begin])
                yield block[begin:end]
                run_begin = end
            begin = end
        if run_begin < begin:
            yield from self._cut_run(block[run_begin:], ids[run_begin:])

    def _cut_run(self, run: str, ids: list[int]) -> Iterator[str]:
        if len(run) < 2 or self._cutter.is_word(ids):
            yield from run
            return
        begin = 0
        for place, part in enumerate(HAN_RUN.split(run)):
            if place % 2:
                yield from self._cut_han(part, ids[begin : begin + len(part)])
            else:
                yield from filter(None, NUMBER_OR_NAME.split(part))
            begin += len(part)

    def _cut_han(self, run: str, ids: list[int]) -> Iterator[str]:
        begin = 0
        for end in self._cutter.unknown_word_ends(ids):
            word = run[begin:end]
            if word in self._split_words:
                yield from word
            else:
                yield word
            begin = end
