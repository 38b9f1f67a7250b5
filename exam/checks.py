"""What can be wrong with a row of an exam file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BadRow:
    """A row of a file that is not as it should be.

    `row` is the 1-based data row, `left_out` says whether the exam goes without it.
    """

    file: str
    row: int
    reason: str
    excerpt: str
    left_out: bool
