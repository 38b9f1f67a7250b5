"""What a user can set right: exceptions, and rows that cannot be used; imports no numpy, so that `--help` stays fast."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class InputError(ValueError):
    """A file, folder or argument from outside that cannot be used.

    The message is one line: what was found, where (file and row), and what to do about it.
    The command line prints it as it is and exits with code 2; library callers can catch it
    as the `ValueError` that it is.

    >>> str(InputError("val.csv, row 3: answer 'F' has no option; correct the row"))
    "val.csv, row 3: answer 'F' has no option; correct the row"
    """


def missing_path(path: Path) -> InputError:
    """The error for a path that does not exist, with the most similar name beside it."""
    try:
        names = sorted(one.name for one in path.parent.iterdir())
    except OSError:
        hint = f"the folder {path.parent} is not there either; check the path"
    else:
        close = [name for name in names if Path(name).stem == path.name]
        close = close or difflib.get_close_matches(path.name, names, 1)
        hint = f"did you mean {path.with_name(close[0])}?" if close else "check the path"
    return InputError(f"{path} is not there; {hint}")


class NotFittedError(InputError):
    """A model was asked for what it only knows after `fit`.

    Where scikit-learn is loaded, each instance is a `sklearn.exceptions.NotFittedError`, too.
    """

    def __new__(cls, *args: object) -> NotFittedError:
        """An instance that code which catches scikit-learn's class catches; nobody else needs its import."""
        if cls is NotFittedError and "sklearn" in sys.modules:
            return super().__new__(_also_of_scikit_learn(), *args)
        return super().__new__(cls, *args)

    def __reduce__(self) -> tuple[type[NotFittedError], tuple[object, ...]]:
        """Pickled under the name by which it can be found."""
        return NotFittedError, self.args


@cache
def _also_of_scikit_learn() -> type[NotFittedError]:
    from sklearn.exceptions import NotFittedError as Theirs

    return type("NotFittedError", (NotFittedError, Theirs), {"__doc__": NotFittedError.__doc__})


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
