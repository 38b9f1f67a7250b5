"""A learning curve as figures, table, CSV and chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from cmexam_baseline import metrics
from cmexam_baseline.baselines.curve_points import Point
from cmexam_baseline.cli import charts
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.metrics.learning_curve import FEWEST_SIZES


def summary(points: Sequence[Point], to: int) -> dict[str, Any]:
    """Accuracy by size with its interval and spread, the power law, and what it says of `to` questions.

    `points` come ordered by size. Accuracies are fractions; the interval is Wilson's for the mean over seeds.
    """
    sizes = []
    for size, group in groupby(points, key=lambda point: point.size):
        trained = list(group)
        accuracies = [point.accuracy for point in trained]
        n = len(trained[0].right)
        mean = float(np.mean(accuracies))
        sizes.append(
            {
                "size": size,
                "seeds": len(trained),
                "accuracy": mean,
                "interval": list(metrics.wilson_interval(round(mean * n), n)),
                "sd": float(np.std(accuracies, ddof=1)) if len(trained) > 1 else None,
                "seconds": float(np.mean([point.seconds for point in trained])),
            }
        )
    return {"n_val": len(points[0].right), "sizes": sizes, "extrapolated": _extrapolated(points, to)}


def write_table(found: dict[str, Any], file: Path) -> None:
    """The figures by size as CSV, the extrapolated one last and marked."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["size", "seeds", "accuracy", "low", "high", "sd", "extrapolated"])
    for row in found["sizes"]:
        table.writerow([row["size"], row["seeds"], row["accuracy"], *row["interval"], row["sd"], "no"])
    beyond = found["extrapolated"]
    if beyond is not None:
        table.writerow([beyond["size"], "", beyond["accuracy"], *beyond["interval"], "", "yes"])
    write_atomically(file, text.getvalue())


def show(console: Console, found: dict[str, Any]) -> None:
    """Print the table."""
    table = Table(title="LightGBM: accuracy on val in percent", title_justify="left")
    for name in ("training questions", "accuracy", "sd over seeds", "seconds"):
        table.add_column(name, justify="right")
    for row in found["sizes"]:
        spread = "–" if row["sd"] is None else f"{100 * row['sd']:.1f}"
        table.add_row(f"{row['size']:,}", _percent(row), spread, f"{row['seconds']:.0f}")
    beyond = found["extrapolated"]
    if beyond is not None:
        table.add_section()
        table.add_row(f"{beyond['size']:,}, extrapolated", _percent(beyond), "", "")
    console.print(table)
    console.print(
        f"{found['n_val']:,} questions; 95% intervals in brackets, for the choice of these questions."
    )
    if len(found["sizes"]) < FEWEST_SIZES:
        console.print(f"No extrapolation: it needs {FEWEST_SIZES} sizes, since two fit a power law exactly.")
    if beyond is not None:
        console.print(
            f"Extrapolated, not measured: error = {beyond['factor']:.3g} × size^-{beyond['exponent']:.3g}, which misses"
            f" measured accuracies by {100 * beyond['misfit']:.1f} points at most; whether it holds so far is not in"
            " the interval."
        )


def draw(found: dict[str, Any], file: Path) -> bool:
    """Draw the curve; False where matplotlib is not installed."""
    try:
        pyplot = charts.pyplot()
    except InputError:
        return False
    figure, panel = pyplot.subplots(figsize=(7, 4.2))
    rows = found["sizes"]
    accuracy = np.array([row["accuracy"] for row in rows])
    ends = np.array([row["interval"] for row in rows]).T
    reach = 100 * np.abs(ends - accuracy)
    sizes = [row["size"] for row in rows]
    panel.errorbar(sizes, 100 * accuracy, reach, fmt="o", color="#c1121f", capsize=3, label="measured")
    beyond = found["extrapolated"]
    if beyond is not None:
        law = metrics.LearningCurve(beyond["factor"], beyond["exponent"])
        span = np.geomspace(sizes[0], max(sizes[-1], beyond["size"]), 100)
        values = [100 * law.accuracy(size) for size in span.tolist()]
        panel.plot(span, values, "--", color="#7a7a7a", label="power law")
        away = 100 * np.abs(np.array(beyond["interval"])[:, None] - beyond["accuracy"])
        panel.errorbar(
            [beyond["size"]], [100 * beyond["accuracy"]], away, fmt="D", color="#1d3557", capsize=3,
            mfc="white", label="extrapolated, not measured",
        )  # fmt: skip
    panel.set_xscale("log")
    panel.set_xlabel("training questions")
    panel.set_ylabel("accuracy on val, %")
    panel.legend(frameon=False)
    with charts.new_file(file) as temporary:
        charts.save(figure, temporary)
    return True


def _extrapolated(points: Sequence[Point], to: int) -> dict[str, Any] | None:
    sizes = [point.size for point in points]
    if len(set(sizes)) < FEWEST_SIZES or any(point.right.all() for point in points):
        return None
    law = metrics.fit_learning_curve(sizes, [point.accuracy for point in points])
    interval = metrics.extrapolate(sizes, [point.right for point in points], to)
    return {
        "size": to,
        "accuracy": law.accuracy(to),
        "interval": list(interval),
        "factor": law.factor,
        "exponent": law.exponent,
        "misfit": max(abs(law.accuracy(point.size) - point.accuracy) for point in points),
        "measured": False,
    }


def _percent(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{100 * row['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
