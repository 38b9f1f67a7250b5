"""The accuracy that the baseline owes on real questions."""

from __future__ import annotations

import pytest
from shared_data import SHARED, needs_shared

from cmexam_baseline.exam import read_splits
from cmexam_baseline.features import LightGBMBaseline


@pytest.mark.minutes
@needs_shared
def test_accuracy_on_the_validation_questions():
    splits = read_splits(SHARED / "data" / "cmexam")
    baseline = LightGBMBaseline(random_state=1).fit(splits["train"], splits["val"])
    answers = baseline.predict(splits["val"]).answers
    # Rows that could not be read count as wrong.
    assert (answers == splits["val"].answers).sum() / 2000 >= 0.40
