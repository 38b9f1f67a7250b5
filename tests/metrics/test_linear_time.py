"""Long inputs take time in proportion to their length: measured as a ratio, which no machine changes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from texts_to_cut import random_texts

from cmexam_baseline import metrics

_TIMES = 4
# Four times the input takes four times as long, and with caches that overflow somewhat more; squared, sixteen times.
_MOST = 8.0


def seconds(run: Callable[[], object]) -> float:
    """The least processor time of a few calls."""
    measured = []
    for _ in range(3):
        start = time.process_time()
        run()
        measured.append(time.process_time() - start)
    return min(measured)


def assert_linear(run: Callable[[int], object], n: int) -> None:
    run(n // 10)
    ratios: list[float] = []
    while len(ratios) < 3:
        ratios.append(seconds(lambda: run(_TIMES * n)) / seconds(lambda: run(n)))
        if ratios[-1] < _MOST:
            return
    pytest.fail(f"{_TIMES} times as much took {ratios} times as long")


@pytest.mark.parametrize("kind", ["words", "unknown characters"])
def test_one_block_of_han_characters(kind: str) -> None:
    han = "龘靐齉爩鱻麤"
    if kind == "words":
        han = "".join(c for text in random_texts(3_000, seed=7) for c in text if "\u4e00" <= c <= "\u9fd5")
    assert_linear(lambda n: metrics.cut([(han * (n // len(han) + 1))[:n]]), 15_000)


@pytest.mark.parametrize("figure", [metrics.accuracy, metrics.weighted_f1, metrics.score_answers])
def test_as_many_labels_as_questions(figure: Callable[..., object]) -> None:
    def run(n: int) -> None:
        gold = [f"label {number}" for number in range(n)]
        figure(gold, gold[1:] + gold[:1])

    assert_linear(run, 10_000)
