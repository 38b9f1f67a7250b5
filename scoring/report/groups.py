"""Accuracy by group, the systems side by side, the largest difference from the overall figure first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

# More lines under one another are not compared by eye.
MOST_SYSTEMS = 6
_DEPARTURES = 8
_OPEN = 8


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
    lanes: tuple[Lane, ...]

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
        return 1 < len(self.groups) <= _OPEN

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest accuracy of a large group; of all where there are only small ones."""
        values = [lane.value for group in self.groups or self.small for lane in group.lanes]
        return min(values), max(values)


def properties(systems: Sequence[Mapping[str, Any]]) -> list[Property]:
    """The properties of systems that are in order of rank."""
    lanes: dict[tuple[str, str], list[Lane]] = {}
    about: dict[tuple[str, str], tuple[int, bool]] = {}
    for rank, system in enumerate(systems, 1):
        for part in system["slices"]:
            key = (part["by"], part["value"])
            overall = system["answers"]["accuracy"]["value"]
            lane = Lane(rank, system["name"], part["accuracy"], part["low"], part["high"], overall)
            lanes.setdefault(key, []).append(lane)
            about.setdefault(key, (part["n"], part["small"]))
    groups = [Group(*key, *about[key], tuple(found)) for key, found in lanes.items()]
    found = []
    for by, members in groupby(sorted(groups, key=lambda group: group.by), key=lambda group: group.by):
        ordered = sorted(members, key=lambda group: group.difference)
        found.append(
            Property(by, [one for one in ordered if not one.small], [one for one in ordered if one.small])
        )
    first = list(dict.fromkeys(group.by for group in groups))
    return sorted(found, key=lambda one: first.index(one.by))


def departures(found: Sequence[Property]) -> list[Group]:
    """The large groups that differ most from the overall figure, lowest first."""
    groups = [group for one in found for group in one.groups if any(lane.departs for lane in group.lanes)]
    most = sorted(groups, key=lambda group: -abs(group.difference))[:_DEPARTURES]
    return sorted(most, key=lambda group: group.difference)
