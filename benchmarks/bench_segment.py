"""Segmentation with pytest-benchmark: `pytest benchmarks/bench_segment.py`."""

from __future__ import annotations

from typing import Any

import pytest
from comparisons_segment import agree, cut_by_jieba, texts_of
from pairs import benchmark_pairs

from cmexam_baseline import metrics


@pytest.fixture(scope="module")
def texts() -> list[str]:
    texts = texts_of(benchmark_pairs())
    agree(texts[::20])
    return texts


@pytest.mark.benchmark(group="words")
@pytest.mark.parametrize("call", [metrics.cut, metrics.word_starts], ids=["lists", "starts"])
def bench_words(benchmark: Any, texts: list[str], call: Any) -> None:
    benchmark(call, texts)


@pytest.mark.benchmark(group="words")
def bench_jieba(benchmark: Any, texts: list[str]) -> None:
    benchmark.pedantic(cut_by_jieba, (texts,), rounds=1)


@pytest.mark.benchmark(group="one text")
def bench_one_text(benchmark: Any, texts: list[str]) -> None:
    benchmark(metrics.cut, texts[:1])
