"""What can be wrong with a row of an exam file, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.bad_rows import BAD_ROW_LIMIT, BadRow, count_left_out, excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters


def question_fault(question: str) -> str | None:
    """Why a question cannot be asked, or None."""
    return None if question.strip() else "no question"


def options_fault(options: Sequence[str]) -> str | None:
    """Why options cannot be used, or None."""
    if len(options) > MAX_OPTIONS:
        return f"{len(options)} options; at most {MAX_OPTIONS} are possible"
    if sum(1 for text in options if text.strip()) < 2:
        return "options cannot be read: expected one a line, as in 'A xxx'"
    return None


def answer_fault(answer: str, mask: int | None, options: Sequence[str]) -> str | None:
    """Why an answer cannot be scored, or None; `mask` is what the letters of `answer` say."""
    if mask is None:
        return f"answer {excerpt_of(answer, 20)!r} is not a set of letters"
    if mask == 0:
        return "no answer"
    without_option = [
        letter
        for place, letter in enumerate(LETTERS)
        if mask >> place & 1 and not (place < len(options) and options[place].strip())
    ]
    if without_option:
        return f"answer {mask_to_letters(mask)} but no option {', '.join(without_option)}"
    return None


def options_doubt(options: Sequence[str], folded: Sequence[str]) -> list[str]:
    """What is odd about options that can still be used: no text, or the same text twice.

    `folded` are the same texts as `fold_texts` gives them: width and blanks do not tell options apart.
    """
    doubts = []
    empty = [letter for letter, text in zip(LETTERS, options, strict=False) if not text.strip()]
    if empty:
        doubts.append(f"option {', '.join(empty)} has no text")
    letters_of: dict[str, list[str]] = {}
    for letter, text in zip(LETTERS, folded, strict=False):
        letters_of.setdefault(text, []).append(letter)
    doubts += [
        f"options {' and '.join(letters)} are the same"
        for text, letters in letters_of.items()
        if text and len(letters) > 1
    ]
    return doubts


def plain_options(folded: Sequence[str], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each question's options have neither fault nor doubt, bool (n,): two to ten different texts.

    folded: the options of all questions, flat, as `fold_texts` gives them; counts: int64 (n,)
    """
    number_of = {"": 0}
    numbers = np.fromiter(
        (number_of.setdefault(text, len(number_of)) for text in folded), dtype=np.int64, count=len(folded)
    )
    rows = np.repeat(np.arange(len(counts)), counts)
    keys = np.sort(rows * len(number_of) + numbers)
    plain = (counts >= 2) & (counts <= MAX_OPTIONS)
    plain[rows[numbers == 0]] = False
    plain[keys[1:][keys[1:] == keys[:-1]] // len(number_of)] = False
    return plain


def refuse_bad_rows(bad: Sequence[BadRow], n_rows: int, file: str, policy: str) -> None:
    """Raise `InputError` where the policy does not allow these bad rows among `n_rows`."""
    if policy == "error" and bad:
        raise InputError(
            f'{_summary(bad, n_rows, file, "are not in order")}; correct them or use `bad_rows="skip"`'
        )
    unusable = [row for row in bad if row.left_out]
    left_out = count_left_out(unusable)
    if policy == "auto" and left_out > BAD_ROW_LIMIT * n_rows:
        raise InputError(
            f'{_summary(unusable, n_rows, file, "cannot be used")}; correct them or use `bad_rows="skip"` '
            f"(up to {BAD_ROW_LIMIT:.0%} would be left out by themselves)"
        )
    if n_rows and left_out == n_rows:
        raise InputError(f"{_summary(unusable, n_rows, file, 'cannot be used')}; no question is left")


def _summary(bad: Sequence[BadRow], n_rows: int, file: str, verdict: str, shown: int = 3) -> str:
    count = len({row.row for row in bad})
    examples = "; ".join(f"row {row.row}: {row.reason}" for row in bad[:shown])
    more = f"; and {len(bad) - shown} more" if len(bad) > shown else ""
    return f"{file}: {count} of {n_rows} rows {verdict} ({examples}{more})"
