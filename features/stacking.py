"""Another model's option scores as feature columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.metrics.ragged import positions, row_numbers

# Probabilities are clipped to this distance from 0 and 1, so that log-odds stay finite.
_EPSILON = 1e-6


def score_columns(name: str, probabilities: ArrayLike, offsets: ArrayLike) -> Columns:
    """The probabilities of a model's options as probability, log-odds and margin, each float64 (options,).

    The margin is an option's log-odds minus those of the best other option of its question.
    Probabilities are flat, `offsets` (n+1,) the bounds of the questions.

    >>> columns = score_columns("encoder", [0.5, 0.8, 0.2], [0, 3])
    >>> columns["encoder_margin"].round(2).tolist()
    [-1.39, 1.39, -2.77]
    """
    given, bounds = np.asarray(probabilities, np.float64), np.asarray(offsets, np.int64)
    odds = log_odds(given)
    return {
        f"{name}_probability": given,
        f"{name}_log_odds": odds,
        f"{name}_margin": odds - _best_other(odds, bounds),
    }


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of p / (1 - p), finite for 0 and 1, too.

    >>> log_odds(np.array([0.5, 0.8])).round(2).tolist()
    [0.0, 1.39]
    """
    inside = np.clip(probabilities, _EPSILON, 1 - _EPSILON)
    found: NDArray[np.float64] = np.log(inside / (1 - inside))
    return found


def _best_other(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    owner = row_numbers(offsets)
    padded = np.full((len(offsets) - 1, MAX_OPTIONS), -np.inf)
    padded[owner, positions(offsets)] = values
    ordered = np.sort(padded, axis=1)
    best, second = ordered[owner, -1], ordered[owner, -2]
    # A single option is compared with itself.
    second = np.where(np.isfinite(second), second, values)
    return np.where(values == best, second, best)
