"""Answer sets: "ABD" to a bit mask and back.

Bit i of a mask is set when option i (A is bit 0) belongs to the answer; 0 means that there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.metrics.answer_codes import LETTERS as LETTERS
from cmexam_baseline.metrics.answer_codes import parse_letters as parse_letters

MAX_OPTIONS = len(LETTERS)
MAX_MASK = (1 << MAX_OPTIONS) - 1

_LETTERS_OF_MASK = [
    "".join(letter for bit, letter in enumerate(LETTERS) if mask >> bit & 1) for mask in range(MAX_MASK + 1)
]


def letters_to_mask(text: str) -> int:
    """The bit mask of an answer: letters A–J in any order, width or case, with or without separators.

    Several small letters without separators must be in alphabetical order, because "bad" is a word.

    Raises `InputError` where `text` holds anything else.

    >>> letters_to_mask("ABD"), letters_to_mask("c"), letters_to_mask("")
    (11, 4, 0)
    """
    mask = parse_letters(text)
    if mask is None:
        raise InputError(f"answer {text!r} is not a set of letters A–J; write it as in 'C' or 'ABD'")
    return mask


def mask_to_letters(mask: int) -> str:
    """The letters of a bit mask in order; "" for 0.

    Raises `InputError` for a mask outside 0–1023.

    >>> mask_to_letters(11)
    'ABD'
    """
    if not 0 <= mask <= MAX_MASK:
        raise InputError(f"answer mask {mask} must be between 0 and {MAX_MASK}")
    return _LETTERS_OF_MASK[mask]


def letters_to_masks(texts: Iterable[str | None]) -> NDArray[np.uint16]:
    """The bit masks of many answers, uint16 (n,); None and "" become 0.

    Raises `InputError` naming the first answer that is not a set of letters A–J.

    >>> letters_to_masks(["C", None, "A,D"]).tolist()
    [4, 0, 9]
    """
    answers = ["" if text is None else text for text in texts]
    masks = {text: parse_letters(text) for text in set(answers)}
    if None in masks.values():
        row, text = next((row, text) for row, text in enumerate(answers, 1) if masks[text] is None)
        raise InputError(
            f"answer {text!r} in row {row} is not a set of letters A–J; write it as in 'C' or 'ABD'"
        )
    return np.array([masks[text] for text in answers], dtype=np.uint16)


def masks_to_letters(masks: ArrayLike) -> list[str]:
    """The letters of many bit masks, "" for 0.

    Raises `InputError` where a mask is outside 0–1023.

    >>> masks_to_letters([4, 0, 9])
    ['C', '', 'AD']
    """
    values: Sequence[int] = np.asarray(masks).tolist()
    if values and not 0 <= min(values) <= max(values) <= MAX_MASK:
        raise InputError(f"answer masks must be between 0 and {MAX_MASK}; got {min(values)} to {max(values)}")
    return [_LETTERS_OF_MASK[mask] for mask in values]


def letter_counts(masks: ArrayLike) -> NDArray[np.int64]:
    """How many letters each answer holds, int64 (n,): 0 no answer, 1 single, 2 and more multi-answer."""
    return np.bitwise_count(np.asarray(masks, dtype=np.uint16)).astype(np.int64)
