"""What the jieba of this process would cut with, if it was imported and perhaps given words of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple


class LiveDictionary(NamedTuple):
    """The dictionary of `jieba.dt` at one moment.

    `frequencies` is jieba's own dict, None if jieba has yet to load `path` (or, if that is None too, its own
    dictionary). `key` differs whenever one of jieba's functions has changed what is cut.
    """

    frequencies: dict[str, int] | None
    total: int
    path: Path | None
    split_words: frozenset[str]
    key: tuple[object, ...]


def live_dictionary() -> LiveDictionary | None:
    """The state of `jieba.dt`, in microseconds; None if jieba is not imported."""
    finalseg = sys.modules.get("jieba.finalseg")
    tokenizer: Any = getattr(sys.modules.get("jieba"), "dt", None)
    if tokenizer is None or finalseg is None:
        return None
    split_words = frozenset(finalseg.Force_Split_Words)
    if not tokenizer.initialized:
        path = Path(tokenizer.dictionary) if tokenizer.dictionary else None
        return LiveDictionary(None, 0, path, split_words, (str(path), split_words))
    frequencies = tokenizer.FREQ
    # Adding a word raises jieba's total; deleting one puts it among the split words, or, if it is there
    # already, changes the frequency of a split word. So this key changes with each of jieba's functions.
    split_frequencies = tuple(frequencies.get(word) for word in sorted(split_words))
    key = (id(frequencies), len(frequencies), tokenizer.total, split_words, split_frequencies)
    path = Path(tokenizer.dictionary) if tokenizer.dictionary else None
    return LiveDictionary(frequencies, tokenizer.total, path, split_words, key)
