"""What the charts of the page show: systems in order beside published figures, their differences, accuracy by group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam.published import published_result

if TYPE_CHECKING:
    from cmexam_baseline.scoring.comparison import Difference

CMEXAM_TEST_QUESTIONS = 6811
# Rows of the paper's Table 3 that are shown: the encoders, two chat models, and people.
_PUBLISHED = ("Human volunteers", "GPT-4", "GPT-3.5-turbo", "RoBERTa-CMExam", "BERT-CMExam")
# More lines under one another are not compared by eye.
MOST_SYSTEMS = 6
_MOST_DEPARTURES = _MOST_OPEN = 8
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_TICKS = 6

System = Mapping[str, Any]


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

    def _share(self, value: float) -> float:
        return 100 * (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def at(self, value: float) -> str:
        """Where a value lies, as a share of the axis; values outside lie at its ends."""
        return f"{self._share(value):.2f}%"

    def width(self, low: float, high: float) -> str:
        """How wide an interval is, as a share of the axis."""
        return f"{self._share(high) - self._share(low):.2f}%"

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
    """A difference in percentage points with its sign."""
    return _signed(100 * fraction, 1)


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):.{digits}f}"
    return text if float(text) == 0 else f"{'−' if value < 0 else '+'}{text}"


@dataclass(frozen=True)
class Entry:
    """One row of the ranking, all fractions; marks (published, random) have neither rank nor interval."""

    name: str
    value: float
    kind: str
    rank: int = 0
    low: float | None = None
    high: float | None = None
    better_than: str = ""


def main_figure(system: System) -> Mapping[str, float]:
    """What systems are ranked by, as fractions: accuracy, ROUGE-L where there are no answers."""
    if system["answers"] is not None:
        accuracy: Mapping[str, float] = system["answers"]["accuracy"]
        return accuracy
    return {side: value / 100 for side, value in system["explanations"]["figures"]["rougeL"].items()}


def in_order(systems: Iterable[System]) -> list[System]:
    """Systems with answers first, the best first."""
    return sorted(systems, key=lambda one: (one["answers"] is None, -main_figure(one)["value"], one["name"]))


def oriented(differences: Iterable[Difference], names: Sequence[str]) -> list[Difference]:
    """Differences in accuracy as the better ranked system minus the other, in the order of both ranks."""
    rank = {name: place for place, name in enumerate(names)}
    pairs = [
        one
        if rank[one.first] < rank[one.second]
        else replace(one, first=one.second, second=one.first, value=-one.value, low=-one.high, high=-one.low)
        for one in differences
        if one.figure == "accuracy"
    ]
    return sorted(pairs, key=lambda pair: (rank[pair.first], rank[pair.second]))


def that_matter(pairs: Sequence[Difference], names: Sequence[str]) -> list[Difference]:
    """The best system against each other, and each system against the next."""
    following = set(zip(names, names[1:], strict=False))
    return [pair for pair in pairs if pair.first == names[0] or (pair.first, pair.second) in following]


def entries(systems: Sequence[System], pairs: Sequence[Difference]) -> list[Entry]:
    """The ranking's rows for systems that are in order."""
    rank = {system["name"]: place for place, system in enumerate(systems, 1)}
    beaten: dict[str, list[int]] = {}
    for pair in pairs:
        if pair.significant and pair.value > 0:
            beaten.setdefault(pair.first, []).append(rank[pair.second])
    return [
        Entry(
            name=name,
            kind="system",
            rank=place,
            **main_figure(system),
            better_than=ranges(beaten.get(name, [])),
        )
        for (name, place), system in zip(rank.items(), systems, strict=True)
    ]


def published_marks() -> list[Entry]:
    """Published figures that are worth seeing beside one's own."""
    found = ((name, published_result(name).accuracy) for name in _PUBLISHED)
    return [Entry(name, figure.value / 100, "published") for name, figure in found if figure is not None]


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in short.

    >>> ranges([2, 3, 4, 6, 8, 9])
    '2–4, 6, 8–9'
    """
    # Consecutive numbers have the same difference to their places.
    groups = groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    runs = [[number for _, number in group] for _, group in groups]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


@dataclass(frozen=True)
class Lane:
    """One system's accuracy in a group beside its accuracy over all questions; fractions."""

    rank: int
    name: str
    value: float
    low: float
    high: float
    overall: float

    @property
    def difference(self) -> float:
        """From the system's accuracy over all questions."""
        return self.value - self.overall

    @property
    def departs(self) -> bool:
        """Whether the interval excludes the accuracy over all questions."""
        return not self.low <= self.overall <= self.high


@dataclass(frozen=True)
class Group:
    """The questions with one value of a property, and how each system does on them."""

    by: str
    value: str
    n: int
    small: bool
    lanes: list[Lane]

    @property
    def difference(self) -> float:
        """The mean of the systems' differences."""
        return sum(lane.difference for lane in self.lanes) / len(self.lanes)


@dataclass(frozen=True)
class Property:
    """The groups of one property: large ones by their difference, lowest first, and small ones."""

    by: str
    groups: list[Group]
    small: list[Group]

    @property
    def open(self) -> bool:
        """Whether it is shown unfolded: one large group says nothing, many are too long."""
        return 1 < len(self.groups) <= _MOST_OPEN

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest accuracy of a large group; of all where there are only small ones."""
        values = [lane.value for group in self.groups or self.small for lane in group.lanes]
        return min(values), max(values)


def properties(systems: Sequence[System]) -> list[Property]:
    """The properties of systems that are in order of rank."""
    groups: dict[tuple[str, str], Group] = {}
    for rank, system in enumerate(systems, 1):
        overall = system["answers"]["accuracy"]["value"]
        for part in system["slices"]:
            by, value = part["by"], part["value"]
            group = groups.setdefault((by, value), Group(by, value, part["n"], part["small"], []))
            group.lanes.append(
                Lane(rank, system["name"], part["accuracy"], part["low"], part["high"], overall)
            )
    by_property: dict[str, list[Group]] = {}
    for group in groups.values():
        by_property.setdefault(group.by, []).append(group)
    ordered = {by: sorted(found, key=lambda one: one.difference) for by, found in by_property.items()}
    return [
        Property(by, [one for one in found if not one.small], [one for one in found if one.small])
        for by, found in ordered.items()
    ]


def departures(found: Sequence[Property]) -> list[Group]:
    """The large groups that differ most from the overall figure, lowest first."""
    groups = [group for one in found for group in one.groups if any(lane.departs for lane in group.lanes)]
    most = sorted(groups, key=lambda group: -abs(group.difference))[:_MOST_DEPARTURES]
    return sorted(most, key=lambda group: group.difference)
