"""How comparisons look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from cmexam_baseline.cli import console
from cmexam_baseline.cli.console import sanitize
from cmexam_baseline.exam.published import EXPLANATION_FIGURES, SOURCE, PublishedResult
from cmexam_baseline.scoring import Comparison, Difference

HEADINGS = {
    "accuracy": ("Acc", 100),
    "weighted_f1": ("F1", 100),
    **{figure: (heading, 1) for figure, heading in EXPLANATION_FIGURES.items()},
}
SHOWN_PAIRS = 60
SHOWN_MISSES = 10


def print_comparison(comparison: Comparison) -> None:
    """Differences with p, agreement, slices won, and questions that all miss."""
    output = console.results()
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
    output.print(_differences(comparison))
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


def print_published(rows: Sequence[PublishedResult]) -> None:
    """The paper's table, marked as what it is."""
    output = console.results()
    output.print(
        f"Published, on the whole {rows[0].split} split of CMExam ({SOURCE})", style="bold", soft_wrap=True
    )
    table = Table()
    table.add_column("model")
    table.add_column("size")
    for heading, _ in HEADINGS.values():
        table.add_column(heading, justify="right")
    for row in rows:
        figures = (row.accuracy, row.weighted_f1, *row.explanations)
        table.add_row(row.model, row.size or "–", *(str(figure or "–") for figure in figures))
    output.print(table)


def as_dict(row: PublishedResult) -> dict[str, Any]:
    """A published row for JSON: figures as printed."""
    about = {"model": row.model, "size": row.size, "split": row.split}
    figures = {name: value for name, value in vars(row).items() if name not in (*about, "source")}
    return {**about, **{name: None if value is None else str(value) for name, value in figures.items()}}


def _chance(p: float) -> str:
    # No p is 0: the permutation test cannot tell below one in its number of trials.
    return f"{p:.4f}" if p >= 0.0001 else "<0.0001"


def _differences(comparison: Comparison) -> Table:
    agreement = {(first, second): share for first, second, share in comparison.agreement}
    table = Table()
    for heading in ("first", "second", "figure"):
        table.add_column(heading)
    for heading in ("difference", "95%", "p", "p (Holm)", "same answer"):
        table.add_column(heading, justify="right")
    for difference in _in_order(comparison)[:SHOWN_PAIRS]:
        table.add_row(*map(sanitize, _cells(difference, agreement)))
    return table


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
        f"{factor * difference.value:+.1f}{' *' if difference.p_holm < 0.05 else '  '}",
        f"[{factor * difference.low:+.1f}, {factor * difference.high:+.1f}]",
        _chance(difference.p),
        _chance(difference.p_holm),
        f"{share:.1%}" if share is not None and difference.figure == "accuracy" else "",
    ]
