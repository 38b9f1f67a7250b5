"""Answers in any form - lists or arrays of strings, bit masks, class indices - as numbers of labels, and their counts."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import FloatArray, IntArray
from cmexam_baseline.metrics.inputs import column, is_plain_array
from cmexam_baseline.metrics.tokens import number_keys

NO_ANSWER = ""
UNKNOWN = "(unknown)"
"""The label of a gold answer that is not known: no prediction is right then, not even a missing one."""
LETTERS = "ABCDEFGHIJ"
KINDS = ("masks", "indices", "labels")

Answers: TypeAlias = "Iterable[Any] | npt.NDArray[Any]"

_MOST_CELLS = 1 << 22  # of a dense table of gold by predicted labels
_BUCKET_BITS = 14
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# What people write between, around and after letters: "A,B,D", "(A)", "A、C。", "A B".
_BESIDE_LETTERS = re.compile(r"[\s,;、。.:/|&+()\[\]【】\"']+")
_BYTES = re.compile(r"\s*b(['\"])(.*)\1", re.DOTALL)
_WITH_SMALL = re.compile(r"[A-J]*[a-j][A-Ja-j]+|[A-J]+[a-j]")
_LONGEST_CELL = 200
# A quick test that most other texts fail at their first character.
_MAY_BE_LETTERS = re.compile(r"(?:[A-Ja-j\s,;.:/|&+()\[\]\"']|[^\x00-\x7f])*\Z")


def parse_letters(text: str) -> int | None:
    """The bit mask of an answer as people write it, or None if it contains anything but letters A-J.

    Width, case, order, repetition and the usual separators do not matter; no letter at all is 0. A run with small
    letters must be in alphabetical order, as "abd": "bad" and "Dead" are words. The repr of bytes, b'C', is read.

    >>> parse_letters("D, b、Ａ"), parse_letters(""), parse_letters("ABX"), parse_letters("bad")
    (11, 0, None, None)
    """
    text = unicodedata.normalize("NFKC", text)
    if text.endswith(("'", '"')) and (inside := _BYTES.fullmatch(text)) is not None:
        text = inside[2]
    if not text.isupper() and any(
        list(run) != sorted(set(run)) for run in map(str.upper, _WITH_SMALL.findall(text))
    ):
        return None
    mask = 0
    for letter in _BESIDE_LETTERS.sub("", text).upper():
        bit = LETTERS.find(letter)
        if bit < 0:
            return None
        mask |= 1 << bit
    return mask


def count_answers(gold: Answers, *systems: Answers, kind: str | None = None) -> dict[tuple[str, ...], int]:
    """The number of questions with each combination of a gold and each system's predicted answer, sorted.

    Takes and raises what `score_answers` does.

    >>> count_answers(["A", "B", "B"], ["A", "B", "B"], ["A", None, None])
    {('A', 'A', 'A'): 1, ('B', 'B', ''): 2}
    """
    return sums_by_labels(*label_numbers(gold, systems, kind))


def label_numbers(
    gold: Answers, systems: Sequence[Answers], kind: str | None
) -> tuple[list[str], list[IntArray]]:
    """All labels, in no particular order, and for gold and each system the number of the label of each question."""
    names = [f"predicted {i + 1}" for i in range(len(systems))] if len(systems) > 1 else ["predicted"]
    codes, gold_labels = encode_answers(gold, "gold", kind)
    n = len(codes)
    columns = [(codes, [label or UNKNOWN for label in gold_labels])]
    for name, system in zip(names, systems, strict=True):
        codes, labels = encode_answers(system, name, kind)
        if len(codes) != n:
            raise ValueError(f"gold has {n} answers and {name} has {len(codes)}; give one for each question")
        if kind != "labels":
            _warn_of_labels(gold_labels, labels, name)
        # A prediction of this text is not right where the gold answer is unknown.
        columns.append((codes, [f"{label} " if label == UNKNOWN else label for label in labels]))
    return numbers_of_labels(*columns)


def numbers_of_labels(*columns: tuple[IntArray, list[str]]) -> tuple[list[str], list[IntArray]]:
    """All labels of columns with codes of their own, and each column as numbers of these labels."""
    number_of: dict[str, int] = {}
    numbers = [[number_of.setdefault(label, len(number_of)) for label in labels] for _, labels in columns]
    codes = [np.array(own, np.int64).take(codes) for own, (codes, _) in zip(numbers, columns, strict=True)]
    return list(number_of), codes


def sums_by_labels(
    labels: list[str], columns: list[IntArray], weights: FloatArray | None = None
) -> dict[tuple[str, ...], Any]:
    """For each combination that occurs, sorted, the number of its questions or the sum of their weights.

    >>> sums_by_labels(["A", "B"], [np.array([0, 1, 1]), np.array([0, 0, 0])])
    {('A', 'A'): 1, ('B', 'A'): 2}
    """
    shape = [max(len(labels), 1)] * len(columns)
    n_cells = shape[0] ** len(columns)
    if n_cells <= _MOST_CELLS:
        cells = reduce(lambda cell, codes: cell * shape[0] + codes, columns)
        counts = np.bincount(cells, minlength=n_cells)
        used = np.flatnonzero(counts)
        numbers = np.unravel_index(used, shape)
        sums = (counts if weights is None else np.bincount(cells, weights, n_cells))[used]
    else:
        order = sorted(range(len(labels)), key=labels.__getitem__)
        rank = np.argsort(order)
        by_label = np.lexsort([rank.take(codes) for codes in reversed(columns)])
        rows = [codes[by_label] for codes in columns]
        starts = np.flatnonzero(np.logical_or.reduce([np.diff(row, prepend=-1) != 0 for row in rows]))
        numbers = tuple(row[starts] for row in rows)
        masses = np.ones(len(by_label), np.int64) if weights is None else weights[by_label]
        sums = np.add.reduceat(masses, starts)
    names = [map(labels.__getitem__, codes.tolist()) for codes in numbers]
    found = zip(zip(*names, strict=True), sums.tolist(), strict=True)
    return dict(sorted(found) if n_cells <= _MOST_CELLS else found)


def encode_answers(answers: Answers, name: str, kind: str | None = None) -> tuple[IntArray, list[str]]:
    """Codes of n answers, int64, and the label of each code; a label may have no answer.

    - Strings are letters as in a file's cell ("BA", "a, b" and full width are all "AB"); a string that is not
      letters is a label as it is, and with `kind="labels"` every string is.
    - None, NaN, pandas.NA, masked entries and "" are no answer, of which the label is "".
    - Integers are bit masks (A is the lowest bit, 0 is no answer) with `kind="masks"` and option numbers (0 is
      A) with `kind="indices"`. Without `kind` unsigned arrays and integers above 9 are masks, and others raise
      `ValueError`, because both readings are possible.

    Raises `TypeError` or `ValueError` beginning with `name` for anything else.

    >>> encode_answers(["B", None, "BA", "B"], "predicted")
    (array([0, 1, 2, 0]), ['B', '', 'AB'])
    >>> codes, labels = encode_answers(np.array([2, 0, 3, 2], np.uint16), "predicted")
    >>> [labels[code] for code in codes]
    ['B', '', 'AB', 'B']
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be 'masks', 'indices', 'labels' or None, not {kind!r}")
    array: Any = answers if is_plain_array(answers) and answers.ndim == 1 else np.zeros(0)
    if array.dtype.kind in "iu":
        return _encode_integers(array, name, kind)
    if array.dtype.kind == "U":
        codes, labels = _encode_fixed_width(array)
        return codes, _as_labels(labels, kind)
    return _encode_list(column(answers, name, "answers"), name, kind)


class _CodeOf(dict[object, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: object) -> int:
        self[key] = code = len(self)
        return code


def _encode_list(answers: Sequence[Any], name: str, kind: str | None) -> tuple[IntArray, list[str]]:
    code_of = _CodeOf()
    try:
        codes = np.fromiter(map(code_of.__getitem__, answers), np.int64, len(answers))
    except TypeError:
        raise TypeError(_wrong_type(answers, name)) from None
    keys = list(code_of)
    given = [key for key in keys if key is not None]
    if given and all(isinstance(key, (int, np.integer)) and not isinstance(key, bool) for key in given):
        of_given, labels = _encode_integers(np.array(given, object), name, kind)
        of_keys = np.full(len(keys), len(labels))
        of_keys[[key is not None for key in keys]] = of_given
        return of_keys[codes], [*labels, NO_ANSWER]
    if not all(isinstance(key, str) for key in given):
        raise TypeError(_wrong_type(answers, name))
    return codes, _as_labels([NO_ANSWER if key is None else str(key) for key in keys], kind)


def _wrong_type(answers: Sequence[Any], name: str) -> str:
    place, answer = next(
        (place, answer)
        for place, answer in enumerate(answers)
        if not (answer is None or isinstance(answer, str))
    )
    return f"{name}[{place}] must be a string or None; it is {answer!r:.60} of type {type(answer).__name__}"


@cache
def _sets_of_letters() -> dict[str, int]:
    """The masks of all sets of letters by their labels, in the order of the masks."""
    masks = range(1 << len(LETTERS))
    return {"".join(letter for bit, letter in enumerate(LETTERS) if mask >> bit & 1): mask for mask in masks}


def _as_labels(texts: list[str], kind: str | None) -> list[str]:
    """Each text in the form of a label: sets of letters in order, other texts unchanged."""
    known = _sets_of_letters()
    labels, in_order = list(texts), tuple(known)
    for place, text in [] if kind == "labels" else enumerate(texts):
        if text not in known and len(text) <= _LONGEST_CELL and _MAY_BE_LETTERS.match(text):
            mask = parse_letters(text)
            labels[place] = text if mask is None else in_order[mask]
    return labels


def _warn_of_labels(gold: list[str], predicted: list[str], name: str) -> None:
    """Warn where all gold answers are letters and a predicted one is not: it cannot be right."""
    known = _sets_of_letters().keys()
    if any(gold) and all(label in known for label in gold) and (others := set(predicted) - known):
        warnings.warn(
            f"{name} has {len(others):,} answers that are not letters, such as {min(others)!r:.60}; they are "
            "wrong as they are: read the letters out of replies first",
            stacklevel=4,
        )


def _encode_integers(values: npt.NDArray[Any], name: str, kind: str | None) -> tuple[IntArray, list[str]]:
    if kind == "labels":
        raise ValueError(f"kind='labels' is for strings; {name} has integers")
    are_masks = kind == "masks" or values.dtype.kind == "u" or bool((values >= len(LETTERS)).any())
    if kind is None and not are_masks and len(values) and values.min() >= 0:
        raise ValueError(
            f"{name} has integers that can be bit masks of letters or numbers of options; "
            "give kind='masks' or kind='indices'"
        )
    what, labels = "a bit mask of letters A-J", list(_sets_of_letters())
    if kind == "indices":
        what, labels = "an option's number", list(LETTERS)
    wrong = np.flatnonzero((values < 0) | (values >= len(labels)))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {values[wrong[0]]}; {what} is 0 to {len(labels) - 1}")
    integers = values.astype(np.int64)
    is_used = np.bincount(integers, minlength=len(labels)) > 0
    codes = (np.cumsum(is_used) - 1).take(integers)
    return codes, [labels[value] for value in np.flatnonzero(is_used).tolist()]


def _encode_fixed_width(array: npt.NDArray[np.str_]) -> tuple[IntArray, list[str]]:
    width = array.dtype.itemsize // 4
    if len(array) and 0 < width <= 8:
        native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        characters = native.view(np.uint32).reshape(len(array), width)
        if characters.max() <= 0xFF:
            # Up to eight characters of Latin-1 are one integer each.
            packed = np.zeros((len(array), 8), np.uint8)
            packed[:, :width] = characters
            keys = packed.view(np.uint64)[:, 0]
            # Few distinct keys seldom share a bucket; then no sorting is needed.
            numbers: npt.NDArray[Any] = (keys * _MULTIPLIER >> np.uint64(64 - _BUCKET_BITS)).astype(np.int64)
            n_numbers = 1 << _BUCKET_BITS
            key_of_number = np.zeros(n_numbers, np.uint64)
            key_of_number[numbers] = keys
            if not (key_of_number.take(numbers) == keys).all():
                numbers, n_numbers = number_keys(keys)
            places = np.full(n_numbers, -1)
            places[numbers] = np.arange(len(array))
            is_used = places >= 0
            codes = (np.cumsum(is_used) - 1).take(numbers)
            return codes, array[places[is_used]].tolist()
    labels, codes = np.unique(array, return_inverse=True)
    return codes.astype(np.int64, copy=False), labels.tolist()
