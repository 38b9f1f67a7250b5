"""A letter with another option's text behind it (B. 阿托品, where C is 阿托品): which of the two is meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.scoring.extraction.options import Mention

_LETTER_NAMED = re.compile(
    r"[A-J](?:选项|项)|(?:选项|[Oo]ption |[Cc]hoice )\(?[A-J](?![A-Za-z0-9])|\([A-J]\)"
    r"|(?:选|答案[是为:]?\s?|[Aa]nswer(?: is|:)? )[A-J](?![A-Za-z0-9])|[A-J](?:是|为)?(?:正确|对的|最佳)"
    r"|[A-J] is (?:the )?(?:correct|right|best)"
)
_BEHIND_ITS_LETTER = re.compile(r"[a-j]\s*[.:、)]\s*$")


class SpokenOf:
    """The options that a text names by text and by letter: each by its place, and how often.

    A mention behind its own letter ("D: 以上都不是") is an item of a list and speaks for nothing.
    """

    def __init__(self, text: str, lowered: str, mentions: Sequence[Mention]) -> None:
        self._text_at = {
            mention.start: mention.option
            for mention in mentions
            if not _BEHIND_ITS_LETTER.search(lowered, max(0, mention.start - 4), mention.start)
        }
        # The last capital of "Answer: B" or "C选项" is the letter.
        named = [
            [match.start() + at for at, char in enumerate(match[0]) if char in LETTERS][-1]
            for match in _LETTER_NAMED.finditer(text)
        ]
        self._letter_at = {place: LETTERS.index(text[place]) for place in named}
        self._by_text, self._by_letter = Counter(self._text_at.values()), Counter(self._letter_at.values())

    def prefers(self, index: int, other: Mention, start: int) -> bool:
        """Whether the rest of the text speaks of option `index`, named at `start`, more often than of `other`."""
        here = self._letter_at.get(start)
        by_letter, by_text = self._by_letter, self._by_text
        if by_letter[index] > (here == index) and by_letter[other.option] == (here == other.option):
            return True
        return by_text[index] > by_text[other.option] - (other.start in self._text_at)
