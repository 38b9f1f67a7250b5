"""How comparisons look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from cmexam_baseline.cli import score_tables
from cmexam_baseline.cli.console import filled_table, json_text, sanitize, shown_p
from cmexam_baseline.exam.io.text_formats import csv_text, latex_table, markdown_table
from cmexam_baseline.exam.published import EXPLANATION_FIGURES, SOURCE, PublishedResult
from cmexam_baseline.scoring import Comparison, Difference

Report = score_tables.Report

HEADINGS = {
    "accuracy": ("Acc", 100),
    "weighted_f1": ("F1", 100),
    **{figure: (heading, 1) for figure, heading in EXPLANATION_FIGURES.items()},
}
_PAIR = ["first", "second", "figure"]
_DIFFERENCE = ["difference", "95%", "p", "p (Holm)", "same answer"]
SHOWN_PAIRS = 60
SHOWN_MISSES = 10


def print_comparison(output: Console, comparison: Comparison) -> None:
    """Differences with p, agreement, slices won, and questions that all miss."""
    output.print(
        f"Differences in points on {comparison.n:,} questions, first minus second; "
        "* p < 0.05 after Holm's correction",
        style="bold",
        soft_wrap=True,
    )
    if comparison.pairs == "best" and comparison.differences:
        output.print(
            sanitize(
                f"Only {comparison.differences[0].first}, the best, against each other, the closest first; "
                "p (Holm) is corrected for all pairs; --all-pairs tests them all"
            ),
            soft_wrap=True,
        )
    output.print(filled_table([*_PAIR, *_DIFFERENCE], _PAIR, _differences(comparison)[:SHOWN_PAIRS]))
    if len(comparison.differences) > SHOWN_PAIRS:
        output.print(f"… and {len(comparison.differences) - SHOWN_PAIRS} more; --json prints all")
    if comparison.slice_wins:
        wins = ", ".join(f"{name} {count}" for name, count in comparison.slice_wins.items())
        output.print(sanitize(f"Groups in which no other system is more accurate: {wins}"), soft_wrap=True)
    shown = ", ".join(comparison.all_miss[:SHOWN_MISSES])
    more = ", …" if len(comparison.all_miss) > SHOWN_MISSES else ""
    listed = f" ({shown}{more})" if shown else ""
    output.print(
        sanitize(
            f"All miss {len(comparison.all_miss)} questions{listed}; none misses {comparison.none_miss}"
        ),
        soft_wrap=True,
    )


def print_published(output: Console, rows: Sequence[PublishedResult]) -> None:
    """The paper's table, marked as what it is."""
    output.print(
        f"Published, on the whole {rows[0].split} split of CMExam ({SOURCE})", style="bold", soft_wrap=True
    )
    headings = ["model", "size", *(heading for heading, _ in HEADINGS.values())]
    output.print(filled_table(headings, headings[:2], _published(rows)))


def as_dict(row: PublishedResult) -> dict[str, Any]:
    """A published row for JSON: figures as printed."""
    about = {"model": row.model, "size": row.size, "split": row.split}
    figures = {name: value for name, value in vars(row).items() if name not in (*about, "source")}
    return {**about, **{name: None if value is None else str(value) for name, value in figures.items()}}


def _json(report: Report, comparison: Comparison, rows: Sequence[PublishedResult]) -> str:
    found = {**report, "comparison": comparison.to_dict(), "published": [as_dict(row) for row in rows]}
    return json_text(found) + "\n"


def _csv(report: Report, comparison: Comparison, rows: Sequence[PublishedResult]) -> str:
    """One row per difference; fractions, but for BLEU and ROUGE in percent."""
    rows_of = ([*difference.to_dict().values()] for difference in _in_order(comparison))
    return csv_text(list(Difference.__dataclass_fields__), rows_of)


def _text_tables(table: Callable[..., str], comparison: Comparison, rows: Sequence[PublishedResult]) -> str:
    """The differences and, if there are any, the published rows."""
    parts = [table([*_PAIR, *_DIFFERENCE], _differences(comparison), _PAIR)]
    if rows:
        headings = ["model, published", "size", *(heading for heading, _ in HEADINGS.values())]
        parts.append(table(headings, _published(rows), headings[:2]))
    return "\n" + "\n".join(parts)


WRITERS: dict[str, Callable[[Report, Comparison, Sequence[PublishedResult]], str]] = {
    "json": _json,
    "csv": _csv,
    "markdown": lambda report, *others: (
        score_tables.markdown_of(report) + _text_tables(markdown_table, *others)
    ),
    "latex": lambda report, *others: score_tables.latex_of(report) + _text_tables(latex_table, *others),
}


def _published(rows: Sequence[PublishedResult]) -> list[list[str]]:
    figures = [(row.accuracy, row.weighted_f1, *row.explanations) for row in rows]
    return [
        [row.model, row.size or "–", *(str(one or "–") for one in found)]
        for row, found in zip(rows, figures, strict=True)
    ]


def _differences(comparison: Comparison) -> list[list[str]]:
    agreement = {(first, second): share for first, second, share in comparison.agreement}
    return [_cells(difference, agreement) for difference in _in_order(comparison)]


def _in_order(comparison: Comparison) -> list[Difference]:
    if comparison.pairs == "all":
        return comparison.differences
    figures = list(HEADINGS)
    return sorted(comparison.differences, key=lambda each: (figures.index(each.figure), each.value))


def _cells(difference: Difference, agreement: dict[tuple[str, str], float]) -> list[str]:
    heading, factor = HEADINGS[difference.figure]
    share = agreement.get((difference.first, difference.second))
    return [
        difference.first,
        difference.second,
        heading,
        f"{factor * difference.value:+.1f}{' *' if difference.significant else '  '}",
        f"[{factor * difference.low:+.1f}, {factor * difference.high:+.1f}]",
        shown_p(difference.p),
        shown_p(difference.p_holm),
        f"{share:.1%}" if share is not None and difference.figure == "accuracy" else "",
    ]
