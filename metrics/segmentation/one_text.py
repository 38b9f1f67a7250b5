"""One short text cut in plain Python, step by step as jieba does it: arrays would cost more."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cmexam_baseline.metrics.segmentation.blocks import BLOCK, HAN_RUN, NUMBER_OR_NAME, OTHER_CHARACTER
from cmexam_baseline.metrics.segmentation.one_block import BlockCutter
from cmexam_baseline.metrics.segmentation.table import WordTable


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
        # A pattern with one group splits into what lies between matches and, at odd places, the matches.
        for place, piece in enumerate(BLOCK.split(text)):
            words.extend(self._cut_block(piece) if place % 2 else OTHER_CHARACTER.findall(piece))
        return words

    def _cut_block(self, block: str) -> Iterator[str]:
        ids = [self._ids.get(character, 0) for character in block]
        lengths = self._cutter.word_lengths(ids)
        run_begin = begin = 0  # single characters in a row are held back until a longer word or the end comes
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
