"""What an ensemble gains over its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from cmexam_baseline import metrics
from cmexam_baseline.cli.percent import percent
from cmexam_baseline.exam import Exam
from cmexam_baseline.scoring import Settings, answer_differences

PART_NAMES = ("lightgbm", "encoder")
SHOWN = {"ensemble": "ensemble", "lightgbm": "LightGBM alone", "encoder": "encoder alone"}
ROWS = {"all": "all rows", "without_overlap": "without overlap with train"}


def gains(
    exam: Exam, systems: Mapping[str, NDArray[np.uint16]], overlaps: NDArray[np.bool_]
) -> dict[str, dict[str, Any]]:
    """Accuracies and differences of systems, each by name with its answers, on all rows and without overlap.

    Differences come with the paired tests of `compare`, corrected by Holm's procedure over the pairs. Without
    a row left, the accuracies are None and there are no differences.
    """
    everything = np.ones(len(exam), dtype=np.bool_)
    return {
        name: _on_rows(exam.answers[rows], {one: answers[rows] for one, answers in systems.items()})
        for name, rows in zip(ROWS, (everything, ~overlaps), strict=True)
    }


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


def _on_rows(gold: NDArray[np.uint16], systems: Mapping[str, NDArray[np.uint16]]) -> dict[str, Any]:
    if not len(gold):
        return {"n": 0, "accuracy": dict.fromkeys(systems), "differences": []}
    return {
        "n": len(gold),
        "accuracy": {name: metrics.accuracy(gold, answers) for name, answers in systems.items()},
        "differences": [one.to_dict() for one in answer_differences(gold, list(systems.items()), Settings())],
    }


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
