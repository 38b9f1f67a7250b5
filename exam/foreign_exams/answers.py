"""Answers of other exam sets: letters, letter with text, text alone, or a number; to bit masks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS, parse_letters

_LEAD = re.compile(r"^\s*(?:正确)?(?:答案|answer)\s*(?:是|为|is)?\s*[:：]?\s*", re.I)
_COLUMN_NAME = re.compile(r"^(?:op|option|choice|选项)[ _]?([a-j])$", re.I)
_LETTER_AND_TEXT = re.compile(r"^\s*[(（\[【]?([A-JＡ-Ｊ])[)）\]】.．、:：\s]+(?=\S)")

# What reads one answer, given the options and the number that the first option has; None where it does not fit.
Reader = Callable[[object, Sequence[str], "int | None"], "int | None"]


def read_answers(
    answers: Sequence[Any], options: Sequence[Sequence[str]], index_base: int | None = None
) -> tuple[list[int | None], str]:
    """The bit masks of many answers, and the name of the format that reads most of them.

    answers: n values as the file has them: "C", "A,B", ["A", "B"], "E：24小时内", the option's text, 2
    options: n lists of option texts
    index_base: whether numbers count from 0 or from 1; None finds out

    A mask is 0 where there is no answer and None where no format reads it. Formats are tried on all rows, and a
    row that several can read is read as most rows are: "AB" among blood groups is a text where the others
    are texts. Raises `InputError` where numbers leave open whether they count from 0 or from 1.

    >>> read_answers(["A型", "B", "AB"], [["A型", "B型"], ["A", "B", "AB"], ["A", "AB"]])
    ([1, 2, 2], 'text')
    >>> read_answers([0, 1], [["甲", "乙"], ["甲", "乙"]])
    ([1, 2], 'number')
    """
    base = _find_base(answers, options) if index_base is None else index_base
    readings = [
        {name: _read(read, answer, texts, base) for name, read in FORMATS.items()}
        for answer, texts in zip(answers, options, strict=True)
    ]
    counts = Counter(name for row in readings for name, mask in row.items() if mask)
    formats = sorted(
        FORMATS, key=lambda name: -counts[name]
    )  # stable: the order of FORMATS decides between equals
    masks = [
        0 if is_missing(answer) else next((row[name] for name in formats if row[name] is not None), None)
        for answer, row in zip(answers, readings, strict=True)
    ]
    return masks, formats[0] if counts else "none"


def is_missing(answer: Any) -> bool:
    """Whether this is how sets say that there is no answer: null, "", [], NaN, or MedMCQA's -1.

    >>> is_missing(""), is_missing(-1), is_missing(0)
    (True, True, False)
    """
    if isinstance(answer, str):
        return answer.strip() in ("", "-1")
    if isinstance(answer, list | tuple):
        return all(is_missing(part) for part in answer)
    return answer is None or answer != answer or answer == -1


def _read(read: Reader, answer: object, options: Sequence[str], base: int | None) -> int | None:
    parts = answer if isinstance(answer, list | tuple) else [answer]
    union = 0
    for part in parts:
        mask = read(part, options, base)
        if mask is None:
            return None
        union |= mask
    return union or None


def _text_of(answer: object) -> str:
    return _LEAD.sub("", answer).strip() if isinstance(answer, str) else ""


def _comparable(text: str) -> str:
    """A text for comparison: one width, no blanks, no closing mark, no case; all other marks count."""
    return re.sub(r"\s+|[.。;；,，]+$", "", unicodedata.normalize("NFKC", text)).casefold()


def _read_letters(answer: object, options: Sequence[str], base: int | None) -> int | None:
    text = _text_of(answer)
    column = _COLUMN_NAME.match(text)
    mask = parse_letters(column.group(1) if column else text)
    return mask if mask and not mask >> len(options) else None


def _read_letter_and_text(answer: object, options: Sequence[str], base: int | None) -> int | None:
    text = _text_of(answer)
    match = _LETTER_AND_TEXT.match(text)
    if match is None:
        return None
    position = LETTERS.index(unicodedata.normalize("NFKC", match.group(1)))
    wanted = _comparable(options[position]) if position < len(options) else ""
    return 1 << position if wanted and _comparable(text[match.end() :]) == wanted else None


def _read_text(answer: object, options: Sequence[str], base: int | None) -> int | None:
    wanted = _comparable(_text_of(answer))
    same = [position for position, option in enumerate(options) if _comparable(option) == wanted]
    return 1 << same[0] if wanted and len(same) == 1 else None


def _read_number(answer: object, options: Sequence[str], base: int | None) -> int | None:
    number = _as_number(answer)
    return (
        None
        if number is None or base is None or not 0 <= number - base < len(options)
        else 1 << number - base
    )


FORMATS: dict[str, Reader] = {
    "letters": _read_letters,
    "letter and text": _read_letter_and_text,
    "text": _read_text,
    "number": _read_number,
}


def _as_number(answer: object) -> int | None:
    if isinstance(answer, bool):
        return None
    if isinstance(answer, str) and re.fullmatch(r"\s*\d{1,2}\s*", answer):
        return int(answer)
    if isinstance(answer, float):
        return int(answer) if answer.is_integer() else None
    return answer if isinstance(answer, int) else None


def _find_base(answers: Sequence[Any], options: Sequence[Sequence[str]]) -> int | None:
    """0 or 1 by the numbers that only one of them explains; None where there are no numbers."""
    pairs = []
    for answer, texts in zip(answers, options, strict=True):
        parts = answer if isinstance(answer, list | tuple) else [answer]
        numbers = [] if is_missing(answer) else [_as_number(part) for part in parts]
        as_text = isinstance(answer, str) and _read_text(answer, texts, None)
        pairs += [(number, len(texts)) for number in numbers if number is not None and not as_text]
    if not pairs:
        return None
    if any(number == 0 for number, _ in pairs):
        return 0
    if any(number == count for number, count in pairs):
        return 1
    raise InputError(
        f"the answers are numbers from {min(pairs)[0]} to {max(pairs)[0]}, which may count options from 0 or "
        "from 1; say which with `index_base`"
    )
