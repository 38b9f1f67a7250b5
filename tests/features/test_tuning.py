"""The search for settings of the trees: cross-validated honestly, resumed as if it had not been stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.features import LightGBMBaseline
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import TrainingIndex, right_options
from cmexam_baseline.features.tuning import N_FOLDS, TRIALS_FILE, best_trial, tune

pytest.importorskip("optuna")
EXAM = tiny_exam()[:60]
SETTINGS = LightGBMBaseline(random_state=3, n_estimators=4).tree_settings()


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    return FeatureTable.build(TrainingIndex.fit(EXAM), EXAM)


def slow_accuracy(table: FeatureTable, exam: Exam) -> float:
    """Question by question, trees of the other folds."""
    folds, right = folds_of(copy_keys(exam), N_FOLDS, SETTINGS["random_state"]), right_options(exam)
    hits = 0
    bounds = exam.option_offsets.tolist()
    for fold in range(N_FOLDS):
        rows = [i for row in np.flatnonzero(folds != fold) for i in range(bounds[row], bounds[row + 1])]
        sizes = [bounds[row + 1] - bounds[row] for row in np.flatnonzero(folds != fold)]
        part = FeatureTable(table.names, table.values[rows], np.cumsum([0, *sizes]))
        boosters = trees.train(part, right[rows], {**SETTINGS, "bag": 1}, 1)
        for row in np.flatnonzero(folds == fold).tolist():
            own = slice(bounds[row], bounds[row + 1])
            logits = boosters[0].predict(table.values[own])
            hits += int(exam.answers[row]) == 1 << int(logits.argmax())
    return hits / len(exam)


def test_the_first_trial_has_the_given_settings_and_their_accuracy(table: FeatureTable) -> None:
    (trial,) = tune(table, EXAM, SETTINGS, 1, 1)
    assert trial["settings"] == SETTINGS
    assert trial["accuracy"] == pytest.approx(slow_accuracy(table, EXAM))


def test_a_stopped_search_goes_on_as_if_it_had_not_been(table: FeatureTable, tmp_path: Path) -> None:
    whole = tune(table, EXAM, SETTINGS, 4, 1)

    def stop(stage: str, done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(table, EXAM, SETTINGS, 4, 1, tmp_path, stop)
    seen: list[int] = []
    again = tune(table, EXAM, SETTINGS, 4, 1, tmp_path, lambda stage, done, total: seen.append(done))
    assert again == whole
    assert seen == [2, 3, 4]
    assert len({str(trial["settings"]) for trial in whole}) == 4
    # A file that is damaged, or of other settings, is not gone on with.
    for content in (b"{", (tmp_path / TRIALS_FILE).read_bytes().replace(b'"identity": "', b'"identity": "0')):
        (tmp_path / TRIALS_FILE).write_bytes(content)
        assert tune(table, EXAM, SETTINGS, 1, 1, tmp_path) == whole[:1]


def test_the_best_settings_train_the_model_and_are_saved(tmp_path: Path) -> None:
    baseline = LightGBMBaseline(random_state=3, n_estimators=4, tune=3).fit(EXAM)
    best = best_trial(baseline.trials_)["settings"]
    assert {name: baseline.settings[name] for name in trees.TUNABLE} == {
        name: best[name] for name in trees.TUNABLE
    }
    again = LightGBMBaseline(**best).fit(EXAM)
    assert again.predict(EXAM).option_scores.tolist() == baseline.predict(EXAM).option_scores.tolist()
    baseline.save(tmp_path / "model")
    assert LightGBMBaseline.load(tmp_path / "model").settings == baseline.settings
