"""Word tables from dictionary files, or from the dictionary of the jieba that is imported in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from cmexam_baseline.metrics.segmentation import table_cache
from cmexam_baseline.metrics.segmentation.dictionary import (
    Dictionary,
    add_user_words,
    file_content,
    jieba_folder,
    parse_dictionary,
    read_unknown_word_model,
)
from cmexam_baseline.metrics.segmentation.word_table import WordTable, build_table


class JiebaState(NamedTuple):
    """The dictionary of `jieba.dt` at one moment.

    `frequencies` is jieba's own dict, None if jieba has yet to load `path` (or, if that is None too, its own
    dictionary). `key` differs whenever one of jieba's functions has changed what is cut.
    """

    frequencies: dict[str, int] | None
    total: int
    path: Path | None
    split_words: frozenset[str]
    key: tuple[object, ...]


def jieba_state() -> JiebaState | None:
    """The state of `jieba.dt`, in microseconds; None if jieba is not imported."""
    finalseg = sys.modules.get("jieba.finalseg")
    tokenizer: Any = getattr(sys.modules.get("jieba"), "dt", None)
    if tokenizer is None or finalseg is None:
        return None
    split_words = frozenset(finalseg.Force_Split_Words)
    if not tokenizer.initialized:
        path = Path(tokenizer.dictionary) if tokenizer.dictionary else None
        return JiebaState(None, 0, path, split_words, (str(path), split_words))
    frequencies = tokenizer.FREQ
    # Adding a word raises jieba's total; deleting one puts it among the split words, or, if it is there
    # already, changes the frequency of a split word. So this key changes with each of jieba's functions.
    split_frequencies = tuple(frequencies.get(word) for word in sorted(split_words))
    key = (id(frequencies), len(frequencies), tokenizer.total, split_words, split_frequencies)
    path = Path(tokenizer.dictionary) if tokenizer.dictionary else None
    return JiebaState(frequencies, tokenizer.total, path, split_words, key)


def table_of_files(dictionary: Path | None, user_dict: Path | None) -> tuple[WordTable, frozenset[str]]:
    """The table of a dictionary (None: jieba's own) with a user's words, and the words to split; cached."""
    content = dictionary.read_bytes() if dictionary else file_content("dictionary")
    user_content = user_dict.read_bytes() if user_dict else b""
    model_files = [file_content(name) for name in ("start", "transitions", "emissions")]
    key = table_cache.source_key([content, user_content, *model_files])
    stored = table_cache.load(key)
    if stored:
        return stored
    words = parse_dictionary(content, str(dictionary or jieba_folder() / "dict.txt"))
    split_words: frozenset[str] = frozenset()
    if user_dict:
        words, split_words = add_user_words(words, user_content, str(user_dict))
    table = build_table(words, read_unknown_word_model())
    table_cache.save(key, table, split_words)
    return table, split_words


def table_of_jieba_state(state: JiebaState, untouched: WordTable) -> WordTable:
    """The table of the current dictionary of `jieba.dt`; `untouched` is that of jieba's own dictionary."""
    if state.frequencies is None:
        return table_of_files(state.path, None)[0] if state.path else untouched
    if state.path is None and _is_untouched(state, untouched):
        return untouched
    model = read_unknown_word_model()
    words = Dictionary(dict(state.frequencies), state.total)
    table = build_table(words, model)
    if table.n_words == len(words.frequencies.keys() - {""}):
        return table
    # `jieba.dt.FREQ` was changed without jieba's functions: words whose prefixes are missing are never
    # found.
    return build_table(Dictionary(_reachable(words.frequencies), words.total), model)


def _is_untouched(state: JiebaState, untouched: WordTable) -> bool:
    # A word with a frequency raises the total, a new one the count; a deleted word has lost its frequency.
    if state.frequencies is None or (len(state.frequencies), state.total) != (
        untouched.n_words,
        untouched.total,
    ):
        return False
    return not any(untouched.has_word(word) for word in state.split_words if not state.frequencies.get(word))


def _reachable(frequencies: dict[str, int]) -> dict[str, int]:
    return {
        word: frequency
        for word, frequency in frequencies.items()
        if all(word[:end] in frequencies for end in range(1, len(word)))
    }
