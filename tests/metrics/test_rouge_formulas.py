"""The formulas of ROUGE's F at small shares, where what keeps a denominator from 0 shows."""

from __future__ import annotations

import numpy as np
import pytest

from cmexam_baseline.metrics.bleu_rouge import f1, f1_of_sets, f_of_official_lcs, f_precision_recall

SHARES = [(1e-6, 1e-6), (1e-5, 1e-3), (1e-3, 1e-5), (0.3, 1.0), (0.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(("precision", "recall"), SHARES)
def test_as_the_official_script_has_them(precision: float, recall: float) -> None:
    beta = precision / (recall + 1e-12)
    lcs = ((1 + beta**2) * recall * precision) / (recall + beta**2 * precision + 1e-12)
    sets = 2 * (precision * recall / (precision + recall + 1e-8))
    both = np.array([precision]), np.array([recall])
    assert f_of_official_lcs(*both)[0] == pytest.approx(lcs, rel=1e-13, abs=0)
    assert f1_of_sets(*both)[0] == pytest.approx(sets, rel=1e-13, abs=0)


@pytest.mark.parametrize(("precision", "recall"), SHARES)
def test_the_harmonic_mean(precision: float, recall: float) -> None:
    expected = 2 / (1 / precision + 1 / recall) if precision and recall else 0.0
    assert f1(np.array([precision]), np.array([recall]))[0] == pytest.approx(expected, rel=1e-13)


def test_shares_of_nothing() -> None:
    nothing = np.zeros(1)
    assert f_precision_recall(nothing, nothing, nothing, f1).tolist() == [[0.0]] * 3
    found = f_precision_recall(np.ones(1), np.full(1, 2.0), np.ones(1), f1)
    assert found.T.tolist() == [[pytest.approx(2 / 3), 1.0, 0.5]]
