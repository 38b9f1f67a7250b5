"""What an ensemble gains over its parts, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from rich.console import Console
from rich.table import Table

from cmexam_baseline.cli.percent import percent

SHOWN = {"ensemble": "ensemble", "lightgbm": "LightGBM alone", "encoder": "encoder alone"}
ROWS = {"all": "all rows", "without_overlap": "without overlap with train"}


def show_gains(console: Console, model: str, scores: Mapping[str, Any]) -> None:
    """For val and test, where there are any, the accuracies and the differences between the systems."""
    for split in ("val", "test"):
        if split in scores:
            console.print(_table(f"{model} and its parts on {split}", scores[split]["gains"]))
    console.print(
        "Accuracy in percent; differences in points with 95% intervals (paired bootstrap) and p of McNemar's "
        "exact test, corrected by Holm; * below 0.05. All three were chosen on val",
        style="dim",
    )


def _table(title: str, found: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name, heading in ROWS.items():
        table.add_column(f"{heading} ({found[name]['n']:,})", justify="right")
        table.add_column("p", justify="right")
    for system, shown in SHOWN.items():
        table.add_row(
            shown, *(cell for name in ROWS for cell in (percent(found[name]["accuracy"][system]), ""))
        )
    table.add_section()
    for first, second in combinations(SHOWN, 2):
        cells = [cell for name in ROWS for cell in _difference(found[name]["differences"], first, second)]
        table.add_row(f"{SHOWN[first]} − {SHOWN[second]}", *cells)
    return table


def _difference(differences: Sequence[Mapping[str, Any]], first: str, second: str) -> tuple[str, str]:
    for one in differences:
        if (one["figure"], one["first"], one["second"]) == ("accuracy", first, second):
            value, low, high = (100 * one[name] for name in ("value", "low", "high"))
            p = one["p_holm"]
            star = " *" if p < 0.05 else "  "
            return f"{value:+.1f}{star} [{low:+.1f}, {high:+.1f}]", f"{p:.4f}" if p >= 0.0001 else "<0.0001"
    return "–", ""
