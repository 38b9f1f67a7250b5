"""Answers in any form - lists of strings, arrays of strings, bit masks - as dense codes and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cmexam_baseline.metrics.array_types import IntArray

NO_ANSWER = ""
UNKNOWN = "(unknown)"
"""The label of a gold answer that is not known: no prediction is right then, not even a missing one."""
LETTERS = "ABCDEFGHIJ"

Answers: TypeAlias = "Sequence[str | None] | npt.NDArray[Any]"

_BUCKET_BITS = 14
_MULTIPLIERS = tuple(map(np.uint64, (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)))


def encode_answers(answers: Answers, name: str) -> tuple[IntArray, list[str]]:
    """Codes of n answers, int64, and the label of each code; labels may stand there that no answer has.

    Answers are strings such as "ABD", None (or NaN, or "") for no answer, or integers that are bit masks of
    letters, A the lowest bit, 0 for no answer. No answer has the label "". Strings are labels as they are.
    Raises `TypeError` or `ValueError` beginning with `name` for anything else.

    >>> encode_answers(["B", None, "AB", "B"], "predicted")
    (array([0, 1, 2, 0]), ['B', '', 'AB'])
    >>> codes, labels = encode_answers(np.array([2, 0, 3, 2], np.uint16), "predicted")
    >>> [labels[code] for code in codes]
    ['B', '', 'AB', 'B']
    """
    if isinstance(answers, (str, bytes)):
        raise TypeError(f"{name} must be a list or array of answers, not one string; give [answer]")
    if isinstance(answers, (list, tuple)):
        return _encode_list(answers, name)
    array = np.asarray(answers)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension; its shape is {array.shape}")
    if array.dtype.kind in "iu":
        return _encode_masks(array, name)
    if array.dtype.kind == "U":
        return _encode_fixed_width(array)
    return _encode_list(array.tolist(), name)


class _CodeOf(dict[object, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: object) -> int:
        self[key] = code = len(self)
        return code


def _encode_list(answers: Sequence[Any], name: str) -> tuple[IntArray, list[str]]:
    code_of = _CodeOf()
    try:
        codes = np.fromiter(map(code_of.__getitem__, answers), np.int64, len(answers))
    except TypeError:
        raise TypeError(_wrong_type(answers, name)) from None
    if all(isinstance(key, (int, np.integer)) and not isinstance(key, bool) for key in code_of):
        masks, labels = _encode_masks(np.array(list(code_of), object), name)
        return masks[codes] if len(code_of) else codes, labels
    if not all(_is_answer(key) for key in code_of):
        raise TypeError(_wrong_type(answers, name))
    return codes, [key if isinstance(key, str) else NO_ANSWER for key in code_of]


def _is_answer(value: object) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, float) and value != value)


def _wrong_type(answers: Sequence[Any], name: str) -> str:
    place, answer = next((i, answer) for i, answer in enumerate(answers) if not _is_answer(answer))
    return f"{name}[{place}] must be a string or None; it is {answer!r:.60} of type {type(answer).__name__}"


def _encode_masks(masks: npt.NDArray[Any], name: str) -> tuple[IntArray, list[str]]:
    wrong = np.flatnonzero((masks < 0) | (masks >= 1 << len(LETTERS)))
    if len(wrong):
        raise ValueError(
            f"{name}[{wrong[0]}] is {masks[wrong[0]]}; a bit mask of letters A-J is 0 to {(1 << len(LETTERS)) - 1}"
        )
    labels = [
        "".join(letter for bit, letter in enumerate(LETTERS) if mask >> bit & 1)
        for mask in range(1 << len(LETTERS))
    ]
    return masks.astype(np.int64), labels


def _encode_fixed_width(array: npt.NDArray[np.str_]) -> tuple[IntArray, list[str]]:
    keys = _short_keys(array)
    if keys is not None:
        for multiplier in _MULTIPLIERS:
            # Few distinct keys seldom share a bucket; where they do another multiplier is tried.
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
    """One integer a string, or None if a string can have more than eight characters or one beyond Latin-1."""
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
