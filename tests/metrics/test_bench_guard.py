"""The guard against slowness can fail, and does not fail by itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_on_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).parent == BENCHMARKS:
            del sys.modules[name]


def test_a_slow_implementation_is_caught() -> None:
    from comparison import Comparison, Contender
    from comparisons_explanations import official, score_all
    from guard import check
    from pairs import benchmark_pairs

    pairs = benchmark_pairs(2, real=False)
    peer = Contender("CMExam's definition", lambda: official(pairs), 1)
    ours = Contender("ours", lambda: score_all(pairs))
    quick = Comparison("key", "explanations", "two pairs", ours, [peer], {peer.name: 2})
    assert check([quick]) == []

    def slowed() -> None:
        time.sleep(0.05)
        official(pairs)

    (problem,) = check([replace(quick, ours=Contender("ours", slowed, 1))])
    assert "must be 2" in problem


def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import guard
    from comparison import Comparison, Contender

    def twice_as_fast(floor: float) -> list[Comparison]:
        ours, peer = (
            Contender("ours", lambda: time.sleep(0.01), 1),
            Contender("peer", lambda: time.sleep(0.02), 1),
        )
        return [Comparison("key", "some work", "none", ours, [peer], {"peer": floor})]

    monkeypatch.setattr(guard, "guarded_comparisons", lambda: twice_as_fast(1.2))
    assert guard.main() == 0
    monkeypatch.setattr(guard, "guarded_comparisons", lambda: twice_as_fast(20))
    assert guard.main() == 1
    assert "TOO SLOW: some work" in capsys.readouterr().out


def test_peers_are_added_up() -> None:
    from comparison import Timings

    timings = Timings({"ours": 2.0, "a": 6.0, "b": 4.0})
    assert timings.ratio("a") == 3
    assert timings.ratio("a + b") == 5


def test_wrong_figures_stop_the_comparison() -> None:
    from comparison import Comparison, Contender, measure

    def disagree() -> None:
        raise AssertionError("bleu4: 1 is not 2")

    with pytest.raises(AssertionError, match="1 is not 2"):
        measure(Comparison("key", "", "", Contender("ours", int), [], agree=disagree))


def test_generated_input_is_always_the_same_and_as_long_as_the_real() -> None:
    from pairs import benchmark_pairs

    pairs = benchmark_pairs(300, real=False)
    again = benchmark_pairs(300, real=False)
    assert (pairs.references, pairs.predictions) == (again.references, again.predictions)
    assert 150 < pairs.n_characters / 600 < 280
    assert len(pairs.times(3).references) == 900


def test_the_peers_agree_with_ours_on_the_generated_input() -> None:
    from comparisons_explanations import agree
    from pairs import benchmark_pairs

    agree(benchmark_pairs(12, real=False), compiled=False)
