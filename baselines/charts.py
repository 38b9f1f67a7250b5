"""Charts of leaderboards, learning curves and the training of encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

import numpy as np

from cmexam_baseline.baselines.leaderboard_entries import LeaderboardEntry
from cmexam_baseline.exam.charts import check_chart, pyplot, save
from cmexam_baseline.metrics import LearningCurve

if TYPE_CHECKING:
    from cmexam_baseline.encoders.training_report import TrainingReport

# Colour, mark and, where there is no size, the place across the column, so that marks do not cover one another.
MARKS = {
    "run": ("#c1121f", "o", 0.5),
    "predictions": ("#a8470f", "s", 0.8),
    "dummy baseline": ("#636363", "^", 1.3),
    "published": ("#1d3557", "D", 2.0),
}
_FONT = 7


def draw_leaderboard(entries: Sequence[LeaderboardEntry], file: Path) -> Path:
    """Accuracy with its interval against the number of parameters; systems without one are at the left.

    Raises `InputError` for another ending than .svg, .png and .pdf, and if matplotlib is missing.
    """
    check_chart(file)
    figure, panel = pyplot().subplots(figsize=(10, 6.5))
    sizes = [each.size for each in entries if each.size]
    smallest, largest = min(sizes, default=1e8), max(sizes, default=1e8)
    unsized = smallest / 20
    places = [each.size or unsized * MARKS[each.kind][2] for each in entries]
    for kind, (colour, mark, _) in MARKS.items():
        group = [(place, each) for place, each in zip(places, entries, strict=True) if each.kind == kind]
        if not group:
            continue
        accuracies = 100 * np.array([each.accuracy for _, each in group])
        ends = 100 * np.array([each.interval or (each.accuracy, each.accuracy) for _, each in group])
        panel.errorbar(
            [place for place, _ in group], accuracies, np.abs(ends.T - accuracies),
            fmt=mark, color=colour, capsize=2, ms=5, lw=1, label=kind,
        )  # fmt: skip
    panel.set_xscale("log")
    panel.set_xlim(unsized / 3, largest * 5)
    panel.axvline(unsized * 12, color="0.8", lw=0.8)
    decades = [10.0**power for power in range(6, 13) if smallest <= 10.0**power <= largest]
    panel.set_xticks([unsized, *decades], ["no size", *(f"{value / 1e9:g}B" for value in decades)])
    panel.minorticks_off()
    panel.set_xlabel("parameters")
    panel.set_ylabel("accuracy, percent (95% interval)")
    panel.set_ylim(bottom=-1.5)
    panel.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    figure.tight_layout()
    _label(panel, entries, places)
    return save(figure, file)


def _label(panel: Any, entries: Sequence[LeaderboardEntry], places: Sequence[float]) -> None:
    """Write each system beside its mark, at the nearest height where it covers no mark and no other label."""
    points = [(place, 100 * each.accuracy) for place, each in zip(places, entries, strict=True)]
    marks = panel.transData.transform(points) * 72 / panel.figure.dpi
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks]
    for each, point, (x, y) in zip(entries, points, marks, strict=True):
        text = f"{each.system} {100 * each.accuracy:.1f}"
        width = 0.62 * _FONT * sum(1 + (east_asian_width(char) in "WF") for char in text)
        boxes = [(x + 7, y + 4 * step - 4, x + 7 + width, y + 4 * step + 4) for step in range(-12, 13)]
        boxes.sort(key=lambda box: abs(box[1] + 4 - y))
        free = (box for box in boxes if not any(_overlap(box, other) for other in taken))
        box = next(free, boxes[0])
        taken.append(box)
        panel.annotate(
            text, point, (7, box[1] + 4 - y), textcoords="offset points", fontsize=_FONT, va="center",
            parse_math=False, color=MARKS[each.kind][0],
        )  # fmt: skip


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


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
    save(figure, file)
    return True


def draw_training(report: TrainingReport, file: Path) -> None:
    """Draw the training loss, and loss and accuracy of all evaluations, by step; nothing without matplotlib."""
    if find_spec("matplotlib") is None:
        return
    figure, panels = pyplot().subplots(1, 2, figsize=(9, 3.6))
    panels[0].plot(*zip(*report.losses, strict=True), color="#7a7a7a", lw=1, label="train")
    for panel, name, scale in zip(panels, ("loss", "accuracy"), (1, 100), strict=True):
        for part, colour, mark in (("train", "#7a7a7a", "o--"), ("val", "#c1121f", "o-")):
            found = [(one.step, getattr(one, f"{part}_{name}")) for one in report.evaluations]
            points = [(step, scale * value) for step, value in found if value is not None]
            if points and (part, name) != ("train", "loss"):
                panel.plot(*zip(*points, strict=True), mark, color=colour, ms=4, label=part)
        if report.val_accuracy is not None:
            panel.axvline(report.best_step, color="0.75", lw=1, zorder=0, label="weights kept")
        panel.set_xlabel("step")
        panel.set_ylabel(name if scale == 1 else f"{name}, percent")
    panels[0].legend(frameon=False)
    save(figure, file)
