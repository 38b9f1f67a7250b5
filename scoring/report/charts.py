"""Charts: numbers and labels in, markup out. Every label is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup


def interval_chart(rows: Sequence[Mapping[str, Any]], reference: float) -> Markup:
    """A dot with its 95% interval for every row of {label, value, low, high, note, small}, fractions of 1.

    `reference` is drawn as a vertical line: the figure over all questions. Made of boxes, not as a drawing,
    so that a phone can put the label above its row and nothing gets too small to read.
    """
    parts = [
        Markup(
            '<div class="row {}"><span class="label">{}</span><span class="track" aria-hidden="true">'
            '<i class="reference" style="left:{}"></i><i class="whisker" style="left:{};width:{}"></i>'
            '<i class="dot" style="left:{}"></i></span><span class="note">{}</span></div>'
        ).format(
            "small" if row["small"] else "",
            str(row["label"]),
            _percent(reference),
            _percent(row["low"]),
            _percent(row["high"] - row["low"]),
            _percent(row["value"]),
            str(row["note"]),
        )
        for row in rows
    ]
    return Markup('<div class="chart">{}</div>').format(Markup("").join(parts))


def reliability_chart(bins: Iterable[Mapping[str, float]]) -> Markup:
    """Accuracy against stated confidence, a circle for every bin of {confidence, accuracy, n}."""
    size, margin = 300, 40
    filled = [each for each in bins if each["n"]]
    most = max((each["n"] for each in filled), default=1)

    def x(value: float) -> float:
        return margin + value * size

    def y(value: float) -> float:
        return 10 + (1 - value) * size

    parts = [
        Markup('<rect class="frame" x="{}" y="10" width="{}" height="{}"/>').format(margin, size, size),
        _line(x(0), y(0), x(1), y(1), "reference"),
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_text(x(tick), size + 28, f"{tick:.0%}", "tick"))
        parts.append(_text(margin - 6, y(tick) + 4, f"{tick:.0%}", "label"))
    for each in filled:
        radius = 3 + 9 * (each["n"] / most) ** 0.5
        title = f"{each['n']:,.0f} answers: stated {each['confidence']:.1%}, right {each['accuracy']:.1%}"
        parts.append(
            Markup(
                '<circle class="dot plain" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>'
            ).format(x(each["confidence"]), y(each["accuracy"]), radius, title)
        )
    return _svg(size + margin + 30, size + 40, parts, "accuracy against stated confidence")


def _percent(fraction: float) -> str:
    return f"{100 * min(max(fraction, 0.0), 1.0):.2f}%"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, text)


def _svg(width: float, height: float, parts: Iterable[Markup], title: str) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {0:.0f} {1:.0f}" style="max-width:{0:.0f}px" role="img" aria-label="{2}">{3}</svg>'
    ).format(width, height, title, Markup("").join(parts))
