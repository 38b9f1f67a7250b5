"""Is the difference between two systems more than luck: McNemar's test for answers, Holm's correction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt

import numpy as np

from cmexam_baseline.metrics.answer_codes import Answers
from cmexam_baseline.metrics.answers import count_answers


@dataclass(frozen=True)
class McNemar:
    """How many questions only one of two systems got right, and how likely a split as uneven is by chance."""

    n_first_only: int
    n_second_only: int
    method: str
    p: float


def mcnemar(
    gold: Answers, first: Answers, second: Answers, method: str = "exact", kind: str | None = None
) -> McNemar:
    """McNemar's test of two systems on the same questions: are they right equally often?

    Answers come in every form that `score_answers` takes. Only questions count on which one system is right
    and the other wrong. `method` says how the two-sided p comes about:

    - `exact`: the binomial test of the smaller of the two counts, for any size (the default);
    - `mid-p`: the same, with half the probability of the observed count, less cautious;
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
    if min(n_first_only, n_second_only) < 0:
        raise ValueError(f"counts must not be negative; they are {n_first_only} and {n_second_only}")
    if n_first_only == n_second_only:
        return 1.0
    return min(1.0, _METHODS[method](*sorted((n_first_only, n_second_only))))


def _exact(fewer: int, more: int) -> float:
    return 2 * _chance(fewer, more) * _relative_tail(fewer, more)


def _mid(fewer: int, more: int) -> float:
    return 2 * _chance(fewer, more) * (_relative_tail(fewer, more) - 0.5)


def _chance(fewer: int, more: int) -> float:
    """The probability of exactly this split in fair coin flips."""
    n = fewer + more
    return exp(lgamma(n + 1) - lgamma(fewer + 1) - lgamma(more + 1) - n * log(2))


def _relative_tail(fewer: int, more: int) -> float:
    """The probability of this split and all more uneven to the same side, over that of this split."""
    successes = np.arange(fewer, 0, -1)
    return float(1 + np.cumprod(successes / (fewer + more - successes + 1)).sum())


def _chi2(fewer: int, more: int) -> float:
    return erfc((more - fewer) / sqrt(2 * (fewer + more)))


def _chi2_corrected(fewer: int, more: int) -> float:
    return erfc((more - fewer - 1) / sqrt(2 * (fewer + more)))


_METHODS: dict[str, Callable[[int, int], float]] = {
    "exact": _exact,
    "mid-p": _mid,
    "chi2": _chi2,
    "chi2-corrected": _chi2_corrected,
}


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for several tests: adjusted p in the order given, to be compared with the one level.

    Raises `ValueError` for a p outside 0 to 1. Definition: S. Holm, A simple sequentially rejective multiple
    test procedure (1979).

    >>> holm([0.01, 0.04, 0.03, 0.005])
    [0.03, 0.06, 0.06, 0.02]
    """
    for place, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise ValueError(f"p_values[{place}] is {p}; a p lies between 0 and 1")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for n_smaller, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - n_smaller) * p_values[place]))
        adjusted[place] = highest
    return adjusted
