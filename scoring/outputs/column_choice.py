"""The columns of a prediction file that the user names."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cmexam_baseline.exam.errors import InputError, excerpt_of

Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True)
class ColumnChoice:
    """Columns named by the user; None = recognise. Of `answer` and `raw` several may be named, a system each."""

    id: str | None = None
    question: str | None = None
    options: str | None = None
    model: str | None = None
    answer: str | tuple[str, ...] | None = None
    raw: str | tuple[str, ...] | None = None
    explanation: str | None = None
    reference: str | None = None
    gold: str | None = None

    def named(self, role: str) -> tuple[str, ...]:
        """The columns that are named for a role."""
        value: str | tuple[str, ...] | None = getattr(self, role)
        return () if value is None else (value,) if isinstance(value, str) else value

    def check(self, columns: Columns, file: str) -> None:
        """Raise `InputError` for a column that the file lacks."""
        for role in self.__dataclass_fields__:
            for name in self.named(role):
                if name not in columns:
                    raise InputError(f"{file} has no column {name!r}{_did_you_mean(name, columns)}")


def _did_you_mean(name: str, columns: Columns) -> str:
    close = difflib.get_close_matches(name, list(columns), n=1)
    known = excerpt_of(", ".join(list(columns)[:12]), 300)
    return f"; did you mean {close[0]!r}?" if close else f"; it has {known}"
