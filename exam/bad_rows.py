"""Rows of a file that cannot be used, and the policies for them; imports no numpy, so that `--help` stays fast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cmexam_baseline.exam.errors import InputError

# At most this share of a file's rows is left out without a word from the user.
BAD_ROW_LIMIT = 0.01

BAD_ROWS = {
    "auto": f"leave out unusable rows, up to {BAD_ROW_LIMIT:.0%} of a file; more is an error",
    "error": "any row that is listed, even if only doubtful, is an error",
    "skip": "leave out unusable rows, however many",
    "keep": "leave out rows without question or options only; rows without usable answer stay, unanswered",
}


@dataclass(frozen=True)
class BadRow:
    """A row of a file that is not as it should be.

    `row` counts data rows from 1, `reason` says what is wrong, `excerpt` is the beginning of the question on
    one line. `left_out` says whether the exam goes without the row; doubtful rows are listed but stay in.

    >>> str(BadRow("val.csv", 7, "no answer", "下列属于…", left_out=True))
    'val.csv, row 7: no answer (下列属于…)'
    """

    file: str
    row: int
    reason: str
    excerpt: str
    left_out: bool

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}: {self.reason} ({self.excerpt})"


def count_left_out(bad: Iterable[BadRow]) -> int:
    """Number of rows that the exam goes without; a row with two faults counts once."""
    return len({(row.file, row.row) for row in bad if row.left_out})


def excerpt_of(text: str, length: int = 30) -> str:
    """The beginning of a text on one line, without control characters.

    >>> excerpt_of("男，35岁。\\n转移性右下腹疼痛5天", 8)
    '男，35岁。 转…'
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: length * 4]).split())
    return line if len(line) <= length and len(text) <= length * 4 else f"{line[:length]}…"


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
