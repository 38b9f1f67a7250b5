"""jieba's dictionary and its model of unknown words, read from its installed files without importing it.

Importing jieba warns on some Pythons, and starting it logs and leaves a cache in the temporary folder.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

# A character begins a word, is amid it, ends it, or stands alone.
STATES = "BMES"
BEGIN, AMID, END, ALONE = range(len(STATES))
# Which two states can come before each; of two equal sums the second wins, for jieba compares letters then.
PREDECESSORS = {BEGIN: (END, ALONE), AMID: (BEGIN, AMID), END: (BEGIN, AMID), ALONE: (END, ALONE)}
IMPOSSIBLE = -3.14e100  # jieba's logarithm of zero

_FILES = {
    "dictionary": "dict.txt",
    "start": "finalseg/prob_start.py",
    "transitions": "finalseg/prob_trans.py",
    "emissions": "finalseg/prob_emit.py",
}


@dataclass(frozen=True, eq=False)
class Dictionary:
    """What `jieba.dt` holds once it is loaded: the words' frequencies and the sum they are relative to."""

    frequencies: dict[str, int]
    total: int


@dataclass(frozen=True, eq=False)
class UnknownWordModel:
    """The hidden Markov model that joins characters which no word covers, in natural logarithms."""

    start: dict[str, float]
    transitions: dict[str, dict[str, float]]
    emissions: dict[str, dict[str, float]]


@cache
def jieba_folder() -> Path:
    """Where jieba is installed; raises `ModuleNotFoundError` with the install line if it is not."""
    spec = importlib.util.find_spec("jieba")
    for folder in (spec and spec.submodule_search_locations) or ():
        if all((Path(folder) / name).is_file() for name in _FILES.values()):
            return Path(folder)
    raise ModuleNotFoundError("words need the files of jieba 0.42.1: pip install jieba==0.42.1", name="jieba")


def file_content(name: str) -> bytes:
    """One of jieba's files: "dictionary", "start", "transitions" or "emissions"."""
    return (jieba_folder() / _FILES[name]).read_bytes()


def parse_dictionary(content: bytes, source: str) -> Dictionary:
    """Read lines of `word frequency [tag]`; of a word that comes twice the last frequency holds, as in jieba.

    Raises `ValueError` naming `source` and line where a line has another form.
    """
    frequencies: dict[str, int] = {}
    total = 0
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            word, count = line.strip().decode("utf-8").split(" ")[:2]
            frequency = int(count)
        except ValueError:
            raise ValueError(
                f"{source}, line {number}: {line[:60]!r} is not `word frequency [tag]` in UTF-8; correct it"
            ) from None
        frequencies[word] = frequency
        total += frequency
    return Dictionary(frequencies, total)


def read_unknown_word_model() -> UnknownWordModel:
    """jieba's model of unknown words."""
    return UnknownWordModel(*(_literal(file_content(name)) for name in ("start", "transitions", "emissions")))


def _literal(source: bytes) -> Any:
    # The files are Python of one form, `P={'B': {'\u4e00': -3.65…}}`, which is JSON but for the quotes.
    return json.loads(source.decode("ascii").partition("P=")[2].replace("'", '"'))
