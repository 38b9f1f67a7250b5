"""Tests and corrections by their definitions: every case counted, every subset tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import comb

Answers = Sequence[str | None]


def slow_exact_p(n_first_only: int, n_second_only: int, mid: bool = False) -> float:
    """McNemar's exact p: the share of all sequences of coin flips that are split as unevenly, or more."""
    n, fewer = n_first_only + n_second_only, min(n_first_only, n_second_only)
    tail = sum(Fraction(comb(n, k), 2**n) for k in range(fewer + 1))
    if mid:
        tail -= Fraction(comb(n, fewer), 2 ** (n + 1))
    return float(min(Fraction(1), 2 * tail))


def slow_permutation_p(
    gold: Answers, first: Answers, second: Answers, figure: Callable[[Answers, Answers], float]
) -> float:
    """The share of all ways to exchange the systems' answers, question by question, that differ as much."""

    def difference(exchange: Sequence[bool]) -> float:
        a = [y if other else x for x, y, other in zip(first, second, exchange, strict=True)]
        b = [x if other else y for x, y, other in zip(first, second, exchange, strict=True)]
        return abs(figure(gold, a) - figure(gold, b))

    observed = difference([False] * len(gold))
    ways = list(product([False, True], repeat=len(gold)))
    return sum(difference(way) >= observed - 1e-9 for way in ways) / len(ways)


def slow_holm(p_values: Sequence[float]) -> list[float]:
    """Holm as the closed test of Bonferroni: a hypothesis falls with every intersection it is part of."""
    n = len(p_values)
    subsets = [subset for size in range(1, n + 1) for subset in combinations(range(n), size)]
    return [
        max(min(1.0, len(subset) * min(p_values[j] for j in subset)) for subset in subsets if i in subset)
        for i in range(n)
    ]
