"""The settings of LightGBM's trees, and which values it accepts."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from cmexam_baseline.exam.errors import InputError

# The settings of the trees that a user may change, besides the seed: least and greatest value, integers both or neither.
RANGES: dict[str, tuple[float, float]] = {
    "n_estimators": (1, 100_000),
    "learning_rate": (1e-6, 1.0),
    "num_leaves": (2, 131_072),
    "min_child_samples": (0, 1_000_000_000),
    "subsample": (0.01, 1.0),
    "colsample_bytree": (0.001, 1.0),
    "reg_lambda": (0.0, 1e9),
    "max_bin": (2, 65_535),
    "bag": (1, 1000),
}
TUNABLE = tuple(RANGES)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `InputError` for a value of a setting in `RANGES` that LightGBM does not accept."""
    for name in filter(settings.__contains__, RANGES):
        (low, high), value = RANGES[name], settings[name]
        whole = isinstance(low, int)
        numeric = isinstance(value, numbers.Integral if whole else numbers.Real)
        if not numeric or isinstance(value, bool) or not low <= value <= high:
            kind = "an integer" if whole else "a number"
            raise InputError(f"`{name}` must be {kind} from {low} to {high}; got {value!r}")
