"""From dictionary files, or from the dictionary of the jieba that runs in this process, to a table."""

from __future__ import annotations

from pathlib import Path

from cmexam_baseline.metrics.segmentation import cache
from cmexam_baseline.metrics.segmentation.jieba_files import (
    Dictionary,
    file_content,
    jieba_folder,
    parse_dictionary,
    read_unknown_word_model,
)
from cmexam_baseline.metrics.segmentation.jieba_state import LiveDictionary
from cmexam_baseline.metrics.segmentation.table import WordTable, build_table
from cmexam_baseline.metrics.segmentation.user_words import add_user_words


def table_of_files(dictionary: Path | None, user_dict: Path | None) -> tuple[WordTable, frozenset[str]]:
    """The table of a dictionary (None: jieba's own) with a user's words, and the words to split; cached."""
    content = dictionary.read_bytes() if dictionary else file_content("dictionary")
    user_content = user_dict.read_bytes() if user_dict else b""
    model_files = [file_content(name) for name in ("start", "transitions", "emissions")]
    key = cache.source_key([content, user_content, *model_files])
    stored = cache.load(key)
    if stored:
        return stored
    words = parse_dictionary(content, str(dictionary or jieba_folder() / "dict.txt"))
    split_words: frozenset[str] = frozenset()
    if user_dict:
        words, split_words = add_user_words(words, user_content, str(user_dict))
    table = build_table(words, read_unknown_word_model())
    cache.save(key, table, split_words)
    return table, split_words


def table_of_live(live: LiveDictionary, untouched: WordTable) -> WordTable:
    """The table that `jieba.dt` stands for now; `untouched` is that of jieba's own dictionary."""
    if live.frequencies is None:
        return table_of_files(live.path, None)[0] if live.path else untouched
    if live.path is None and _is_untouched(live, untouched):
        return untouched
    model = read_unknown_word_model()
    words = Dictionary(dict(live.frequencies), live.total)
    table = build_table(words, model)
    if table.n_words == len(words.frequencies.keys() - {""}):
        return table
    # Somebody wrote into `jieba.dt.FREQ` past jieba's functions: words whose beginnings it lacks are never
    # found.
    return build_table(Dictionary(_reachable(words.frequencies), words.total), model)


def _is_untouched(live: LiveDictionary, untouched: WordTable) -> bool:
    # A word with a frequency raises the total, a new one the count; a deleted word has lost its frequency.
    if live.frequencies is None or (len(live.frequencies), live.total) != (
        untouched.n_words,
        untouched.total,
    ):
        return False
    return not any(untouched.has_word(word) for word in live.split_words if not live.frequencies.get(word))


def _reachable(frequencies: dict[str, int]) -> dict[str, int]:
    return {
        word: frequency
        for word, frequency in frequencies.items()
        if all(word[:end] in frequencies for end in range(1, len(word)))
    }
