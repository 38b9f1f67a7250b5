"""Explanations with pytest-benchmark: `pytest benchmarks/bench_explanations.py`."""

from __future__ import annotations

from typing import Any

import pytest
from comparisons_explanations import bleuscore, rouge_score_rs, score_all, score_words
from pairs import BenchmarkPairs, benchmark_pairs

from cmexam_baseline import metrics


@pytest.fixture(scope="module")
def pairs() -> BenchmarkPairs:
    return benchmark_pairs()


@pytest.mark.benchmark(group="explanations on characters")
def bench_two_definitions(benchmark: Any, pairs: BenchmarkPairs) -> None:
    benchmark(score_all, pairs)


@pytest.mark.benchmark(group="explanations on characters")
@pytest.mark.parametrize("profile", ["cmexam", "google", "sacrebleu-zh"])
def bench_one_definition(benchmark: Any, pairs: BenchmarkPairs, profile: str) -> None:
    benchmark(metrics.score_explanations, pairs.references, pairs.predictions, profile)


@pytest.mark.benchmark(group="explanations on characters")
def bench_bleuscore(benchmark: Any, pairs: BenchmarkPairs) -> None:
    pytest.importorskip("bleuscore")
    benchmark.pedantic(bleuscore, (pairs,), rounds=3)


@pytest.mark.benchmark(group="explanations on characters")
@pytest.mark.parametrize("same_tokens", [False, True])
def bench_rouge_score_rs(benchmark: Any, pairs: BenchmarkPairs, same_tokens: bool) -> None:
    pytest.importorskip("rouge_score_rs")
    benchmark.pedantic(rouge_score_rs, (pairs, same_tokens), rounds=3)


@pytest.mark.benchmark(group="explanations on words")
def bench_words(benchmark: Any, pairs: BenchmarkPairs) -> None:
    benchmark(score_words, pairs)


@pytest.mark.benchmark(group="one pair")
def bench_one_pair(benchmark: Any, pairs: BenchmarkPairs) -> None:
    benchmark(metrics.score_explanations, pairs.references[:1], pairs.predictions[:1])
