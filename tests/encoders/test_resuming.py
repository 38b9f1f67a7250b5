"""A run that is killed comes out like one that was left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import killed_run
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from cmexam_baseline.encoders import EncoderBaseline, training
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam.errors import InputError

SUPPORT = Path(killed_run.__file__).parent


class Interrupted(Exception):
    """Stands for whatever ends a run early."""


def run_until(bert, exam, folder, steps, **changes):
    """Train in `folder` and break off after that many training steps."""

    def progress(stage, done, total):
        if stage == "training" and done >= steps:
            raise Interrupted

    settings = {**killed_run.SETTINGS, **changes}
    baseline = EncoderBaseline(model=str(bert), checkpoints=folder, **settings)
    return baseline.fit(exam[:32], exam[32:40], progress=progress)


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch):
    monkeypatch.setattr("cmexam_baseline.encoders.training_report._SECONDS_BETWEEN", 0.0)


@pytest.fixture(scope="module")
def undisturbed(bert, exam):
    return {
        head: EncoderBaseline(model=str(bert), **killed_run.SETTINGS, head=head).fit(exam[:32], exam[32:40])
        for head in ("pairwise", "joint")
    }


def assert_same(first, second, exam):
    for (name, one), (_, other) in zip(
        first.scorer_.named_parameters(), second.scorer_.named_parameters(), strict=True
    ):
        assert torch.equal(one, other), name
    assert first.report_.evaluations == second.report_.evaluations
    assert first.report_.best_step == second.report_.best_step
    np.testing.assert_array_equal(first.predict(exam).option_scores, second.predict(exam).option_scores)


@pytest.mark.parametrize("head", ["pairwise", "joint"])
def test_a_run_broken_off_anywhere_comes_out_the_same(head, bert, exam, tmp_path, undisturbed):
    for steps in (1, 3, 4, 5, 9):
        with pytest.raises(Interrupted):
            run_until(bert, exam, tmp_path, steps, head=head)
    assert_same(run_until(bert, exam, tmp_path, 99, head=head), undisturbed[head], exam)


def test_the_size_of_micro_batches_is_kept_with_auto(bert, exam, tmp_path, monkeypatch):
    """A GPU that has more memory by now would draw other dropout."""

    def estimate(tokens):
        monkeypatch.setattr(training, "first_batch_tokens", lambda *given: tokens)

    estimate(256)
    expected = EncoderBaseline(str(bert), **{**killed_run.SETTINGS, "batch_tokens": "auto"}).fit(
        exam[:32], exam[32:40]
    )
    with pytest.raises(Interrupted):
        run_until(bert, exam, tmp_path, 6, batch_tokens="auto")
    estimate(4096)
    resumed = run_until(bert, exam, tmp_path, 99, batch_tokens="auto")
    assert resumed.report_.batch_tokens == 256
    assert_same(resumed, expected, exam)


def test_a_run_that_had_ended_is_not_run_again(bert, exam, tmp_path, undisturbed):
    run_until(bert, exam, tmp_path, 99)
    assert_same(run_until(bert, exam, tmp_path, 0), undisturbed["pairwise"], exam)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "no state", "no best"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(damage, bert, exam, tmp_path, undisturbed):
    with pytest.raises(Interrupted):
        run_until(bert, exam, tmp_path, 8)
    kept = sorted((tmp_path / "checkpoints").glob("step-*"))
    assert len(kept) == 2
    tensors, state = kept[-1] / "tensors.safetensors", kept[-1] / "state.json"
    content = tensors.read_bytes()
    if damage == "truncated":
        tensors.write_bytes(content[:-100])
    elif damage == "flipped":
        tensors.write_bytes(content[:-100] + bytes(byte ^ 255 for byte in content[-100:]))
    elif damage == "no state":
        state.unlink()
    else:
        values = json.loads(state.read_text())
        state.write_text(json.dumps({**values, "best_weights": "best-99999999"}))
    resumed = run_until(bert, exam, tmp_path, 99)
    assert resumed.report_.skipped_checkpoints == [kept[-1].name]
    assert_same(resumed, undisturbed["pairwise"], exam)


def test_checkpoints_of_another_run_are_refused(bert, exam, tmp_path):
    with pytest.raises(Interrupted):
        run_until(bert, exam, tmp_path, 4)
    with pytest.raises(
        InputError, match="has checkpoints of other data or settings; remove it, or give the run"
    ):
        run_until(bert, exam, tmp_path, 99, lr=1e-3)
    with pytest.raises(InputError, match="has checkpoints of other data or settings"):
        run_until(bert, exam[::-1], tmp_path, 99)
    run_until(bert, exam, tmp_path, 99, workers=0, checkpoint_every=5)


def test_tuned_runs_resume_too(bert, exam, tmp_path):
    for tuning in ({"tuning": "lora"}, {"tuning": "prefix", "prefix_length": 4, "head": "joint"}):
        folder = tmp_path / tuning["tuning"]
        with pytest.raises(Interrupted):
            run_until(bert, exam, folder, 5, **tuning)
        whole = EncoderBaseline(model=str(bert), **killed_run.SETTINGS, **tuning).fit(exam[:32], exam[32:40])
        assert_same(run_until(bert, exam, folder, 99, **tuning), whole, exam)


def test_a_run_with_skipped_steps_resumes_with_its_scale(bert, exam, tmp_path, monkeypatch):
    monkeypatch.setattr(Runtime, "scaler", lambda self: torch.amp.GradScaler("cpu", init_scale=2.0**26))
    settings = {**killed_run.SETTINGS, "precision": "fp16"}
    whole = EncoderBaseline(model=str(bert), **settings).fit(exam[:32], exam[32:40])
    assert whole.report_.skipped_steps > 0
    for steps in (3, 5):
        with pytest.raises(Interrupted):
            run_until(bert, exam, tmp_path, steps, precision="fp16")
    resumed = run_until(bert, exam, tmp_path, 99, precision="fp16")
    assert_same(resumed, whole, exam)
    assert resumed.report_.skipped_steps == whole.report_.skipped_steps


def test_checkpoints_that_not_every_process_sees_are_refused(bert, exam, tmp_path, monkeypatch):
    """Machines without a common folder would go on from different steps."""
    monkeypatch.setattr(Runtime, "gather", lambda self, number: [number, -1 if number == 4 else number])
    with pytest.raises(Interrupted):
        run_until(bert, exam, tmp_path, 5)
    with pytest.raises(
        InputError, match="processes see different checkpoints in .*; use a folder that all share"
    ):
        run_until(bert, exam, tmp_path, 99)


def test_what_a_kill_left_half_written_is_removed(tmp_path):
    folder = tmp_path / "checkpoints"
    (folder / ".step-00000004.x1").mkdir(parents=True)
    (folder / ".best-00000004.x1").mkdir()
    checkpoints = Checkpoints(folder, "run")
    checkpoints.remove_unfinished()
    assert list(folder.iterdir()) == []
    assert checkpoints.load() is None


def test_two_runs_with_one_folder_at_once(bert, exam, tmp_path):
    with (
        Checkpoints(tmp_path / "checkpoints", "other").held(),
        pytest.raises(InputError, match="is in use by another command"),
    ):
        run_until(bert, exam, tmp_path, 99)


def test_old_checkpoints_and_best_weights_go(tmp_path):
    checkpoints = Checkpoints(tmp_path, "run")
    for step in range(1, 6):
        best = (step, {"w": torch.full((2,), float(step))})
        checkpoints.save(step, {"w": torch.full((2,), 10.0 * step)}, {"step": step}, best)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["best-00000004", "best-00000005", "step-00000004", "step-00000005"]
    tensors, state, best = checkpoints.load()
    assert (tensors["w"][0], state["step"], best["w"][0]) == (50, 5, 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_sigkill_at_any_rename_changes_nothing(bert, tmp_path):
    """The kill falls before or after a checkpoint, a state or the best weights take their name."""
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT), "OMP_NUM_THREADS": "1"}
    script, expected, found = SUPPORT / "killed_run.py", tmp_path / "expected", tmp_path / "found"
    killed_run.train(str(bert), tmp_path / "a", expected)
    kills = [str(operation) for operation in (1, 2, 4, 6, 8, 5)]
    command = [sys.executable, str(script), str(bert), str(tmp_path / "b"), str(found), *kills]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr[-2000:]
    assert int(run.stdout.split()[-1]) >= len(kills) - 2
    first, second = load_file(expected), load_file(found)
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)
