"""A leaderboard as CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cmexam_baseline.exam.text_tables import csv_text, latex_table, markdown_table

if TYPE_CHECKING:
    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard, LeaderboardEntry

COLUMNS = ("", "system", "kind", "size", "questions", "accuracy", "95% interval", "weighted F1")
LEFT = ("system", "kind")


def as_csv(found: Leaderboard) -> str:
    """Fractions with all their digits, a row per system."""
    rows: list[Sequence[object]] = []
    for each in found.entries:
        low, high = each.interval or (None, None)
        rows.append(
            (
                each.system,
                each.kind,
                each.split,
                each.n,
                each.accuracy,
                low,
                high,
                each.weighted_f1,
                each.size,
            )
        )
    names = ["system", "kind", "split", "n", "accuracy", "low", "high", "weighted_f1", "size"]
    return csv_text(names, rows)


def as_markdown(found: Leaderboard) -> str:
    """Percent, with the notes below."""
    table = markdown_table(COLUMNS, rows_of(found.entries), LEFT)
    return table + "".join(f"\n{note}\n" for note in notes_on(found))


def as_latex(found: Leaderboard) -> str:
    """Percent, for the booktabs package."""
    return latex_table(COLUMNS, rows_of(found.entries), LEFT)


def rows_of(entries: Sequence[LeaderboardEntry]) -> list[tuple[str, ...]]:
    """The cells of `COLUMNS` per system, figures in percent."""
    return [
        (
            str(rank),
            each.system,
            each.kind,
            shown_size(each.size),
            "" if each.n is None else f"{each.n:,}",
            _percent(each.accuracy),
            "" if each.interval is None else f"{_percent(each.interval[0])}–{_percent(each.interval[1])}",
            "" if each.weighted_f1 is None else _percent(each.weighted_f1),
        )
        for rank, each in enumerate(entries, 1)
    ]


def shown_size(size: float | None) -> str:
    """A number of parameters in the unit that fits.

    >>> shown_size(7e9), shown_size(35.7e6), shown_size(None)
    ('7B', '35.7M', '')
    """
    if size is None:
        return ""
    unit, letter = next((pair for pair in ((1e9, "B"), (1e6, "M"), (1e3, "K")) if size >= pair[0]), (1.0, ""))
    if letter == "M" and size >= 1e8:
        unit, letter = 1e9, "B"  # the paper writes 0.1B
    return f"{size / unit:.3g}{letter}"


def notes_on(found: Leaderboard) -> list[str]:
    """What a reader must know to compare the rows."""
    notes = []
    if any(each.kind == "published" for each in found.entries):
        notes.append(
            "Published: Liu et al. 2023, Table 3, on CMExam's whole test split; the intervals are those of its "
            "6,811 questions. Figures on other questions are not strictly comparable."
        )
    exams = {each.questions for each in found.entries if each.questions}
    if len(exams) > 1:
        notes.append(f"These systems answered {len(exams)} different sets of questions.")
    return notes


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"
