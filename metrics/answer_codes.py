"""Answers in any form - lists or arrays of strings, bit masks, class indices - as dense codes and their labels."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import IntArray
from cmexam_baseline.metrics.token_streams import column

NO_ANSWER = ""
UNKNOWN = "(unknown)"
"""The label of a gold answer that is not known: no prediction is right then, not even a missing one."""
LETTERS = "ABCDEFGHIJ"
KINDS = ("masks", "indices", "labels")

Answers: TypeAlias = "Iterable[Any] | npt.NDArray[Any]"

_N_MASKS = 1 << len(LETTERS)
_BUCKET_BITS = 14
_MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)))

# What people write between, around and after letters: "A,B,D", "(A)", "A、C。", "A B".
_BESIDE_LETTERS = re.compile(r"[\s,;、。.:/|&+()\[\]【】\"']+")
_LONGEST_CELL = 200
# A quick test that most other texts fail at their first character.
_MAY_BE_LETTERS = re.compile(r"(?:[A-Ja-j\s,;.:/|&+()\[\]\"']|[^\x00-\x7f])*\Z")


def parse_letters(text: str) -> int | None:
    """The bit mask of an answer as people write it, or None if it contains anything but letters A-J.

    Width, case, order, repetition and the usual separators do not matter; no letter at all is 0.

    >>> parse_letters("D, b、Ａ"), parse_letters(""), parse_letters("ABX")
    (11, 0, None)
    """
    compact = _BESIDE_LETTERS.sub("", unicodedata.normalize("NFKC", text)).upper()
    mask = 0
    for letter in compact:
        bit = LETTERS.find(letter)
        if bit < 0:
            return None
        mask |= 1 << bit
    return mask


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
    array = None if isinstance(answers, (list, tuple, np.ma.MaskedArray)) else _as_array(answers, name)
    if array is None:
        return _encode_list(column(answers, name, "answers"), name, kind)
    if array.dtype.kind in "iu":
        return _encode_integers(array, name, kind)
    codes, labels = _encode_fixed_width(array)
    return codes, _as_labels(labels, kind)


def _as_array(answers: Answers, name: str) -> npt.NDArray[Any] | None:
    """An array of integers or of strings of fixed width, or None for anything else."""
    if isinstance(answers, np.ndarray) and answers.ndim == 1 and answers.dtype.kind in "iuU":
        return answers
    return None


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
        places = np.array([place for place, key in enumerate(keys) if key is not None])
        of_given, labels = _encode_integers(np.array(given, object), name, kind)
        of_keys = np.full(len(keys), len(labels))
        of_keys[places] = of_given
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
def _labels_of_masks() -> tuple[str, ...]:
    return tuple(
        "".join(letter for bit, letter in enumerate(LETTERS) if mask >> bit & 1) for mask in range(_N_MASKS)
    )


@cache
def _sets_of_letters() -> frozenset[str]:
    return frozenset(_labels_of_masks())


def _as_labels(texts: list[str], kind: str | None) -> list[str]:
    """Each text in the form of a label: sets of letters in order, other texts unchanged."""
    known = _sets_of_letters()
    if kind == "labels" or known.issuperset(texts):
        return texts
    labels = list(texts)
    may_be_letters = _MAY_BE_LETTERS.match
    for place, text in enumerate(texts):
        if may_be_letters(text, 0, _LONGEST_CELL) and text not in known and len(text) <= _LONGEST_CELL:
            mask = parse_letters(text)
            labels[place] = text if mask is None else _labels_of_masks()[mask]
    return labels


def warn_of_labels(gold: list[str], predicted: list[str], name: str) -> None:
    """Warn where all gold answers are letters and a predicted one is not: it cannot be right."""
    known = _sets_of_letters()
    others = set(predicted) - known
    if others and gold and known.issuperset(gold):
        warnings.warn(
            f"{name} has {len(others):,} answers that are not letters, such as {min(others)!r:.60}; they are "
            "wrong as they are: read the letters out of replies first",
            stacklevel=4,
        )


def _encode_integers(values: npt.NDArray[Any], name: str, kind: str | None) -> tuple[IntArray, list[str]]:
    if kind == "labels":
        raise ValueError(f"kind='labels' is for strings; {name} has integers")
    are_masks = (
        kind == "masks" or values.dtype.kind == "u" or (len(values) > 0 and values.max() >= len(LETTERS))
    )
    if kind is None and not are_masks and len(values) and values.min() >= 0:
        raise ValueError(
            f"{name} has integers that can be bit masks of letters or numbers of options; "
            "give kind='masks' or kind='indices'"
        )
    if kind == "indices":
        limit, what, labels = len(LETTERS), "an option's number", list(LETTERS)
    else:
        limit, what, labels = _N_MASKS, "a bit mask of letters A-J", list(_labels_of_masks())
    wrong = np.flatnonzero((values < 0) | (values >= limit))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {values[wrong[0]]}; {what} is 0 to {limit - 1}")
    integers = values.astype(np.int64)
    is_used = np.bincount(integers, minlength=limit) > 0
    codes = (np.cumsum(is_used) - 1).take(integers)
    return codes, [labels[value] for value in np.flatnonzero(is_used).tolist()]


def _encode_fixed_width(array: npt.NDArray[np.str_]) -> tuple[IntArray, list[str]]:
    keys = _short_keys(array)
    if keys is not None:
        for multiplier in _MULTIPLIERS:
            # Few distinct keys seldom share a bucket; if they do, another multiplier is tried.
            buckets = (keys * multiplier >> np.uint64(64 - _BUCKET_BITS)).astype(np.int64)
            key_of_bucket = np.zeros(1 << _BUCKET_BITS, np.uint64)
            key_of_bucket[buckets] = keys
            if (key_of_bucket.take(buckets) == keys).all():
                is_used = np.zeros(len(key_of_bucket), bool)
                is_used[buckets] = True
                codes = (np.cumsum(is_used) - 1).take(buckets)
                return codes, [_string_of_key(key) for key in key_of_bucket[is_used]]
    labels, codes = np.unique(array, return_inverse=True)
    return codes.astype(np.int64, copy=False), labels.tolist()


def _short_keys(array: npt.NDArray[np.str_]) -> npt.NDArray[np.uint64] | None:
    """One integer per string, or None if a string can have more than eight characters or one beyond Latin-1."""
    width = array.dtype.itemsize // 4
    if not len(array) or not 0 < width <= 8:
        return None
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    characters = native.view(np.uint32).reshape(len(array), width)
    if characters.max() > 0xFF:
        return None
    packed = np.zeros((len(array), 8), np.uint8)
    packed[:, :width] = characters
    return packed.view(np.uint64)[:, 0]


def _string_of_key(key: np.uint64) -> str:
    return key.tobytes().rstrip(b"\0").decode("latin-1")
