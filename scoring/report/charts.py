"""Positions for charts made of boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from low to high with a tick every `step`; all fractions of 1.

    >>> axis = Axis(0.2, 0.8, 0.2)
    >>> axis.at(0.5), [label for _, label in axis.ticks()]
    ('50.00%', ['20', '40', '60', '80'])
    """

    low: float
    high: float
    step: float

    def at(self, value: float) -> str:
        """Where a value lies, as a share of the axis; values outside lie at its ends."""
        place = (value - self.low) / (self.high - self.low)
        return f"{100 * min(max(place, 0.0), 1.0):.2f}%"

    def width(self, low: float, high: float) -> str:
        """How wide an interval is, as a share of the axis."""
        ends = (min(max(value, self.low), self.high) for value in (low, high))
        start, end = ends
        return f"{100 * (end - start) / (self.high - self.low):.2f}%"

    def ticks(self, signed: bool = False) -> list[tuple[str, str]]:
        """Position and label in percent of every tick."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + place * self.step for place in range(count + 1)]
        return [
            (self.at(value), _signed(100 * value, 0) if signed else f"{100 * value:.0f}") for value in values
        ]

    @property
    def grid(self) -> str:
        """The distance between two ticks, as a share of the axis."""
        return f"{100 * self.step / (self.high - self.low):.4f}%"


def axis_over(values: Iterable[float], least: float = 0.1) -> Axis:
    """The shortest axis that holds all values and at least `least`, with ends on ticks.

    >>> axis_over([0.31, 0.58])
    Axis(low=0.3, high=0.6, step=0.1)
    """
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    step = next((step for step in _STEPS if (high - low) / step <= _MOST_TICKS - 1), _STEPS[-1])
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Axis(round(first * step, 6), round(last * step, 6), step)


def signed_points(fraction: float) -> str:
    """A difference in percentage points with its sign.

    >>> signed_points(-0.034), signed_points(0.0)
    ('−3.4', '0.0')
    """
    return _signed(100 * fraction, 1)


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return f"{'−' if value < 0 else '+'}{text}"
