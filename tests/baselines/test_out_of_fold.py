"""No option score that an ensemble reads comes from a model that saw the question or a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_baseline
from hypothesis import given
from hypothesis import strategies as st
from tiny_exam import tiny_exam

from cmexam_baseline.baselines import ensemble
from cmexam_baseline.baselines.out_of_fold import FoldCache, leak_safe_folds, out_of_fold_scores
from cmexam_baseline.encoders import EncoderSettings
from cmexam_baseline.exam import Exam, InputError, Predictions, Question
from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.progress import no_progress
from cmexam_baseline.features import LightGBMBaseline

SEEN, UNSEEN = 0.9, 0.2
KEPT_NOWHERE = FoldCache(None, "")


def copies(exam: Exam, prefix: str) -> Exam:
    """The same questions written otherwise, their options in another order."""
    return Exam.from_questions(
        Question(
            f"{prefix}{one.id}",
            f" {one.question}：",
            one.options[::-1],
            _turned(one.answer, len(one.options)),
        )
        for one in exam
    )


def _turned(letters: str, n_options: int) -> str:
    return "".join(sorted("ABCDEFGH"[n_options - 1 - "ABCDEFGH".index(letter)] for letter in letters))


class Memory:
    """A model that knows by heart what it was trained on, copies included, and says so."""

    def __init__(self, *settings: Any, **more: Any) -> None:
        self.known: set[int] = set()

    def fit(self, exam: Exam, *more: Any, **named: Any) -> Memory:
        self.known = set(copy_keys(exam).tolist())
        return self

    def predict(self, exam: Exam, progress: Any = None) -> Predictions:
        hits = np.array([key in self.known for key in copy_keys(exam).tolist()])
        scores = np.repeat(np.where(hits, SEEN, UNSEEN), exam.n_options)
        return Predictions(exam.ids, np.ones(len(exam), np.uint8), scores, exam.option_offsets)


@given(st.integers(2, 8), st.integers(0, 99), st.lists(st.integers(0, 30), max_size=20))
def test_folds_keep_copies_together(n_folds: int, seed: int, copied: list[int]) -> None:
    exam = tiny_exam()[:31]
    if copied:
        exam = exam + copies(exam[np.array(sorted(set(copied)))], "c")
    folds = leak_safe_folds(exam, n_folds, seed)
    asked: list[str] = []

    class Spy(Memory):
        def predict(self, exam: Exam, progress: Any = None) -> Predictions:
            asked.extend(exam.ids)
            return super().predict(exam)

    scores = out_of_fold_scores(
        exam, folds, lambda questions, *more: Spy().fit(questions), KEPT_NOWHERE, no_progress
    )
    assert set(scores.tolist()) == {UNSEEN}
    assert sorted(asked) == sorted(exam.ids)
    assert set(folds.tolist()) == set(range(n_folds))


def test_folds_side_by_side_give_the_same_scores(tmp_path: Path) -> None:
    exam = tiny_exam()[:12]
    folds = leak_safe_folds(exam, 2, 0)
    found = [
        out_of_fold_scores(
            exam, folds, toy_baseline.train_lengths, FoldCache(tmp_path / str(jobs), ""), no_progress, jobs
        )
        for jobs in (1, 2)
    ]
    assert found[0].tolist() == found[1].tolist() == [len(text) / 100 for text in exam.option_texts]


def test_an_ensemble_never_reads_what_a_model_knows_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensemble, "EvidenceEncoder", Memory)
    read: list[np.ndarray] = []
    fit, predict = LightGBMBaseline.fit_stacked, LightGBMBaseline.predict

    def spying_fit(self: LightGBMBaseline, *given: Any, **named: Any) -> LightGBMBaseline:
        read.extend(named[one]["encoder_probability"] for one in ("extra_columns", "val_extra_columns"))
        self.n_estimators = 3
        return fit(self, *given, **named)

    def spying_predict(self: LightGBMBaseline, *given: Any, **named: Any) -> Predictions:
        read.append(named["extra_columns"]["encoder_probability"])
        return predict(self, *given, **named)

    monkeypatch.setattr(LightGBMBaseline, "fit_stacked", spying_fit)
    monkeypatch.setattr(LightGBMBaseline, "predict", spying_predict)
    whole = tiny_exam()
    train, val = whole[:40] + copies(whole[:8], "c"), whole[40:60] + copies(whole[3:9], "v")
    fitted = ensemble.Ensemble(EncoderSettings(model="memory"), n_folds=3).fit(train, val)
    for exam in (train, val, copies(train[5:9], "x"), whole):
        fitted.predict(exam)
    assert [len(column) for column in read[:2]] == [len(train.option_texts), len(val.option_texts)]
    assert {value for column in read for value in column.tolist()} == {UNSEEN}
    # The encoder of all questions has seen them: asked alone it says so.
    assert SEEN in np.asarray(fitted.encoder_predictions(val).option_scores)


def test_fewer_different_questions_than_folds() -> None:
    two = tiny_exam()[:2]
    exam = two + copies(two, "c")
    with pytest.raises(InputError, match="2 different training questions cannot be cut into 3 folds"):
        leak_safe_folds(exam, 3, 0)
    assert len(set(leak_safe_folds(exam, 2, 0).tolist())) == 2


class TestFoldCache:
    """What is kept of a training that may be killed."""

    def test_scores_come_back_and_checkpoints_go(self, tmp_path: Path) -> None:
        folds = FoldCache(tmp_path / "work", "run")
        checkpoints = folds.checkpoints(1)
        assert checkpoints is not None
        checkpoints.mkdir(parents=True)
        scores = np.random.default_rng(0).random(7)
        folds.keep(1, scores)
        found = FoldCache(tmp_path / "work", "run").load(1, 7)
        assert found is not None and found.tolist() == scores.tolist()
        assert folds.load(0, 7) is None
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["fold-2.npz"]

    @pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "another length"])
    def test_what_is_damaged_is_computed_again(self, tmp_path: Path, damage: str) -> None:
        folds = FoldCache(tmp_path, "run")
        folds.keep(0, np.random.default_rng(0).random(500))
        file = tmp_path / "fold-1.npz"
        content = file.read_bytes()
        middle = len(content) // 2
        changed = {
            "cut": content[:middle],
            "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
            "empty": b"",
            "text": b"scores",
            "another length": content,
        }
        file.write_bytes(changed[damage])
        assert folds.load(0, 499 if damage == "another length" else 500) is None

    def test_scores_of_another_run_are_refused(self, tmp_path: Path) -> None:
        FoldCache(tmp_path, "other settings").keep(0, np.zeros(3))
        with pytest.raises(InputError, match=r"fold-1.npz holds scores of other data or settings; remove"):
            FoldCache(tmp_path, "run").load(0, 3)
