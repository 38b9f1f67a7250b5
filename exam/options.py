"""The options cell: "A xxx\\nB yyy" to texts and back."""

from __future__ import annotations

from collections.abc import Sequence

from cmexam_baseline.exam.letters import LETTERS


def parse_options(cell: str) -> list[str] | None:
    """The option texts of a cell with one option a line, or None where they cannot be read.

    >>> parse_options("A 肝炎\\nB 肝癌")
    ['肝炎', '肝癌']
    """
    lines = cell.split("\n")
    if not 2 <= len(lines) <= len(LETTERS):
        return None
    if any(line[:2] != f"{letter} " for letter, line in zip(LETTERS, lines, strict=False)):
        return None
    return [line[2:] for line in lines]


def format_options(texts: Sequence[str]) -> str:
    """The published form of a question's options: letter, blank, text, one a line.

    >>> format_options(["肝炎", "肝癌"])
    'A 肝炎\\nB 肝癌'
    """
    return "\n".join(f"{letter} {text}" for letter, text in zip(LETTERS, texts, strict=False))
