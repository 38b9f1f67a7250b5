"""A part of the bundled sample exam on which training takes a second, in files."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from cmexam_baseline.exam import write_exam
from cmexam_baseline.exam.sample import sample_exam

SIZES = {"train": 300, "val": 120, "test": 40}
# Options of `train` for fewer trees.
QUICK = ("--set", "n_estimators=30")

_PLACE = tempfile.TemporaryDirectory(prefix="small-sample-")


@cache
def small_sample() -> Path:
    """The folder of train.csv, val.csv and test.csv; nobody writes into it."""
    for name, size in SIZES.items():
        write_exam(sample_exam(name)[:size], Path(_PLACE.name) / f"{name}.csv")
    return Path(_PLACE.name)
