"""Whether a difference is more than chance: Wilson's interval, McNemar's test, Holm's correction, Cohen's kappa."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erfc, exp, factorial, isqrt, log, nan, pi, sqrt
from operator import index
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from cmexam_baseline.metrics.answer_codes import Answers, count_answers, encode_answers, numbers_of_labels

_SMALL = 15  # factorials that are computed exactly


class ConfidenceInterval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


def checked_level(level: float) -> float:
    """The level of an interval itself; raises `ValueError` unless it is a number between 0 and 1."""
    if not isinstance(level, (int, float, np.number)) or not 0 < level < 1:
        raise ValueError(f"level must be a probability between 0 and 1, such as 0.95; it is {level}")
    return float(level)


def check_count(number: int, name: str) -> None:
    """Raise `ValueError` unless the number is an integer of 1 or more."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
        raise ValueError(f"{name} must be an integer, 1 or more; it is {number!r}")


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


@dataclass(frozen=True)
class McNemar:
    """The numbers of questions that only one of two systems answers rightly, and the p of McNemar's test."""

    n_first_only: int
    n_second_only: int
    method: str
    p: float


def mcnemar(
    gold: Answers, first: Answers, second: Answers, method: str = "exact", kind: str | None = None
) -> McNemar:
    """McNemar's test of the hypothesis that two systems answer the same questions rightly equally often.

    Answers come in every form that `score_answers` takes, `kind` included. Only questions count that one system
    answers rightly and the other wrongly. `method` selects the two-sided p:

    - `exact`: the binomial test of the smaller of the two counts, for any size (the default), to a relative
      error below 1e-10;
    - `mid-p`: the same, with half the probability of the observed count, less conservative;
    - `chi2`: chi-squared, (b - c)^2 / (b + c), McNemar (1947);
    - `chi2-corrected`: with continuity correction, (|b - c| - 1)^2 / (b + c), Edwards (1948).

    Raises `ValueError` for another method, and what `score_answers` raises.

    >>> mcnemar(["A", "B", "C", "D"], ["A", "B", "C", "A"], ["A", "C", None, "A"])
    McNemar(n_first_only=2, n_second_only=0, method='exact', p=0.5)
    """
    counts = count_answers(gold, first, second, kind=kind)
    first_only = sum(n for (right, a, b), n in counts.items() if a == right != b)
    second_only = sum(n for (right, a, b), n in counts.items() if b == right != a)
    return McNemar(first_only, second_only, method, mcnemar_p(first_only, second_only, method))


def mcnemar_p(n_first_only: int, n_second_only: int, method: str = "exact") -> float:
    """The p of McNemar's test from the two counts of questions that only one system got right.

    >>> round(mcnemar_p(28, 35, "chi2"), 4), mcnemar_p(0, 0)
    (0.3778, 1.0)
    """
    if method not in _METHODS:
        raise ValueError(f"unknown method {method!r}; choose {', '.join(_METHODS)}")
    fewer, more = sorted((index(n_first_only), index(n_second_only)))
    if fewer < 0:
        raise ValueError(f"counts must not be negative; they are {n_first_only} and {n_second_only}")
    if more == 0 or (fewer == more and method != "chi2-corrected"):
        return 1.0
    return min(1.0, _METHODS[method](fewer, more))


def _probability(fewer: int, more: int) -> float:
    """The probability of exactly this split in fair coin flips.

    C. Loader, Fast and accurate computation of binomial probabilities (2000): factorials as Stirling's formula
    times a correction, so that no large numbers are subtracted.
    """
    n = fewer + more
    if fewer == 0:
        return exp(-n * log(2))
    correction = _stirling_error(n) - _stirling_error(fewer) - _stirling_error(more)
    deviance = _deviance(fewer, n / 2) + _deviance(more, n / 2)
    return exp(correction - deviance) * sqrt(n / (2 * pi * fewer * more))


def _stirling_error(n: int) -> float:
    """log(n!) minus Stirling's approximation, log(sqrt(2 pi n) (n / e)^n)."""
    if n <= _SMALL:
        return log(factorial(n)) - (0.5 * log(2 * pi * n) + n * log(n) - n)
    inverse = 1 / (n * n)
    series = 1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))
    return series / n


def _deviance(x: int, mean: float) -> float:
    """x log(x / mean) + mean - x, by a series where the terms nearly cancel."""
    if abs(x - mean) >= 0.1 * (x + mean):
        return x * log(x / mean) + mean - x
    v = (x - mean) / (x + mean)
    total, power, order = (x - mean) * v, 2 * x * v, 1
    while True:
        power *= v * v
        order += 2
        if total + power / order == total:
            return total
        total += power / order


def _relative_tail(fewer: int, more: int) -> float:
    """The probability of this split and all more uneven to the same side, over that of this split."""
    # Terms beyond nine times the square root of n are below 1e-70 of the first.
    last = max(fewer - 9 * isqrt(fewer + more) - 100, 0)
    successes = np.arange(fewer, last, -1)
    return float(1 + np.cumprod(successes / (fewer + more - successes + 1)).sum())


# From the smaller and the larger number of questions that only one system got right.
_METHODS: dict[str, Callable[[int, int], float]] = {
    "exact": lambda b, c: 2 * _probability(b, c) * _relative_tail(b, c),
    "mid-p": lambda b, c: 2 * _probability(b, c) * (_relative_tail(b, c) - 0.5),
    "chi2": lambda b, c: erfc((c - b) / sqrt(2 * (b + c))),
    "chi2-corrected": lambda b, c: erfc(abs(c - b - 1) / sqrt(2 * (b + c))),
}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for several tests: adjusted p in the order given, to be compared with one level.

    Raises `ValueError` for a p outside 0 to 1. Definition: S. Holm, A simple sequentially rejective multiple
    test procedure (1979).

    >>> holm([0.01, 0.04, 0.03, 0.005])
    [0.03, 0.06, 0.06, 0.02]
    """
    for place, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise ValueError(f"p_values[{place}] is {p}; a p is between 0 and 1")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for n_smaller, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - n_smaller) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def cohen_kappa(first: Answers, second: Answers, kind: str | None = None) -> float:
    """How far two systems (or a system and the gold answers) agree beyond chance: 1 always, 0 as by chance.

    Answers come in every form that `score_answers` takes; no answer is a label of its own. nan without questions
    or where both give one and the same answer everywhere. Raises `ValueError` if the lengths differ, and what
    `score_answers` raises. Definition: J. Cohen, A coefficient of agreement for nominal scales (1960).

    >>> round(cohen_kappa(["A", "B", "C", None], ["A", "B", "D", None]), 4)
    0.6923
    """
    labels, (one, other) = numbers_of_labels(
        encode_answers(first, "first", kind), encode_answers(second, "second", kind)
    )
    n = len(one)
    if len(other) != n:
        raise ValueError(f"first has {n} answers and second has {len(other)}; give one for each question")
    shares = [np.bincount(codes, minlength=len(labels)) / max(n, 1) for codes in (one, other)]
    by_chance = float(shares[0] @ shares[1])
    return (float((one == other).mean()) - by_chance) / (1 - by_chance) if n and by_chance < 1 else nan
