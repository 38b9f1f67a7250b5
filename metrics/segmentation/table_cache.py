"""Word tables of dictionaries, in the user's cache folder, so that only the first process on a machine builds them.

A file is one line (a magic word, the format's version, a key made from all sources, the sha256 of the rest)
and an npz without pickles. It is used only if the line matches, if it belongs to this user, and if no other
user may write to it; otherwise it is rebuilt and replaced. If the folder is not writable, nothing is cached.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

import numpy as np

from cmexam_baseline.metrics.cache_folder import cache_folder
from cmexam_baseline.metrics.segmentation.dictionary import (
    Dictionary,
    JiebaState,
    add_user_words,
    file_content,
    jieba_folder,
    parse_dictionary,
    read_unknown_word_model,
)
from cmexam_baseline.metrics.segmentation.trie import WordTable, build_table

_MAGIC = "cmexam-baseline-words"
_FORMAT = 2
_MOST_FILES = 8
_LONGEST_WRITING = 60.0  # seconds
_ARRAYS = ("characters", "bases", "parents", "weights", "emissions", "transitions", "start")
_SCALARS = tuple(field.name for field in fields(WordTable) if field.name not in _ARRAYS)


def table_of_files(dictionary: Path | None, user_dict: Path | None) -> tuple[WordTable, frozenset[str]]:
    """The table of a dictionary (None: jieba's own) with a user's words, and the words to split; cached."""
    content = dictionary.read_bytes() if dictionary else file_content("dictionary")
    user_content = user_dict.read_bytes() if user_dict else b""
    model_files = [file_content(name) for name in ("start", "transitions", "emissions")]
    key = _key_of([content, user_content, *model_files])
    stored = load(key)
    if stored:
        return stored
    words = parse_dictionary(content, str(dictionary or jieba_folder() / "dict.txt"))
    split_words: frozenset[str] = frozenset()
    if user_dict:
        words, split_words = add_user_words(words, user_content, str(user_dict))
    table = build_table(words, read_unknown_word_model())
    save(key, table, split_words)
    return table, split_words


def table_of_jieba_state(state: JiebaState, untouched: WordTable) -> WordTable:
    """The table of the current dictionary of `jieba.dt`; `untouched` is that of jieba's own dictionary."""
    if state.frequencies is None:
        return table_of_files(state.path, None)[0] if state.path else untouched
    frequencies = dict(state.frequencies)
    # A word with a frequency raises the total, a new one the count, and a deleted one is split.
    sizes = len(frequencies), state.total
    if state.path is None and not state.split_words and sizes == (untouched.n_words, untouched.total):
        return untouched
    model = read_unknown_word_model()
    table = build_table(Dictionary(frequencies, state.total), model)
    if table.n_words == len(frequencies.keys() - {""}):
        return table
    # `jieba.dt.FREQ` was changed without jieba's functions: words whose prefixes are missing are never found.
    reachable = {
        word: frequency
        for word, frequency in frequencies.items()
        if all(word[:end] in frequencies for end in range(1, len(word)))
    }
    return build_table(Dictionary(reachable, state.total), model)


def _key_of(sources: Iterable[bytes]) -> str:
    digests = [hashlib.sha256(source).digest() for source in sources]
    return hashlib.sha256(b"".join([f"{_MAGIC} {_FORMAT}".encode(), *digests])).hexdigest()[:32]


def load(key: str) -> tuple[WordTable, frozenset[str]] | None:
    """The table and split words stored under this key, or None where they are not or cannot be trusted."""
    folder = cache_folder()
    content = _read_own(folder / _file_name(key)) if folder else None
    if content is None:
        return None
    line, _, body = content.partition(b"\n")
    if line != _first_line(key, body):
        return None
    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in _ARRAYS}
        rest = json.loads(bytes(stored["rest"]))
    return WordTable(**arrays, **rest["scalars"]), frozenset(rest["split_words"])


def save(key: str, table: WordTable, split_words: frozenset[str]) -> bool:
    """Store a table and its split words for the next process; False where nothing can be written."""
    folder = cache_folder()
    if folder is None:
        return False
    rest = {"scalars": {name: getattr(table, name) for name in _SCALARS}, "split_words": sorted(split_words)}
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    file = io.BytesIO()
    np.savez(file, rest=np.frombuffer(json.dumps(rest).encode(), np.uint8), **arrays)
    body = file.getvalue()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_atomically(folder / _file_name(key), _first_line(key, body) + b"\n" + body)
        _forget_oldest(folder)
    except OSError:
        return False
    return True


def _file_name(key: str) -> str:
    return f"words-{key}.table"


def _first_line(key: str, body: bytes) -> bytes:
    return f"{_MAGIC} {_FORMAT} {key} {hashlib.sha256(body).hexdigest()}".encode()


def _read_own(path: Path) -> bytes | None:
    """The content of a regular file that is this user's and that no other user may write to."""
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"):
        flags |= getattr(os, name, 0)
    try:
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - Path.open cannot refuse links
            status = os.fstat(file.fileno())
            is_foreign = hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & 0o022)
            return None if is_foreign or not stat.S_ISREG(status.st_mode) else file.read()
    except OSError:
        return None


def _write_atomically(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by this user alone
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - there is a handle already
            file.write(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _forget_oldest(folder: Path) -> None:
    """Keep the tables of the last few dictionaries: every change of a user dictionary adds one.

    Partly written files of killed processes are removed as well, once they are old.
    """
    for path in folder.glob(f".{_file_name('*')}.*"):
        if time.time() - path.stat().st_mtime > _LONGEST_WRITING:
            path.unlink(missing_ok=True)
    tables = sorted(folder.glob(_file_name("*")), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in tables[_MOST_FILES:]:
        path.unlink(missing_ok=True)
