"""Two processes under torchrun come to what one comes to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import launched_run
import numpy as np
import pytest
from safetensors.numpy import load_file

from cmexam_baseline.encoders import EncoderBaseline

SCRIPT = Path(launched_run.__file__)
COMMON = {"lr": 2e-3, "batch_size": 6, "epochs": 2, "min_micro_batches": 2, "batch_tokens": 512}
RUNS = [
    {**COMMON, "head": "pairwise", "dropout": 0.1, "checkpoint_every": 3},
    {**COMMON, "head": "joint", "tuning": "lora", "freeze_layers": 1},
    # The second process has nothing to do in the step of one question.
    {**COMMON, "n_train": 4, "batch_size": 1, "precision": "fp16", "min_micro_batches": 1},
]


def launch(bert: Path, folder: Path, runs: list[dict[str, object]], *dying: str) -> Path:
    """What two processes came to, a folder a run; with `dying` the first kills itself at that file operation."""
    environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parent), "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        str(SCRIPT), str(bert), str(folder), json.dumps(runs), *dying,
    ]  # fmt: skip
    launched = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert (launched.returncode == 0) == (not dying), launched.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def one(bert, tmp_path_factory):
    """Weights and report of every run in one process; the tokens are cached from here on."""
    folder = tmp_path_factory.mktemp("one")
    return [launched_run.train(str(bert), folder / str(n), settings) for n, settings in enumerate(RUNS)]


@pytest.fixture(scope="module")
def two(bert, one, tmp_path_factory) -> Path:
    """Folder 0: the first run, killed while the checkpoint of step 5 was written and started again; then all runs."""
    folder = tmp_path_factory.mktemp("two")
    launch(bert, folder, RUNS[:1], "6")
    return launch(bert, folder, [RUNS[0], *RUNS])


def test_two_processes_do_what_one_does(one, two):
    """Dropout and all: a step's parts and their random numbers are the same, whoever computes them."""
    for number, (settings, (expected, report_of_one)) in enumerate(zip(RUNS, one, strict=True), 1):
        of_two = two / str(number)
        weights = load_file(of_two / "weights.safetensors")
        report_of_two = json.loads((of_two / "report.json").read_text())
        assert (report_of_one["processes"], report_of_two["processes"]) == (1, 2)
        assert report_of_two["steps"] == report_of_one["steps"] == (8 if "n_train" in settings else 10)
        assert set(expected) == set(weights)
        for name, array in expected.items():
            np.testing.assert_allclose(weights[name], array, atol=2e-4, err_msg=name)
        for first, second in zip(report_of_one["evaluations"], report_of_two["evaluations"], strict=True):
            assert first == pytest.approx(second, abs=1e-3)
        assert EncoderBaseline.load(of_two / "model", device="cpu").report_.processes == 2
        assert list((of_two / "work" / "checkpoints").glob("step-*"))


def test_two_processes_of_which_one_is_killed_come_to_the_same(two):
    """Started again, both go on from step 3."""
    expected, found = (load_file(two / run / "weights.safetensors") for run in "10")
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    first, second = (json.loads((two / run / "report.json").read_text()) for run in "10")
    assert first["evaluations"] == second["evaluations"]
    trained = [round(report["questions_per_second"] * report["seconds"]) for report in (first, second)]
    assert trained == [54, 38]


def test_the_network_guard_works():
    with pytest.raises(AssertionError), socket.socket() as one:
        one.connect(("127.0.0.1", 9))
