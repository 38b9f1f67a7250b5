"""Charts of leaderboards, learning curves and the training of encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cmexam_baseline.baselines.leaderboard_entries import LeaderboardEntry
from cmexam_baseline.exam.charts import check_chart, new_file, pyplot, save
from cmexam_baseline.metrics import LearningCurve

if TYPE_CHECKING:
    from cmexam_baseline.encoders.training_report import TrainingReport

MARKS = {
    "run": ("#c1121f", "o"),
    "predictions": ("#e07a00", "s"),
    "dummy baseline": ("#7a7a7a", "^"),
    "published": ("#1d3557", "D"),
}


def draw_leaderboard(entries: Sequence[LeaderboardEntry], file: Path) -> Path:
    """Accuracy with its interval against the number of parameters; systems without one are at the left.

    Raises `InputError` for another ending than .svg, .png and .pdf, and if matplotlib is missing.
    """
    check_chart(file)
    figure, panel = pyplot().subplots(figsize=(10, 6.5))
    sizes = [each.size for each in entries if each.size]
    smallest = min(sizes, default=1e8)
    unsized = smallest / 15
    for kind, (colour, mark) in MARKS.items():
        group = [each for each in entries if each.kind == kind]
        if not group:
            continue
        accuracies = 100 * np.array([each.accuracy for each in group])
        ends = 100 * np.array([each.interval or (each.accuracy, each.accuracy) for each in group])
        panel.errorbar(
            [each.size or unsized for each in group], accuracies, np.abs(ends.T - accuracies),
            fmt=mark, color=colour, capsize=2, ms=5, lw=1, label=kind,
        )  # fmt: skip
    for each, height in zip(entries, _label_heights(entries, unsized), strict=True):
        panel.annotate(
            f"{each.system} {100 * each.accuracy:.1f}", (each.size or unsized, 100 * each.accuracy), (7, height),
            textcoords=("offset points", "data"), fontsize=7, va="center", parse_math=False,
            color=MARKS[each.kind][0],
        )  # fmt: skip
    panel.set_xscale("log")
    panel.set_xlim(unsized / 1.6, max([*sizes, smallest]) * 5)
    panel.axvline(unsized * 8, color="0.8", lw=0.8)
    decades = [10.0**power for power in range(6, 13) if smallest <= 10.0**power <= max([*sizes, smallest])]
    panel.set_xticks([unsized, *decades], ["no size", *(f"{value / 1e9:g}B" for value in decades)])
    panel.minorticks_off()
    panel.set_xlabel("parameters")
    panel.set_ylabel("accuracy, percent (95% interval)")
    panel.set_ylim(bottom=-1.5)
    panel.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    with new_file(file) as temporary:
        save(figure, temporary)
    return file


def draw_curve(found: Mapping[str, Any], file: Path) -> bool:
    """Draw a learning curve (`MeasuredCurve.to_dict`); False if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    figure, panel = pyplot().subplots(figsize=(7, 4.2))
    rows = found["sizes"]
    accuracy = np.array([row["accuracy"] for row in rows])
    ends = np.array([row["interval"] for row in rows]).T
    reach = 100 * np.abs(ends - accuracy)
    sizes = [row["size"] for row in rows]
    panel.errorbar(sizes, 100 * accuracy, reach, fmt="o", color="#c1121f", capsize=3, label="measured")
    beyond = found["extrapolated"]
    if beyond is not None:
        law = LearningCurve(beyond["factor"], beyond["exponent"])
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
    with new_file(file) as temporary:
        save(figure, temporary)
    return True


def draw_training(report: TrainingReport, file: Path) -> None:
    """Draw loss and accuracy by step; nothing without matplotlib or with less than two evaluations."""
    found = report.evaluations
    if len(found) < 2 or find_spec("matplotlib") is None:
        return
    figure, panels = pyplot().subplots(1, 2, figsize=(9, 3.6))
    steps = [one.step for one in found]
    for panel, name, scale in zip(panels, ("loss", "accuracy"), (1, 100), strict=True):
        for part, colour, mark in (("train", "#7a7a7a", "o--"), ("val", "#c1121f", "o-")):
            values = [getattr(one, f"{part}_{name}") for one in found]
            if None not in values:
                panel.plot(steps, [scale * value for value in values], mark, color=colour, ms=4, label=part)
        if found[0].val_loss is not None:
            panel.axvline(report.best_step, color="0.75", lw=1, zorder=0, label="weights kept")
        panel.set_xlabel("step")
        panel.set_ylabel(name if scale == 1 else f"{name}, percent")
    panels[0].legend(frameon=False)
    with new_file(file) as temporary:
        save(figure, temporary)


def _label_heights(entries: Sequence[LeaderboardEntry], unsized: float) -> list[float]:
    """Heights of labels at which those of about the same size do not overlap."""
    heights = [100 * each.accuracy for each in entries]
    order = sorted(range(len(entries)), key=lambda place: heights[place])
    last: dict[int, float] = {}
    for place in order:
        column = round(math.log10(entries[place].size or unsized) * 1.5)
        heights[place] = max(heights[place], last.get(column, -10.0) + 1.9)
        last[column] = heights[place]
    return heights
