"""The points of a learning curve: trained one by one, each kept on disk as soon as it is measured."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import Progress

_FEWEST = 50
_SIZES = 6


@dataclass(frozen=True)
class Point:
    """One training: how many questions, which seed, which val questions it answered rightly, how long it took."""

    size: int
    seed: int
    right: np.ndarray
    seconds: float

    @property
    def accuracy(self) -> float:
        """The share of val questions that were answered rightly."""
        return float(self.right.mean())


class Points:
    """The measured points of one exam, in a JSON file that grows point by point."""

    def __init__(self, file: Path, exams: Mapping[str, Exam]) -> None:
        self._file = file
        self._about = {
            "train": exams["train"].fingerprint(),
            "val": exams["val"].fingerprint(),
            "version": version("cmexam-baseline"),
        }
        self._points: dict[tuple[int, int], Point] = {}
        if file.exists():
            self._read()

    def get(self, size: int, seed: int) -> Point | None:
        """The point, if it was measured before."""
        return self._points.get((size, seed))

    def add(self, point: Point) -> None:
        """Keep a point."""
        self._points[point.size, point.seed] = point
        ordered = [self._points[key] for key in sorted(self._points)]
        content = {**self._about, "points": [_as_dict(one) for one in ordered]}
        write_atomically(self._file, json.dumps(content, indent=1) + "\n")

    def _read(self) -> None:
        try:
            content = json.loads(self._file.read_text("utf-8"))
            about = {name: content[name] for name in self._about}
            points = [_from_dict(one) for one in content["points"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self._file} is no list of measured points; remove it or give another --out"
            ) from error
        if about != self._about:
            raise InputError(
                f"{self._file} was measured on other questions or by another version; give another --out"
            )
        self._points = {(point.size, point.seed): point for point in points}


def usual_sizes(n: int) -> list[int]:
    """All n training questions, a half of them, a quarter and so on, the smallest first.

    >>> usual_sizes(30480)
    [952, 1905, 3810, 7620, 15240, 30480]
    """
    sizes = [n >> halvings for halvings in range(_SIZES) if n >> halvings >= min(n, _FEWEST)]
    return sizes[::-1]


def measure(
    exams: Mapping[str, Exam], sizes: Sequence[int], seeds: Sequence[int], points: Points, stages: Progress
) -> Iterator[Point]:
    """Every size with every seed; those that `points` holds are not measured again.

    The questions of a smaller size are among those of a larger one with the same seed.
    """
    from cmexam_baseline.features import LightGBMBaseline

    train, val = exams["train"], exams["val"]
    for size in sizes:
        for seed in seeds:
            known = points.get(size, seed)
            if known is None:
                started = time.perf_counter()
                chosen = np.sort(np.random.default_rng(seed).permutation(len(train))[:size])
                baseline = LightGBMBaseline(random_state=seed).fit(
                    train[chosen], val, progress=_named(stages, f"{size:,} questions, seed {seed}")
                )
                right = baseline.predict(val).answers == val.answers
                known = Point(size, seed, right, round(time.perf_counter() - started, 1))
                points.add(known)
            yield known


def _named(stages: Progress, name: str) -> Progress:
    return lambda stage, done, total: stages(f"{name}: {stage}", done, total)


def _as_dict(point: Point) -> dict[str, Any]:
    return {
        "size": point.size,
        "seed": point.seed,
        "accuracy": point.accuracy,
        "seconds": point.seconds,
        "right": "".join("01"[hit] for hit in point.right.tolist()),
    }


def _from_dict(content: dict[str, Any]) -> Point:
    right = np.array([{"0": False, "1": True}[mark] for mark in content["right"]], np.bool_)
    return Point(int(content["size"]), int(content["seed"]), right, float(content["seconds"]))
