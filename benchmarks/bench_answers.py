"""Answers with pytest-benchmark: `pytest benchmarks/bench_answers.py`."""

from __future__ import annotations

from typing import Any

import pytest
from comparisons_answers import FORMS, by_ours, by_scikit_learn, labels

N = 1_000_000


@pytest.fixture(scope="module", params=FORMS)
def sides(request: pytest.FixtureRequest) -> tuple[object, object]:
    """Gold and predicted answers in one form."""
    return FORMS[request.param](labels(N, 0)), FORMS[request.param](labels(N, 1))


@pytest.mark.benchmark(group="answers")
def bench_ours(benchmark: Any, sides: tuple[object, object]) -> None:
    benchmark(by_ours, *sides)


@pytest.mark.benchmark(group="answers")
def bench_scikit_learn(benchmark: Any, sides: tuple[object, object]) -> None:
    benchmark.pedantic(by_scikit_learn, sides, rounds=2)
