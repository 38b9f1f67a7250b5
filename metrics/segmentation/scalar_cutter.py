"""One text or one block at a time in plain Python: for short texts, where arrays would cost more, and long blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import inf

from cmexam_baseline.metrics.segmentation.characters import BLOCK, HAN_RUN, NUMBER_OR_NAME, OTHER_CHARACTER
from cmexam_baseline.metrics.segmentation.dictionary import ALONE, AMID, BEGIN, END, PREDECESSORS
from cmexam_baseline.metrics.segmentation.word_table import WordTable


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
            (transitions[first][state], transitions[second][state])
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
        """The ends of the words of a run of Han characters, by Viterbi's algorithm as in jieba's finalseg."""
        of_begin, of_amid, of_end, of_alone = self._emissions
        (end_begin, alone_begin), (begin_amid, amid_amid), (begin_end, amid_end), (end_alone, alone_alone) = (
            self._ways
        )
        begin, amid, end, alone = (
            start + emission[ids[0]] for start, emission in zip(self._start, self._emissions, strict=True)
        )
        # A bit per state: whether the second of its predecessors wins. Written out, for this is the inner loop.
        came_by_second = bytearray()
        for character in ids[1:]:
            bits = 0
            emission = of_begin[character]
            new_begin, other = end + end_begin + emission, alone + alone_begin + emission
            if other >= new_begin:
                new_begin, bits = other, 1 << BEGIN
            emission = of_alone[character]
            new_alone, other = end + end_alone + emission, alone + alone_alone + emission
            if other >= new_alone:
                new_alone, bits = other, bits | 1 << ALONE
            emission = of_amid[character]
            new_amid, other = begin + begin_amid + emission, amid + amid_amid + emission
            if other >= new_amid:
                new_amid, bits = other, bits | 1 << AMID
            emission = of_end[character]
            end, other = begin + begin_end + emission, amid + amid_end + emission
            if other >= end:
                end, bits = other, bits | 1 << END
            begin, amid, alone = new_begin, new_amid, new_alone
            came_by_second.append(bits)
        state = ALONE if alone >= end else END
        ends = [len(ids)]
        for place in range(len(ids) - 1, 0, -1):
            state = PREDECESSORS[state][came_by_second[place - 1] >> state & 1]
            if state in (END, ALONE):
                ends.append(place)
        return ends[::-1]


class TextCutter:
    """Cuts one text at a time into the words that jieba makes of it."""

    def __init__(self, table: WordTable, cutter: BlockCutter, split_words: Collection[str]) -> None:
        self._cutter = cutter
        self._split_words = frozenset(split_words)
        self._ids = dict(
            zip(map(chr, table.characters.tolist()), range(1, len(table.characters) + 1), strict=True)
        )

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
