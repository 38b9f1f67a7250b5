"""McNemar, Wilson, Holm and kappa equal scipy, their definitions, and figures from the literature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from slow_significance import slow_exact_p, slow_holm

from cmexam_baseline.metrics import (
    ConfidenceInterval,
    cohen_kappa,
    holm,
    mcnemar,
    significance,
    wilson_interval,
)
from cmexam_baseline.metrics.significance import mcnemar_p

_counts = st.integers(0, 120)


@given(_counts, _counts)
def test_mcnemar_exact(b: int, c: int) -> None:
    p = mcnemar_p(b, c)
    assert p == pytest.approx(slow_exact_p(b, c), rel=1e-9)
    assert p == mcnemar_p(c, b)
    if b + c:
        assert p == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        # Twice the sum of the binomial probabilities, with 40 digits (mpmath 1.3).
        (3_000, 3_200, 0.011488253770871206),
        (40_000, 40_100, 0.72648956382962579),
        (0, 900, 2.3661043723335494e-271),
        (499_000, 500_000, 0.31755259967374486),
        (1_999_999, 2_000_003, 0.99880317393174568),
        (9_998_000, 10_002_000, 0.37121297529722907),
        (9_990_000, 10_010_000, 7.7523075575471003e-6),
    ],
)
def test_mcnemar_exact_of_many(b: int, c: int, p: float) -> None:
    assert mcnemar_p(b, c) == pytest.approx(p, rel=1e-10)
    assert mcnemar_p(np.int32(b), np.int64(c)) == mcnemar_p(b, c)


def test_chi2_with_correction_of_equal_counts_is_its_formula() -> None:
    assert mcnemar_p(1, 1, "chi2-corrected") == pytest.approx(stats.chi2.sf(1 / 2, 1))
    assert mcnemar_p(8, 8, "chi2-corrected") == pytest.approx(stats.chi2.sf(1 / 16, 1))
    assert mcnemar_p(0, 0, "chi2-corrected") == mcnemar_p(1, 1, "chi2") == 1.0
    assert mcnemar_p(np.int8(100), np.int8(27), "chi2") == mcnemar_p(100, 27, "chi2")


@given(_counts, _counts)
def test_mcnemar_mid_p(b: int, c: int) -> None:
    assert mcnemar_p(b, c, "mid-p") == pytest.approx(slow_exact_p(b, c, mid=True), rel=1e-9)


@given(_counts, _counts)
def test_mcnemar_chi2(b: int, c: int) -> None:
    if b != c:
        plain, corrected = (b - c) ** 2 / (b + c), (abs(b - c) - 1) ** 2 / (b + c)
        assert mcnemar_p(b, c, "chi2") == pytest.approx(stats.chi2.sf(plain, 1), rel=1e-9)
        assert mcnemar_p(b, c, "chi2-corrected") == pytest.approx(stats.chi2.sf(corrected, 1), rel=1e-9)


def test_mcnemar_in_the_literature() -> None:
    # S. Aoki, McNemar 検定 (aoki2.si.gunma-u.ac.jp/lecture/Hiritu/McNemar-test-r.html): R's mcnemar.test and
    # binom.test for 28 and 35 changes of mind.
    assert mcnemar_p(28, 35, "chi2") == pytest.approx(0.3778, abs=5e-5)
    assert mcnemar_p(28, 35, "chi2-corrected") == pytest.approx(0.4497, abs=5e-5)
    assert mcnemar_p(28, 35, "exact") == pytest.approx(0.45, abs=5e-4)


def test_mcnemar_from_answers() -> None:
    gold = ["A", "B", "C", "D", "ABD", "E", None]
    first = ["A", "B", "C", None, "ABD", "A", None]
    second = ["A", "C", None, "D", "AB", "A", "A"]
    found = mcnemar(gold, first, second)
    assert (found.n_first_only, found.n_second_only, found.method) == (3, 1, "exact")
    assert found.p == pytest.approx(0.625)
    assert mcnemar(gold, first, second, "mid-p").p == pytest.approx(0.375)
    assert mcnemar([], [], []).p == 1.0
    with pytest.raises(ValueError, match="predicted 2 has 2; give one for each question"):
        mcnemar(["A"], ["A"], ["A", "B"])
    with pytest.raises(ValueError, match="unknown method 'fisher'; choose exact, mid-p, chi2"):
        mcnemar(gold, first, second, "fisher")
    with pytest.raises(ValueError, match="must not be negative"):
        mcnemar_p(-1, 3)


@given(st.integers(1, 3000), st.data(), st.floats(0.01, 0.999))
def test_wilson(n: int, data: st.DataObject, level: float) -> None:
    k = data.draw(st.integers(0, n))
    expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    low, high = wilson_interval(k, n, level)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # R. G. Newcombe, Two-sided confidence intervals for the single proportion: comparison of seven
        # methods, Statistics in Medicine 17 (1998), table I, method 3 (score).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_in_the_literature(k: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(k, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_at_its_bounds() -> None:
    assert wilson_interval(0, 0) == ConfidenceInterval(0.0, 1.0)
    assert wilson_interval(0, 7).low == 0.0
    assert wilson_interval(7, 7).high == 1.0
    for k, n in ((-1, 5), (6, 5), (1, 0)):
        with pytest.raises(ValueError, match="between 0 and n"):
            wilson_interval(k, n)
    assert wilson_interval(np.int8(100), np.int8(127)) == wilson_interval(100, 127)
    assert wilson_interval(np.uint8(3), np.uint8(5)) == wilson_interval(3, 5)
    for k, n in ((1.5, 2), (1, 2.5), ("1", 2)):
        with pytest.raises(TypeError):
            wilson_interval(k, n)
    for level in (0, 1, 95, float("nan"), "0.95", None):
        with pytest.raises(ValueError, match="level must be a probability"):
            wilson_interval(1, 2, level)


@given(st.lists(st.floats(0, 1), max_size=7))
def test_holm_is_the_closed_bonferroni_test(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(slow_holm(p_values), abs=1e-15)


def test_holm_in_the_literature() -> None:
    # Wikipedia, Holm-Bonferroni method, Example: the first and the last of these are rejected.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    for wrong in ([0.5, 1.5], [-0.1], [float("nan")]):
        with pytest.raises(ValueError, match="a p is between 0 and 1"):
            holm(wrong)


def test_no_p_exceeds_one_by_rounding() -> None:
    """Counts that differ by one have p = 1 exactly; the sum of their chances does not."""
    assert any(significance._METHODS["exact"](count, count + 1) > 1 for count in range(1, 3000))
    assert all(mcnemar_p(count, count + 1) <= 1 for count in range(300))


_answer = st.sampled_from(["A", "B", "AB", None])


@given(st.lists(st.tuples(_answer, _answer), min_size=1, max_size=30))
def test_kappa_as_scikit_learn(rows: list[tuple[str | None, str | None]]) -> None:
    first, second = (list(side) for side in zip(*rows, strict=True))
    found = cohen_kappa(first, second)
    if len({*first, *second}) == 1:
        assert math.isnan(found)
    else:
        expected = cohen_kappa_score([a or "" for a in first], [b or "" for b in second])
        assert found == pytest.approx(expected, abs=1e-12)


def test_kappa_of_every_form_and_of_nothing() -> None:
    masks = np.array([1, 2, 0], np.uint8)
    assert cohen_kappa(masks, ["A", "b", None]) == pytest.approx(1.0)
    assert math.isnan(cohen_kappa([], []))
    with pytest.raises(ValueError, match="first has 1 answers and second has 2"):
        cohen_kappa(["A"], ["A", "B"])
