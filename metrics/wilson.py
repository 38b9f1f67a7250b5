"""Confidence intervals: Wilson's interval of a share."""

from __future__ import annotations

from math import sqrt
from operator import index
from statistics import NormalDist
from typing import NamedTuple

import numpy as np


class ConfidenceInterval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def checked_level(level: float) -> float:
    """The level of an interval itself; raises `ValueError` unless it is a number between 0 and 1."""
    if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
        raise ValueError(f"level must be a probability between 0 and 1, such as 0.95; it is {level}")
    return float(level)


def wilson_interval(n_successes: int, n: int, level: float = 0.95) -> ConfidenceInterval:
    """Wilson's score interval, without continuity correction, for a share of `n_successes` among `n`.

    With n = 0 it is 0 to 1. Raises `ValueError` if `n_successes` is not between 0 and n, `TypeError` for numbers
    that are not whole. Definition: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).

    >>> low, high = wilson_interval(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    n_successes, n = index(n_successes), index(n)  # NumPy's small integers would overflow
    if not 0 <= n_successes <= n:
        raise ValueError(f"the number of successes must be between 0 and n = {n}; it is {n_successes}")
    z = NormalDist().inv_cdf((1 + checked_level(level)) / 2)
    if n == 0:
        return ConfidenceInterval(0.0, 1.0)
    share = n_successes / n
    center = share + z * z / (2 * n)
    reach = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At both ends the formula gives 0 and 1 up to rounding.
    low = 0.0 if n_successes == 0 else (center - reach) / scale
    high = 1.0 if n_successes == n else (center + reach) / scale
    return ConfidenceInterval(low, high)
