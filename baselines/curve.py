"""Learning curves: accuracy against the number of training questions, measured, kept point by point, extrapolated."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import refuse_unwritable, write_atomically
from cmexam_baseline.exam.io.text_formats import csv_text
from cmexam_baseline.exam.progress import Progress, no_progress, prefix_progress
from cmexam_baseline.metrics.lazy_names import package_version

if TYPE_CHECKING:
    from cmexam_baseline.exam.exam import Exam

PUBLISHED_TRAINING_QUESTIONS = 54_497
_FEWEST = 50
_SIZES = 6


@dataclass(frozen=True)
class CurvePoint:
    """One training: its number of questions and seed, which val questions it answered correctly, its duration.

    correct: bool (val questions,); seconds: of training and prediction
    """

    size: int
    seed: int
    correct: NDArray[np.bool_]
    seconds: float

    @property
    def accuracy(self) -> float:
        """The share of val questions that were answered correctly."""
        return float(self.correct.mean())


@dataclass(frozen=True)
class MeasuredCurve:
    """The points of a learning curve, ordered by size, and the size to extrapolate to."""

    points: Sequence[CurvePoint]
    extrapolate_to: int

    def to_dict(self) -> dict[str, Any]:
        """By size accuracy, interval and spread over seeds; the power law and what it predicts.

        Accuracies are fractions; the interval is Wilson's for the mean over seeds.
        """
        n, sizes = len(self.points[0].correct), []
        for size, group in groupby(self.points, key=lambda point: point.size):
            trained = list(group)
            accuracies = [point.accuracy for point in trained]
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
        return {"n_val": n, "sizes": sizes, "extrapolated": self._extrapolated()}

    def to_frame(self, library: str | None = None) -> Any:
        """A row per training as a pandas or polars frame: size, seed, accuracy, seconds."""
        from cmexam_baseline.exam.io.table import to_frame

        names = ("size", "seed", "accuracy", "seconds")
        return to_frame({name: [getattr(point, name) for point in self.points] for name in names}, library)

    def to_csv(self) -> str:
        """The figures by size, the extrapolated one last and marked."""
        found = self.to_dict()
        measured = [
            [row["size"], row["seeds"], row["accuracy"], *row["interval"], row["sd"], "no"]
            for row in found["sizes"]
        ]
        beyond = found["extrapolated"]
        if beyond is not None:
            measured.append([beyond["size"], None, beyond["accuracy"], *beyond["interval"], None, "yes"])
        return csv_text(["size", "seeds", "accuracy", "low", "high", "sd", "extrapolated"], measured)

    def _extrapolated(self) -> dict[str, Any] | None:
        from cmexam_baseline.metrics.learning_curve import FEWEST_SIZES

        sizes = [point.size for point in self.points]
        if len(set(sizes)) < FEWEST_SIZES or any(point.correct.all() for point in self.points):
            return None
        law = metrics.fit_learning_curve(sizes, [point.accuracy for point in self.points])
        interval = metrics.extrapolate(sizes, [point.correct for point in self.points], self.extrapolate_to)
        return {
            "size": self.extrapolate_to,
            "accuracy": law.accuracy(self.extrapolate_to),
            "interval": list(interval),
            "factor": law.factor,
            "exponent": law.exponent,
            "misfit": max(abs(law.accuracy(point.size) - point.accuracy) for point in self.points),
            "measured": False,
        }


def curve_notes(found: Mapping[str, Any]) -> list[str]:
    """What a reader must know about the figures of `MeasuredCurve.to_dict`."""
    from cmexam_baseline.metrics.learning_curve import FEWEST_SIZES

    notes = [f"{found['n_val']:,} questions; 95% intervals in brackets, for the choice of these questions."]
    beyond = found["extrapolated"]
    if len(found["sizes"]) < FEWEST_SIZES:
        notes.append(f"No extrapolation: it needs {FEWEST_SIZES} sizes, since two fit a power law exactly.")
    elif beyond is not None:
        notes.append(
            f"Extrapolated, not measured: error = {beyond['factor']:.3g} × size^-{beyond['exponent']:.3g}, which misses"
            f" measured accuracies by {100 * beyond['misfit']:.1f} points at most; whether it holds at this size is not"
            " in the interval."
        )
    return notes


def learning_curve(
    train: Exam,
    val: Exam,
    sizes: Sequence[int] = (),
    seeds: Sequence[int] = (0, 1, 2),
    *,
    extrapolate_to: int = PUBLISHED_TRAINING_QUESTIONS,
    points_file: str | os.PathLike[str] | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> MeasuredCurve:
    """Train LightGBM on parts of `train` and measure its accuracy on `val`.

    sizes:       training questions (default: all, a half, a quarter and so on, six in all)
    seeds:       each size is trained with each seed; parts are drawn at random, smaller ones within larger ones
    points_file: a JSON file that keeps the points; those that it holds are not measured again
    jobs:        trainings side by side, each in a process

    Raises `InputError` for fewer than two sizes, more questions than `train` has, and a file of other questions.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> curve = learning_curve(sample_exam("train")[:80], sample_exam("val")[:20], [40, 80], [0])
    >>> [row["size"] for row in curve.to_dict()["sizes"]]
    [40, 80]
    """
    wanted = check_sizes(sizes or usual_sizes(len(train)))
    if wanted[-1] > len(train):
        raise InputError(f"`sizes={wanted[-1]}`: there are {len(train)} training questions only")
    kept = _PointsFile(None if points_file is None else Path(points_file), train, val)
    keys = [(size, seed) for size in wanted for seed in sorted(set(seeds))]
    missing = [key for key in keys if key not in kept.points]
    for point in _measure(train, val, missing, jobs, progress or no_progress):
        kept.add(point)
    return MeasuredCurve([kept.points[key] for key in keys], extrapolate_to)


def check_sizes(sizes: Sequence[int]) -> list[int]:
    """The different sizes in ascending order; raises `InputError` for fewer than two."""
    wanted = sorted(set(sizes))
    if len(wanted) < 2:
        raise InputError("a curve needs two sizes or more; add one to `sizes`, or omit it")
    return wanted


def usual_sizes(n: int) -> list[int]:
    """All n training questions, a half of them, a quarter and so on, in ascending order.

    >>> usual_sizes(30480)
    [952, 1905, 3810, 7620, 15240, 30480]
    """
    return [n >> halvings for halvings in reversed(range(_SIZES)) if n >> halvings >= min(n, _FEWEST)]


class _PointsFile:
    """The measured points of one exam, in a JSON file that grows point by point; without a file, in memory.

    Raises `InputError` if the file holds something else, or points of other questions or of another version.
    """

    def __init__(self, file: Path | None, train: Exam, val: Exam) -> None:
        self.points: dict[tuple[int, int], CurvePoint] = {}
        self._file = file
        exams = {"train": train.fingerprint(), "val": val.fingerprint()}
        self._about = {**exams, "version": package_version()}
        if file is not None:
            refuse_unwritable(file)
            if file.exists():
                self._read(file)

    def add(self, point: CurvePoint) -> None:
        """Keep a point."""
        self.points[point.size, point.seed] = point
        if self._file is not None:
            rows = [
                {
                    "size": one.size,
                    "seed": one.seed,
                    "accuracy": one.accuracy,
                    "seconds": one.seconds,
                    "right": "".join("01"[hit] for hit in one.correct.tolist()),
                }
                for _, one in sorted(self.points.items())
            ]
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps({**self._about, "points": rows}, indent=1) + "\n")

    def _read(self, file: Path) -> None:
        marks = {"0": False, "1": True}
        try:
            content = json.loads(file.read_text("utf-8"))
            about = {name: content[name] for name in self._about}
            for row in content["points"]:
                size, seed = int(row["size"]), int(row["seed"])
                correct = np.array([marks[mark] for mark in row["right"]], np.bool_)
                self.points[size, seed] = CurvePoint(size, seed, correct, float(row["seconds"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{file} is no list of measured points; remove it or choose another folder"
            ) from error
        if about != self._about:
            raise InputError(
                f"{file} was measured on other questions or by another version; choose another folder"
            )


def _measure(
    train: Exam, val: Exam, keys: Sequence[tuple[int, int]], jobs: int, progress: Progress
) -> Iterator[CurvePoint]:
    jobs = min(jobs, len(keys))
    if jobs > 1:
        from cmexam_baseline.baselines.parallel_jobs import run_jobs, threads_per_job

        calls = [(train, val, *key, threads_per_job(jobs)) for key in keys]
        for done, (_, point) in enumerate(run_jobs(_train_point, calls, jobs), 1):
            progress(f"{len(keys)} trainings, {jobs} side by side", done, len(keys))
            yield point
        return
    for size, seed in keys:
        reported = prefix_progress(progress, f"{size:,} questions, seed {seed}")
        yield _train_point(train, val, size, seed, None, reported)


def _train_point(
    train: Exam, val: Exam, size: int, seed: int, n_jobs: int | None, progress: Progress = no_progress
) -> CurvePoint:
    from cmexam_baseline.features import LightGBMBaseline

    started = time.perf_counter()
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train))[:size])
    baseline = LightGBMBaseline(random_state=seed, n_jobs=n_jobs).fit(train[chosen], val, progress=progress)
    correct = baseline.predict(val).answers == val.answers
    return CurvePoint(size, seed, correct, round(time.perf_counter() - started, 1))
