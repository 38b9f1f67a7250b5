"""Charts as inline SVG: numbers and short labels in, markup out. Every label is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

ROW_HEIGHT = 24
LABEL_WIDTH = 190
PLOT_WIDTH = 360
NOTE_WIDTH = 130


def interval_chart(rows: Sequence[Mapping[str, Any]], reference: float) -> Markup:
    """A dot with its 95% interval for every row of {label, value, low, high, note, small}, fractions of 1.

    `reference` is drawn as a vertical line: the figure over all questions.
    """
    height = ROW_HEIGHT * len(rows) + 26
    parts = [_axis(height), _line(_x(reference), 4, _x(reference), height - 22, "reference")]
    for place, row in enumerate(rows):
        y = ROW_HEIGHT * place + ROW_HEIGHT / 2 + 4
        kind = "small" if row.get("small") else "plain"
        parts += [
            _text(LABEL_WIDTH - 8, y + 4, _shortened(str(row["label"])), "label"),
            _line(_x(row["low"]), y, _x(row["high"]), y, f"whisker {kind}"),
            Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="4.5"/>').format(
                kind, _x(row["value"]), y
            ),
            _text(LABEL_WIDTH + PLOT_WIDTH + 8, y + 4, str(row["note"]), "note"),
        ]
    return _svg(LABEL_WIDTH + PLOT_WIDTH + NOTE_WIDTH, height, parts, "accuracy by group with 95% intervals")


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


def _x(fraction: float) -> float:
    return LABEL_WIDTH + PLOT_WIDTH * min(max(fraction, 0.0), 1.0)


def _axis(height: float) -> Markup:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_line(_x(tick), 4, _x(tick), height - 22, "grid"))
        parts.append(_text(_x(tick), height - 6, f"{tick:.0%}", "tick"))
    return Markup("").join(parts)


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


def _shortened(label: str, width: int = 26) -> str:
    # Chinese characters are about twice as wide as Latin ones.
    used, kept = 0, ""
    for character in label:
        used += 2 if ord(character) > 0x2E7F else 1
        if used > width:
            return f"{kept}…"
        kept += character
    return kept
