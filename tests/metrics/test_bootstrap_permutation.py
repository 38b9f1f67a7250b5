"""Bootstrap and permutation: the figures of each resample, whether intervals cover, whether p is right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_answers import slow_figures
from slow_significance import slow_permutation_p

from cmexam_baseline import metrics
from cmexam_baseline.metrics import (
    PairedComparison,
    bootstrap,
    bootstrap_permutation,
    compare_answers,
    compare_explanations,
)
from cmexam_baseline.metrics.answer_codes import count_answers
from cmexam_baseline.metrics.bootstrap_permutation import _AnswerRows
from cmexam_baseline.metrics.precision_recall_f1 import ANSWER_FIGURES

_answer = st.sampled_from(["A", "B", "AB", None])
_rows = st.lists(st.tuples(st.sampled_from(["A", "B", "AB"]), _answer, _answer), min_size=1, max_size=12)


@dataclass(frozen=True)
class Ratios:
    """Scores made of sums: the ratio of two of them, and a mean, in percent."""

    statistics: np.ndarray
    figure_names: tuple[str, ...] = ("ratio", "mean")
    statistic_names: tuple[str, ...] = ("pairs", "part", "whole")

    def figures_of(self, sums: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio, mean = sums[..., 1] / sums[..., 2], sums[..., 1] / sums[..., 0]
        return 100 * np.stack([ratio, mean], axis=-1)


def drawn_ratios(n: int, seed: int, shift: float = 0.0) -> Ratios:
    random = np.random.default_rng(seed)
    whole = random.gamma(4.0, 2.0, n)
    return Ratios(np.column_stack([np.ones(n), whole * random.beta(2 + shift, 3, n), whole]))


@given(_rows, st.data())
def test_figures_of_weights_are_those_of_repeated_questions(
    rows: list[tuple[str, str | None, str | None]], data: st.DataObject
) -> None:
    gold, first, second = (list(column) for column in zip(*rows, strict=True))
    sample = _AnswerRows(metrics.score_answers(gold, first).counts)
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(sample.counts), max_size=len(sample.counts)))
    pairs = list(metrics.score_answers(gold, first).counts)
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    figures = sample.figures(np.array([weights], float))[0][0]
    if repeated:
        expected = slow_figures(*zip(*repeated, strict=True))
        assert dict(zip(ANSWER_FIGURES, figures, strict=True)) == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(figures).all()


@given(_rows, st.data())
def test_exchanged_answers(rows: list[tuple[str, str | None, str | None]], data: st.DataObject) -> None:
    gold, first, second = (list(column) for column in zip(*rows, strict=True))
    counts = count_answers(gold, first, second)
    sample = _AnswerRows(counts)
    swaps = [data.draw(st.integers(0, count)) for count in counts.values()]
    triples = [
        (right, b, a) if place < swap else (right, a, b)
        for ((right, a, b), count), swap in zip(counts.items(), swaps, strict=True)
        for place in range(count)
    ]
    right, a, b = zip(*triples, strict=True)
    both = sample.swapped(np.array([swaps], float))
    for figures, answers in zip(both, (a, b), strict=True):
        expected = slow_figures(right, answers)
        assert dict(zip(ANSWER_FIGURES, figures[0], strict=True)) == pytest.approx(expected, abs=1e-12)


def test_bootstrap_of_sums_is_that_of_drawn_rows() -> None:
    scores = drawn_ratios(50, seed=0)
    random = np.random.default_rng(7)
    figures = [
        scores.figures_of(scores.statistics[random.integers(0, 50, 50)].sum(axis=0)) for _ in range(300)
    ]
    expected = np.quantile(figures, [0.05, 0.95], axis=0).T
    found = bootstrap(scores, resamples=300, level=0.9, seed=7)
    assert list(found) == ["ratio", "mean"]
    assert list(found.values()) == [pytest.approx(tuple(row), rel=1e-12) for row in expected]


def test_bootstrap_of_answers_is_that_of_drawn_questions() -> None:
    """Not draw by draw, for the questions are drawn by kind; but so many draws have the same quantiles."""
    random = np.random.default_rng(1)
    gold = random.choice(["A", "B", "C", "AB"], 120).tolist()
    predicted = [answer if random.random() < 0.6 else "A" for answer in gold]
    drawn = [
        metrics.weighted_f1([gold[i] for i in rows], [predicted[i] for i in rows])
        for rows in random.integers(0, 120, (4000, 120)).tolist()
    ]
    found = bootstrap(metrics.score_answers(gold, predicted), resamples=20_000)["weighted_f1"]
    assert tuple(found) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)


@pytest.mark.parametrize("portion", [1, 100, 1 << 21])
def test_seeds_and_portions(portion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = metrics.score_answers(["A", "B", "C"] * 30, ["A", "B", None] * 30)
    sums = drawn_ratios(90, seed=3)
    for scores in (answers, sums):
        expected = bootstrap(scores, resamples=50, seed=4)
        assert bootstrap(scores, resamples=50, seed=4) == expected != bootstrap(scores, resamples=50, seed=5)
        monkeypatch.setattr(bootstrap_permutation, "_WEIGHTS_AT_ONCE", portion)
        found = bootstrap(scores, resamples=50, seed=4)
        assert {name: pytest.approx(tuple(found[name])) for name in found} == expected


def test_rows_that_were_not_scored_are_not_drawn() -> None:
    scored = drawn_ratios(40, seed=3)
    among_others = Ratios(np.repeat(scored.statistics, 2, axis=0))
    among_others.statistics[1::2] = 0
    assert bootstrap(among_others, resamples=50) == bootstrap(scored, resamples=50)
    other, other_among = drawn_ratios(40, seed=4), Ratios(np.zeros((80, 3)))
    other_among.statistics[::2] = other.statistics
    expected = compare_explanations(scored, other, resamples=50, trials=50)
    assert compare_explanations(among_others, other_among, resamples=50, trials=50) == expected


def coverage(intervals: list[metrics.ConfidenceInterval], truth: float) -> float:
    """The share of simulated exams whose interval holds the true figure."""
    return sum(low <= truth <= high for low, high in intervals) / len(intervals)


def simulated_answers(seed: int, n: int) -> metrics.AnswerScores:
    random = np.random.default_rng(seed)
    gold = random.choice(5, n, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    guess = random.choice(5, n, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    predicted = np.where(random.random(n) < 0.3, gold, guess)
    return metrics.score_answers(1 << gold, 1 << predicted)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_intervals_of_answers_cover(level: float) -> None:
    """Of 200 exams of 300 questions `level` should be covered, give or take three standard errors."""
    population = simulated_answers(10**6, 1_000_000)
    truths = {
        "accuracy": population.accuracy,
        "weighted_f1": population.weighted.f1,
        "macro_f1": population.macro.f1,
    }
    intervals = [
        bootstrap(simulated_answers(seed, 300), resamples=300, level=level, seed=seed) for seed in range(200)
    ]
    tolerance = 3 * math.sqrt(level * (1 - level) / 200) + 0.01
    for figure, truth in truths.items():
        covered = coverage([found[figure] for found in intervals], truth)
        assert covered == pytest.approx(level, abs=tolerance)


def test_intervals_of_sums_cover_and_narrower_ones_do_not() -> None:
    population = drawn_ratios(1_000_000, seed=10**6)
    truth = float(population.figures_of(population.statistics.sum(axis=0))[0])
    intervals = [bootstrap(drawn_ratios(200, seed), resamples=400, seed=seed)["ratio"] for seed in range(400)]
    narrower = [
        metrics.ConfidenceInterval(low + (high - low) / 8, high - (high - low) / 8) for low, high in intervals
    ]
    near = pytest.approx(0.95, abs=0.04)
    assert coverage(intervals, truth) == near
    assert coverage(narrower, truth) != near


@given(st.lists(st.tuples(st.sampled_from(["A", "B"]), _answer, _answer), min_size=2, max_size=7))
def test_permutation_p_is_that_of_all_permutations(rows: list[tuple[str, str | None, str | None]]) -> None:
    gold, first, second = (list(column) for column in zip(*rows, strict=True))
    trials = 4000
    found = compare_answers(gold, first, second, resamples=10, trials=trials)
    for name in ("accuracy", "weighted_f1", "macro_f1"):
        exact = slow_permutation_p(gold, first, second, lambda a, b, name=name: slow_figures(a, b)[name])
        error = 4.5 * math.sqrt(exact * (1 - exact) / trials) + 2 / trials
        assert found[name].p_permutation == pytest.approx(exact, abs=error)


def test_permutation_of_sums_is_that_of_all_permutations() -> None:
    first, second = drawn_ratios(8, seed=1), drawn_ratios(8, seed=2, shift=1.0)
    a, b = first.statistics, second.statistics
    observed = np.abs(first.figures_of(a.sum(axis=0)) - first.figures_of(b.sum(axis=0)))
    ways = [np.array([way >> bit & 1 for bit in range(8)], bool)[:, None] for way in range(256)]
    as_large = [
        np.abs(
            first.figures_of(np.where(w, b, a).sum(axis=0)) - first.figures_of(np.where(w, a, b).sum(axis=0))
        )
        >= observed - 1e-9
        for w in ways
    ]
    found = compare_explanations(first, second, trials=20_000)
    for name, exact in zip(first.figure_names, np.mean(as_large, axis=0).tolist(), strict=True):
        assert found[name].p_permutation == pytest.approx(exact, abs=0.015)


def test_paired_bootstrap_of_sums_is_that_of_drawn_rows() -> None:
    first, second = drawn_ratios(40, seed=1), drawn_ratios(40, seed=2, shift=0.3)
    a, b = first.statistics, second.statistics
    random = np.random.default_rng(9)
    drawn = [random.integers(0, 40, 40) for _ in range(500)]
    gains = np.array([first.figures_of(a[i].sum(axis=0)) - first.figures_of(b[i].sum(axis=0)) for i in drawn])
    found = compare_explanations(first, second, resamples=500, trials=10, level=0.9, seed=9)
    for place, comparison in enumerate(found.values()):
        gain = gains[:, place]
        assert tuple(comparison.interval) == pytest.approx(np.quantile(gain, [0.05, 0.95]), rel=1e-9)
        far = np.abs(gain - gain.mean()) >= abs(comparison.difference)
        assert comparison.p_bootstrap == pytest.approx((far.sum() + 1) / 501)


def test_p_of_equal_systems_is_even() -> None:
    """With no true difference about one test in twenty has p below 0.05; were p wrong, so would this be."""
    random = np.random.default_rng(2)

    def p_values() -> tuple[float, float]:
        gold, first, second = (random.integers(0, 4, 150) for _ in range(3))
        masks = [(1 << side).astype(np.uint16) for side in (gold, first, second)]
        found = compare_answers(*masks, resamples=200, trials=200)["accuracy"]
        return found.p_permutation, found.p_bootstrap

    below = (np.array([p_values() for _ in range(300)]) <= 0.05).mean(axis=0)
    assert below == pytest.approx([0.05, 0.05], abs=0.038)


def test_a_system_and_itself() -> None:
    gold, answers = ["A", "B", "C", "AB"] * 5, ["A", "B", None, "B"] * 5
    for comparison in compare_answers(gold, answers, answers, trials=100).values():
        assert comparison.difference == 0
        assert comparison.interval == (0, 0)
        assert (comparison.p_bootstrap, comparison.p_permutation) == (1, 1)


def test_explanations_of_two_systems() -> None:
    references = ["心力衰竭患者应限盐。", "首选青霉素。", None, "本题考查高血压的治疗。"] * 10
    good = [text and text[:-1] for text in references]
    bad = ["", "首选红霉素。", "无", None] * 10
    first, second = (metrics.score_explanations(references, answers) for answers in (good, bad))
    found = compare_explanations(first, second, trials=500)
    assert list(found) == list(first.figure_names)
    for name, comparison in found.items():
        assert comparison.first == pytest.approx(getattr(first, name))
        assert comparison.second == pytest.approx(getattr(second, name))
        assert comparison.interval.low <= comparison.difference <= comparison.interval.high
    assert found["rougeL"].p_permutation < 0.01
    assert bootstrap(first)["rougeL"].low < first.rougeL < bootstrap(first)["rougeL"].high
    with pytest.raises(ValueError, match="mean different things"):
        compare_explanations(first, metrics.score_explanations(references, bad, profile="google"))
    others = [text and text.replace("限盐", "低盐") for text in references]
    with pytest.raises(ValueError, match="different references, first in row 0; score both on the same"):
        compare_explanations(first, metrics.score_explanations(others, bad))
    with pytest.raises(ValueError, match="40 rows and the second 39"):
        compare_explanations(first, metrics.score_explanations(references[:-1], bad[:-1]))


def test_no_question() -> None:
    intervals = bootstrap(metrics.score_answers([], []), resamples=10)
    assert list(intervals) == list(ANSWER_FIGURES)
    assert np.isnan(list(intervals.values())).all()
    assert np.isnan(list(bootstrap(metrics.score_explanations([None], ["x"]), resamples=10).values())).all()
    compared = compare_answers([], [], [], resamples=10, trials=10)["accuracy"]
    assert np.isnan([compared.first, *compared.interval, compared.p_bootstrap, compared.p_permutation]).all()


def test_what_cannot_be_drawn() -> None:
    scores = metrics.score_answers(["A"], ["A"])
    with pytest.raises(ValueError, match="resamples must be an integer, 1 or more; it is 0"):
        bootstrap(scores, resamples=0)
    with pytest.raises(ValueError, match="trials must be an integer, 1 or more"):
        compare_answers(["A"], ["A"], ["A"], trials=0)
    with pytest.raises(ValueError, match="level must be"):
        bootstrap(scores, level=95)
    assert isinstance(
        compare_answers(["A"], ["A"], ["B"], resamples=1, trials=1)["accuracy"], PairedComparison
    )
