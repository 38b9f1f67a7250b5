"""Fail if the package has become slow: a small input, ours against peers in one run, under a minute.

    python benchmarks/guard.py

Exits with 1 and one line a ratio that fell under its floor. Ratios, not seconds: they hold on a slow machine too.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable

from compare import MODULES
from comparison import Comparison, measure, shortfalls

_TRIES = 3


def main() -> int:
    problems = check(guarded_comparisons())
    for problem in problems:
        print(f"TOO SLOW: {problem}")
    return 1 if problems else 0


def guarded_comparisons() -> list[Comparison]:
    """The small comparisons of every module that has some."""
    modules = [
        importlib.import_module(name) for name in MODULES if importlib.util.find_spec(name) is not None
    ]
    return [comparison for module in modules if hasattr(module, "guarded") for comparison in module.guarded()]


def check(comparisons: Iterable[Comparison]) -> list[str]:
    """One line for each floor that is not reached in any of a few tries: a busy machine is not a slow package."""
    problems = []
    for comparison in comparisons:
        for _ in range(_TRIES):
            timings = measure(comparison)
            missed = shortfalls(comparison, timings)
            if not missed:
                break
        ratios = ", ".join(
            f"{timings.ratio(peers):.0f} x {peers} (floor {floor:g})"
            for peers, floor in comparison.floors.items()
        )
        print(f"{comparison.title}: {ratios}", flush=True)
        problems += missed
    return problems


if __name__ == "__main__":
    sys.exit(main())
