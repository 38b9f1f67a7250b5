"""A model of one's own in the registry is trained, scored, saved, loaded and ranked like the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import complain, succeed
from tiny_exam import tiny_exam

from cmexam_baseline import baselines
from cmexam_baseline.baselines import run_folder
from cmexam_baseline.baselines.registry import ModelKind, model_kind
from cmexam_baseline.exam import read_predictions, write_exam
from cmexam_baseline.exam.errors import InputError, NotFittedError


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(baselines.MODELS, "one-letter", ModelKind("toy_baseline:OneLetter", ()))


def test_a_registered_model_goes_through_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "val"):
        write_exam(tiny_exam(prefix=name)[:20], tmp_path / f"{name}.csv")
    run, val = tmp_path / "run", tmp_path / "val.csv"
    command = ("train", "--model", "one-letter", "--data", tmp_path, "-o", run)
    succeed(*command, "--set", "letter=B", "-q")
    share = float(np.mean(tiny_exam()[:20].answers == 2))
    loaded = baselines.load_run(run)
    assert loaded.config["settings"] == {"letter": "B"}
    assert loaded.scores["val"]["accuracy"] == pytest.approx(share)
    succeed("predict", run, val, "-o", tmp_path / "p.csv", "-q")
    assert read_predictions(tmp_path / "p.csv").letters() == ["B"] * 20
    whole = loaded.predict(tiny_exam()[:20])
    monkeypatch.setattr(run_folder, "BATCH_SIZE", 7)
    assert len(list(loaded.predict_batches(tiny_exam()[:20]))) == 3
    assert loaded.predict(tiny_exam()[:20]) == whole
    assert "run" in succeed("leaderboard", run).stdout
    complain(*command, "--overwrite", "--epochs", "3", about=["--epochs is a setting of encoders"])
    complain(*command, "--overwrite", "--set", "leter=B", about=["did you mean letter?"])


@pytest.mark.parametrize("kind", ["one-letter", "ensemble"])
def test_an_unfitted_model_says_so(kind: str) -> None:
    with pytest.raises(NotFittedError, match="is not fitted yet; call fit or load first"):
        baselines.MODELS[kind].load_class()().predict(tiny_exam())


@pytest.mark.parametrize(
    ("name", "kind"), [("one-letter", "one-letter"), ("bert", "encoder"), ("org/model", "encoder")]
)
def test_the_kind_of_a_name(name: str, kind: str) -> None:
    assert model_kind(name) == kind


@pytest.mark.parametrize(
    ("name", "likely"), [("BERT", "bert"), ("robrta", "roberta"), ("ensembel", "ensemble")]
)
def test_a_misspelt_name(name: str, likely: str) -> None:
    with pytest.raises(InputError, match=f"no model is named '{name}'; did you mean {likely}"):
        model_kind(name)
