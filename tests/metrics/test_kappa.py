"""Cohen's kappa equals scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from cmexam_baseline.metrics import cohen_kappa

_answer = st.sampled_from(["A", "B", "AB", None])


@given(st.lists(st.tuples(_answer, _answer), min_size=1, max_size=30))
def test_as_scikit_learn(rows: list[tuple[str | None, str | None]]) -> None:
    first, second = (list(side) for side in zip(*rows, strict=True))
    found = cohen_kappa(first, second)
    if len({*first, *second}) == 1:
        assert math.isnan(found)
    else:
        expected = cohen_kappa_score([a or "" for a in first], [b or "" for b in second])
        assert found == pytest.approx(expected, abs=1e-12)


def test_every_form_and_nothing() -> None:
    masks = np.array([1, 2, 0], np.uint8)
    assert cohen_kappa(masks, ["A", "b", None]) == pytest.approx(1.0)
    assert math.isnan(cohen_kappa([], []))
    with pytest.raises(ValueError, match="first has 1 answers and second has 2"):
        cohen_kappa(["A"], ["A", "B"])
