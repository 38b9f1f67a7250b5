from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, InputError
from cmexam_baseline.exam.errors import NotFittedError
from cmexam_baseline.features import LightGBMBaseline

TRAIN, VAL = tiny_exam(), tiny_exam(seed=1, prefix="val")
N_ESTIMATORS = 30


@pytest.fixture(scope="module")
def baseline() -> LightGBMBaseline:
    return LightGBMBaseline(random_state=1, n_estimators=N_ESTIMATORS).fit(TRAIN, VAL)


@pytest.fixture(scope="module")
def saved(baseline: LightGBMBaseline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    baseline.save(folder)
    return folder


def _accuracy(baseline: LightGBMBaseline, exam: Exam) -> float:
    return float((baseline.predict(exam).answers == exam.answers).mean())


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_it_learns(baseline):
    assert _accuracy(baseline, VAL) > 0.6


def test_predictions_fit_their_exam(baseline):
    predictions = baseline.predict(VAL)
    assert predictions.ids == VAL.ids
    assert np.array_equal(predictions.option_offsets, VAL.option_offsets)
    assert ((predictions.option_scores >= 0) & (predictions.option_scores <= 1)).all()
    assert (predictions.answers > 0).all()


def test_no_question_gives_no_prediction(baseline):
    assert len(baseline.predict(VAL[:0])) == 0


def test_questions_alone_are_answered_as_together(baseline):
    together = baseline.predict(VAL)
    assert baseline.predict(VAL[7:9]).letters() == together.letters()[7:9]


def test_unanswered_training_questions_are_passed_over(baseline):
    answers = TRAIN.answers.copy()
    answers[3] = 0
    holed = Exam(
        TRAIN.ids, TRAIN.questions, TRAIN.option_texts, TRAIN.option_offsets, answers, TRAIN.explanations
    )
    kept = np.arange(len(TRAIN)) != 3
    with_hole = LightGBMBaseline(random_state=1, n_estimators=3).fit(holed).predict(VAL)
    without = LightGBMBaseline(random_state=1, n_estimators=3).fit(TRAIN[kept]).predict(VAL)
    assert np.array_equal(with_hole.option_scores, without.option_scores)


def test_without_val_answers_are_single_letters():
    predictions = LightGBMBaseline(n_estimators=3).fit(TRAIN).predict(VAL)
    assert (np.bitwise_count(predictions.answers) == 1).all()


def test_every_stage_reports_its_progress():
    calls: list[tuple[str, int, int]] = []
    LightGBMBaseline(n_estimators=4).fit(TRAIN, VAL, progress=lambda *call: calls.append(call))
    stages = list(dict.fromkeys(stage for stage, _, _ in calls))
    assert stages == [
        "collecting words",
        "looking up evidence",
        "comparing options",
        "training trees",
        "val: looking up evidence",
        "val: comparing options",
    ]
    for stage in stages:
        last = [(done, total) for name, done, total in calls if name == stage][-1]
        assert last[0] == last[1] > 0


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_threads(baseline, saved, tmp_path):
    again = LightGBMBaseline(random_state=1, n_estimators=N_ESTIMATORS, n_jobs=1).fit(TRAIN, VAL)
    again.save(tmp_path / "again")
    assert _digests(tmp_path / "again") == _digests(saved)
    assert np.array_equal(again.predict(VAL).option_scores, baseline.predict(VAL).option_scores)


def test_another_seed_gives_another_model(baseline):
    other = LightGBMBaseline(random_state=2, n_estimators=N_ESTIMATORS).fit(TRAIN, VAL)
    assert not np.array_equal(other.predict(VAL).option_scores, baseline.predict(VAL).option_scores)


def test_a_saved_model_can_be_moved_and_answers_alike(baseline, saved, tmp_path):
    moved = shutil.copytree(saved, tmp_path / "elsewhere" / "model")
    loaded = LightGBMBaseline.load(moved)
    expected, predictions = baseline.predict(VAL), loaded.predict(VAL)
    assert np.array_equal(predictions.option_scores, expected.option_scores)
    assert np.array_equal(predictions.answers, expected.answers)
    loaded.save(tmp_path / "again")
    assert _digests(tmp_path / "again") == _digests(saved)


def test_the_folder_holds_no_pickle(saved):
    arrays = {"training_index.npz", "explanations.npz"}
    assert {path.name for path in saved.iterdir()} == {
        "model.json",
        "booster-1.txt",
        "booster-2.txt",
        *arrays,
    }
    for name in arrays:
        with np.load(saved / name, allow_pickle=False) as parts:
            assert all(parts[part].dtype != object for part in parts.files)


def test_a_taken_folder_is_kept_unless_told_otherwise(baseline, saved, tmp_path):
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        baseline.save(folder)
    with pytest.raises(InputError, match="was not written by cmexam-baseline"):
        baseline.save(folder, overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    shutil.copy(saved / "model.json", folder)
    baseline.save(folder, overwrite=True)
    assert _digests(folder) == _digests(saved)


def _remove(name: str):
    return lambda folder: (folder / name).unlink()


def _describe(**changes: object):
    def change(folder: Path) -> None:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        (folder / "model.json").write_text(json.dumps({**description, **changes}), encoding="utf-8")

    return change


def _rewrite(name: str, data: bytes):
    """Another content with a right checksum: what a careful forger or a newer version would leave."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(data)
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        description["sha256"][name] = hashlib.sha256(data).hexdigest()
        (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_remove("model.json"), "model.json cannot be read: No such file"),
        (_remove("booster-1.txt"), "booster-1.txt is missing; copy the whole folder again"),
        (lambda folder: (folder / "model.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "model.json").write_text("[]"), "lists no files"),
        (
            lambda folder: (folder / "training_index.npz").write_bytes(b"?"),
            "was changed after it was written",
        ),
        (_describe(kind="cmexam-baseline encoder"), "of kind 'cmexam-baseline encoder'"),
        (_describe(format=99), "and format 99, this version reads"),
        (_describe(settings=None), "does not fit this version"),
        (_describe(settings={}), "does not fit this version"),
        (_describe(sha256={}), "does not fit this version"),
        (_describe(sha256={"../secret": "0"}), "secret is missing"),
        (_rewrite("training_index.npz", b"no zip"), "does not fit this version"),
        (_rewrite("booster-1.txt", b"no trees"), "does not fit this version"),
    ],
)
def test_a_folder_that_is_no_model_ends_in_one_line(saved, tmp_path, damage, message):
    folder = shutil.copytree(saved, tmp_path / "model")
    damage(folder)
    with pytest.raises(InputError, match=message) as caught:
        LightGBMBaseline.load(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_ends_in_one_line(tmp_path):
    with pytest.raises(InputError, match="model.json cannot be read"):
        LightGBMBaseline.load(tmp_path / "nowhere")


def test_an_exam_without_answers_teaches_nothing():
    blank = Exam(
        TRAIN.ids,
        TRAIN.questions,
        TRAIN.option_texts,
        TRAIN.option_offsets,
        np.zeros(len(TRAIN), dtype=np.uint8),
        TRAIN.explanations,
    )
    with pytest.raises(InputError, match="no training question has an answer"):
        LightGBMBaseline().fit(blank)


@pytest.mark.parametrize("verb", [lambda b: b.predict(VAL), lambda b: b.save("nowhere")])
def test_nothing_is_predicted_or_saved_before_fit(verb):
    with pytest.raises(NotFittedError, match="first"):
        verb(LightGBMBaseline())


def test_it_is_an_estimator(baseline):
    twin = clone(baseline)
    assert twin.get_params() == baseline.get_params()
    assert not twin.__sklearn_is_fitted__() and baseline.__sklearn_is_fitted__()
    table = baseline.predict_proba(VAL)
    assert table.shape == (len(VAL), VAL.n_options.max())
    assert table.sum(axis=1) == pytest.approx(1)


def test_a_bag_is_the_mean_of_its_boosters(tmp_path):
    bag = LightGBMBaseline(n_estimators=3, bag=3, num_leaves=7).fit(TRAIN)
    assert len(bag.boosters_) == 3
    bag.save(tmp_path / "bag")
    again = LightGBMBaseline.load(tmp_path / "bag")
    assert (again.bag, again.num_leaves) == (3, 7)
    scores = again.option_scores(VAL)
    assert np.array_equal(scores, bag.option_scores(VAL))
    parts = []
    for one in bag.boosters_:
        again.boosters_ = [one]
        parts.append(again.option_scores(VAL))
    # The mean of the logits is the geometric mean of the probabilities, up to a factor per question.
    mean = np.exp(np.mean(np.log(parts), axis=0))
    totals = np.repeat(np.add.reduceat(mean, VAL.option_offsets[:-1]), VAL.n_options)
    assert scores == pytest.approx(mean / totals)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_leaves": 1}, "`num_leaves` must be an integer from 2"),
        ({"num_leaves": 2.5}, "`num_leaves` must be an integer"),
        ({"bag": True}, "got True"),
        ({"subsample": "x"}, "`subsample` must be a number from 0.01 to 1.0; got 'x'"),
        ({"learning_rate": float("nan")}, "got nan"),
    ],
)
def test_settings_that_lightgbm_does_not_accept_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        LightGBMBaseline(**given).fit(TRAIN)
