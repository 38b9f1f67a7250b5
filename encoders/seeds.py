"""The same training from several seeds, for a mean with its spread."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cmexam_baseline.encoders.baseline import EncoderBaseline
from cmexam_baseline.encoders.settings import EncoderSettings, with_seed
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress


def fit_seeds(
    settings: EncoderSettings, seeds: Sequence[int], exam: Exam, val: Exam | None = None,
    progress: Progress | None = None, folder: str | os.PathLike[str] | None = None, **evidence: Any,
) -> dict[int, EncoderBaseline]:  # fmt: skip
    """A fitted baseline for every seed, one after the other; `folder` gets a folder of checkpoints a seed.

    Arguments as of `EncoderBaseline.fit`. Raises `InputError` if no seed is given or one twice.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"seeds are {list(seeds)}, expected one or more, each once")
    return {
        seed: EncoderBaseline(with_seed(settings, seed)).fit(
            exam, val, progress, folder=None if folder is None else Path(folder) / f"seed-{seed}", **evidence
        )
        for seed in seeds
    }


def mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (0 of a single value), as papers print them.

    >>> mean_and_sd([0.31, 0.32, 0.33])
    (0.32, 0.01)
    """
    if not values:
        raise ValueError("values is empty, expected at least one")
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return round(statistics.fmean(values), 12), round(spread, 12)
