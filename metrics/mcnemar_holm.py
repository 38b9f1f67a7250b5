"""McNemar's test of the difference between two systems' answers, and Holm's correction for several tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from math import erfc, exp, factorial, isqrt, log, pi, sqrt
from operator import index

import numpy as np

from cmexam_baseline.metrics.answer_codes import Answers, count_answers

_SMALL = 15  # factorials that are computed exactly


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


def _exact(fewer: int, more: int) -> float:
    return 2 * _probability(fewer, more) * _relative_tail(fewer, more)


def _mid(fewer: int, more: int) -> float:
    return 2 * _probability(fewer, more) * (_relative_tail(fewer, more) - 0.5)


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
    total, power = (x - mean) * v, 2 * x * v
    for order in count(1):
        power *= v * v
        if total + power / (2 * order + 1) == total:
            return total
        total += power / (2 * order + 1)
    raise AssertionError("the series has no end")


def _relative_tail(fewer: int, more: int) -> float:
    """The probability of this split and all more uneven to the same side, over that of this split."""
    # Terms beyond nine times the square root of n are below 1e-70 of the first.
    last = max(fewer - 9 * isqrt(fewer + more) - 100, 0)
    successes = np.arange(fewer, last, -1)
    return float(1 + np.cumprod(successes / (fewer + more - successes + 1)).sum())


def _chi2(fewer: int, more: int) -> float:
    return erfc((more - fewer) / sqrt(2 * (fewer + more)))


def _chi2_corrected(fewer: int, more: int) -> float:
    return erfc(abs(more - fewer - 1) / sqrt(2 * (fewer + more)))


_METHODS: dict[str, Callable[[int, int], float]] = {
    "exact": _exact,
    "mid-p": _mid,
    "chi2": _chi2,
    "chi2-corrected": _chi2_corrected,
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
