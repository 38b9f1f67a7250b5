"""The measured times as a picture: one bar a contender, on a logarithmic scale, the physical floor as a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_OURS, _PEERS, _FLOOR = "#b3341f", "#8a96a3", "#1d5a7a"


def draw(path: Path, sections: list[dict[str, Any]], floor: float) -> None:
    """Write an SVG of `sections` (title and seconds by name, ours first); `floor` is in seconds."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "cmexam-baseline"
    from matplotlib import pyplot

    heights = [len(section["seconds"]) for section in sections]
    figure, panels = pyplot.subplots(
        len(sections),
        figsize=(9, 0.42 * sum(heights) + 0.9 * len(sections)),
        height_ratios=heights,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for panel, section in zip(panels[:, 0], sections, strict=True):
        _draw_panel(panel, section)
        if section.get("has_floor"):
            panel.axvline(floor, color=_FLOOR, linestyle="--", linewidth=1)
    _name_floor(panels[0, 0], floor)
    times = [seconds for section in sections for seconds in section["seconds"].values()]
    panels[-1, 0].set_xlim(min(floor, *times) / 2, max(times) * 12)  # shared by all panels
    panels[-1, 0].set_xlabel("seconds, less is better")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _draw_panel(panel: Any, section: dict[str, Any]) -> None:
    names, seconds = list(section["seconds"]), list(section["seconds"].values())
    bars = panel.barh(names, seconds, color=[_OURS] + [_PEERS] * (len(names) - 1), height=0.7)
    labels = [
        f"{value:.3g} s"
        if at == 0
        else f"{value:.3g} s, × {value / seconds[0]:,.{0 if value > 100 * seconds[0] else 1}f}"
        for at, value in enumerate(seconds)
    ]
    panel.bar_label(bars, labels, padding=4, fontsize=8)
    panel.set_xscale("log")
    panel.invert_yaxis()
    panel.set_title(section["title"], loc="left", fontsize=9)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8)


def _name_floor(panel: Any, floor: float) -> None:
    panel.annotate(
        "reading, decoding, one sort",
        (floor, 1),
        xycoords=("data", "axes fraction"),
        xytext=(3, -2),
        textcoords="offset points",
        va="top",
        fontsize=7,
        color=_FLOOR,
    )
