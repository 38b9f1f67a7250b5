"""`train --model FOLDER`, `predict` and `export` with an encoder of a few thousand weights."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
from command_line import complain, succeed
from tiny_encoders import make_encoder, make_exam, quick_options

from cmexam_baseline.baselines import charts
from cmexam_baseline.encoders import devices, training
from cmexam_baseline.encoders.devices import DeviceFacts
from cmexam_baseline.exam.io.formats import write_exam

QUICK = quick_options(epochs=2, max_length=64)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_exam(make_exam(48), folder / "train.csv")
    write_exam(make_exam(16, seed=1), folder / "val.csv")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, data: Path, encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    succeed("train", "--model", encoder, "--data", data, "--out", folder, "--head", "joint", *QUICK)
    return folder


def test_the_run_keeps_its_settings(run_folder: Path) -> None:
    config = json.loads((run_folder / "config.json").read_text("utf-8"))
    assert config["model"] == "encoder"
    assert config["settings"]["head"] == "joint"
    assert config["settings"]["batch_tokens"] == 1024
    assert not run_folder.with_name("tiny.checkpoints").exists()


def test_predictions_repeat(run_folder: Path, data: Path, tmp_path: Path) -> None:
    succeed("predict", run_folder, data / "val.csv", "-o", tmp_path / "again.csv", "-q")
    again = (tmp_path / "again.csv").read_text("utf-8").splitlines()
    before = (run_folder / "predictions_val.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[:2] for line in again] == [line.split(",")[:2] for line in before]


def test_the_terminal_is_told_how_it_goes(data: Path, encoder: Path, tmp_path: Path) -> None:
    """Loss, accuracy, rate and val of every epoch, and in the end speed, memory and what was cut."""
    talking = [option for option in quick_options(epochs=2, max_length=16) if option not in ("-q", "--quiet")]
    told = succeed("train", "--model", encoder, "--data", data, "--out", tmp_path / "r", *talking).stderr
    assert (
        len(
            re.findall(
                r"training +\d+\.\d s +\d+\.\d cores  loss \d\.\d+, accuracy [\d.]+%.* questions/s, .* left",
                told,
            )
        )
        == 2
    )
    assert len(re.findall(r"evaluating +\d+\.\d s +\d+\.\d cores  val [\d.]+%, loss \d\.\d+", told)) == 2
    end = r"CPU, fp32: [\d.]+ sequences/s, [\d.]+ questions/s, peak memory \d\.\d GB; (\d+) questions and 0 options cut"
    assert int(re.search(end, told)[1]) > 0
    curve = (tmp_path / "r" / "training.svg").read_text("utf-8")
    assert curve.startswith("<?xml") and all(
        f">{word}<" in curve for word in ("train", "val", "weights kept")
    )
    losses = json.loads((tmp_path / "r" / "model" / "encoder.json").read_text("utf-8"))["report"]["losses"]
    assert [step for step, _ in losses] == [1, 2, 3, 4, 5, 6]


def test_early_stopping_is_told(
    data: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "evaluate_scores", lambda *given: (1.0, 0.5))
    options = [part for part in quick_options(epochs=5, max_length=64) if part != "-q"]
    where = ("train", "--model", encoder, "--data", data, "--out", tmp_path / "r")
    monkeypatch.setattr(charts, "find_spec", lambda name: None)
    told = succeed(*where, *options, "--patience", "1").stderr
    assert "no curve of the training was drawn without matplotlib: pip install" in told
    assert not (tmp_path / "r" / "training.svg").exists()
    assert "stopped early after 6 steps: val did not improve in 1 evaluations" in told


def test_curves_lie_in_the_run_folder(data: Path, encoder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    out = tmp_path / "run"
    succeed("train", "--model", encoder, "--data", data, "--out", out, "--report-to", "tensorboard", *QUICK)
    assert list((out / "logs" / "cmexam-baseline").glob("events.out.tfevents.*"))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_memory_that_runs_out_is_one_line_and_the_run_goes_on(
    data: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cmexam_baseline.encoders.training import Trainer, _OutOfMemory

    step, steps = Trainer._step, []

    def of_a_small_gpu(self: Trainer, *given: Any) -> Any:
        steps.append(self.state.step)
        if not self.settings.gradient_checkpointing and self.state.step == 2:
            raise _OutOfMemory
        return step(self, *given)

    monkeypatch.setattr(Trainer, "_step", of_a_small_gpu)
    command = ("train", "--model", encoder, "--data", data, "--out", tmp_path / "run", *QUICK)
    complain(
        *command,
        about=["does not suffice for 64 tokens", "set --gradient-checkpointing, end", "step 2 is saved"],
    )
    steps.clear()
    talking = [part for part in command if part != "-q"]
    told = succeed(*talking, "--gradient-checkpointing").stderr
    assert f"resuming from the checkpoints in {tmp_path / 'run.checkpoints'}" in told
    assert steps[0] == 2
    assert (tmp_path / "run" / "scores.json").is_file()


def test_a_trained_run_is_trained_further_with_its_head(
    run_folder: Path, data: Path, encoder: Path, tmp_path: Path
) -> None:
    succeed(
        "train",
        "--model",
        run_folder,
        "--data",
        data,
        "--out",
        tmp_path / "run",
        *QUICK,
        "--freeze-layers",
        "1",
    )
    settings = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["settings"]
    assert (settings["head"], settings["freeze_layers"]) == ("joint", 1)
    about = ["was trained with head 'joint'; use --head joint"]
    complain(
        "train",
        "--model",
        run_folder,
        "--data",
        data,
        "--out",
        tmp_path / "r",
        "--head",
        "pairwise",
        about=about,
    )


def test_several_seeds_leave_a_run_each(data: Path, encoder: Path, tmp_path: Path) -> None:
    result = succeed(
        "train",
        "--model",
        encoder,
        "--data",
        data,
        "--out",
        tmp_path / "runs",
        "--seeds",
        "1",
        "2",
        *QUICK,
    )
    assert "over 2 seeds" in result.stdout
    for seed in (1, 2):
        config = json.loads((tmp_path / "runs" / f"seed-{seed}" / "config.json").read_text("utf-8"))
        assert config["seed"] == config["settings"]["random_state"] == seed


def test_seeds_of_other_weights_are_not_taken_for_these(data: Path, tmp_path: Path) -> None:
    """The folder is the same, as after another pretraining; only its weights differ."""
    model = make_encoder(tmp_path / "model")
    command = ("train", "--model", model, "--data", data, "--out", tmp_path / "runs", "--seeds", "1", *QUICK)
    succeed(*command)
    succeed(*command)
    make_encoder(model, initializer_range=0.3)
    complain(*command, about=["seed-1 was trained on other data or with other settings", "--overwrite"])


def test_a_run_does_not_replace_the_model_that_it_is_trained_from(
    run_folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run_folder / "model" / "model.safetensors").read_bytes()
    command = ("train", "--data", data, "--model", run_folder, "--overwrite", *QUICK)
    complain(*command, "--out", run_folder, about=["is or contains the input"])
    monkeypatch.chdir(run_folder.parent)
    complain(*command[:-1], "--out", run_folder.name, about=["is or contains the input"])
    assert (run_folder / "model" / "model.safetensors").read_bytes() == before


def test_mistakes_are_told_before_the_data_are_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    missing = tmp_path / "empty"
    missing.mkdir()
    gpu = DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_80",), torch_version="2.13.0+cu130")
    with monkeypatch.context() as patch:
        patch.setattr(devices, "device_facts", lambda wanted: gpu)
        about = ["Tesla V100 has compute capability 7.0", "run pip install torch --index-url"]
        complain("train", "--model", "bert", "--data", missing, "--out", tmp_path / "r", about=about)
        patch.setattr(importlib.util, "find_spec", lambda name: None if name == "wandb" else object())
        about = ["--report-to wandb needs wandb; run pip install wandb"]
        complain("train", "--model", "bert", "--data", missing, "--report-to", "wandb", about=about)
    for model, about in (
        ("bert", "give its path in place of the name"),
        (tmp_path / "no-model", "is not a folder"),
    ):
        complain("train", "--model", model, "--data", missing, "--out", tmp_path / "r", about=[about])
    complain(
        "train", "--epochs", "3", "--data", data, "--out", tmp_path / "r", about=["--epochs", "encoders"]
    )
    config = tmp_path / "train.toml"
    config.write_text("epoks = 3\n")
    complain(
        "train",
        "--model",
        "bert",
        "--config",
        config,
        "--out",
        tmp_path / "r",
        about=["train.toml", "did you mean epochs"],
    )
