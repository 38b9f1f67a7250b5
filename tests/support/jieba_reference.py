"""jieba itself, quietly: the definition that our words must equal."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


def quiet_jieba() -> ModuleType:
    """jieba with its dictionary loaded, without its warnings, log lines and file in the temp folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(60)
    load_quietly(jieba.dt)
    module: ModuleType = jieba
    return module


def load_quietly(tokenizer: Any) -> Any:
    """The tokenizer, with its dictionary loaded but not stored in the temp folder."""
    if not tokenizer.initialized:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
        tokenizer.initialized = True
    return tokenizer


@contextmanager
def jieba_as_it_was() -> Iterator[ModuleType]:
    """jieba, whose dictionary and split words are put back afterwards."""
    jieba = quiet_jieba()
    split_words = jieba.finalseg.Force_Split_Words
    names = ("FREQ", "total", "dictionary", "initialized")
    before = {name: getattr(jieba.dt, name) for name in names}
    split_before = set(split_words)
    jieba.dt.FREQ = dict(jieba.dt.FREQ)
    try:
        yield jieba
    finally:
        for name, value in before.items():
            setattr(jieba.dt, name, value)
        split_words.clear()
        split_words.update(split_before)


def fresh_tokenizer(dictionary: Path | None = None, user_dict: Path | None = None) -> Any:
    """A tokenizer of its own, as it is after `load_userdict`; use it within `jieba_as_it_was`."""
    tokenizer = quiet_jieba().Tokenizer(*([str(dictionary)] if dictionary else []))
    load_quietly(tokenizer)
    if user_dict:
        tokenizer.load_userdict(str(user_dict))
    return tokenizer
