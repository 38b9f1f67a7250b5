"""`train --model ensemble`, and `predict`, `explain` and `export` with what it leaves."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import killed_ensemble
import numpy as np
import pytest
from command_line import complain, succeed
from tiny_encoders import characters_of, make_encoder, quick_options
from tiny_exam import tiny_exam

from cmexam_baseline.baselines import out_of_fold
from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
from cmexam_baseline.exam import InputError, read_exam, read_predictions, write_exam

pytest.importorskip("torch")

OPTIONS = ("--head", "joint", *quick_options(epochs=1, max_length=128))
QUICK = (*OPTIONS, "--folds", "2", "--evidence", "1", "--freeze-layers", "1")
# They hold seconds, or the checksum of one that does.
VOLATILE = ("timings.json", "encoder.json", "checksums.json", "ensemble.json")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an exam and an encoder."""
    place = tmp_path_factory.mktemp("ensemble")
    (place / "data").mkdir()
    write_exam(tiny_exam(), place / "data" / "train.csv")
    write_exam(tiny_exam(seed=1, prefix="val")[:24], place / "data" / "val.csv")
    make_encoder(place / "encoder", characters=characters_of(tiny_exam()))
    return place


def command(places: Path, out: Path, *more: str | Path) -> list[str | Path]:
    where = ("--data", places / "data", "--out", out)
    return ["train", "--model", "ensemble", "--encoder", places / "encoder", *where, *QUICK, *more]


@pytest.fixture(scope="module", autouse=True)
def cache(places: Path) -> Iterator[None]:
    """A cache folder of these tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMEXAM_BASELINE_CACHE", str(places / "cache"))
        yield


@pytest.fixture(scope="module")
def trained(places: Path) -> tuple[Path, str]:
    """The run folder, and what the command printed."""
    result = succeed(*command(places, places / "run"))
    return places / "run", result.stdout


def test_gains_over_each_part_are_printed_and_kept(trained: tuple[Path, str], places: Path) -> None:
    run, printed = trained
    for text in (
        "ensemble and its parts on val",
        "LightGBM alone",
        "encoder alone",
        "without overlap",
        "McNemar",
    ):
        assert text in printed
    scores = json.loads((run / "scores.json").read_text("utf-8"))["val"]
    found, val = scores["gains"], read_exam(places / "data" / "val.csv")
    files = {"ensemble": "", "lightgbm": "_lightgbm", "encoder": "_encoder"}
    for name, ending in files.items():
        right = read_predictions(run / f"predictions_val{ending}.csv").answers == val.answers
        assert found["all"]["accuracy"][name] == pytest.approx(right.mean())
    assert found["all"]["n"] == 24
    assert found["without_overlap"]["n"] == scores["without_overlap"]["n"] < 24
    assert found["all"]["accuracy"]["ensemble"] == scores["accuracy"]
    pairs = [one for one in found["all"]["differences"] if one["figure"] == "accuracy"]
    assert [(one["first"], one["second"]) for one in pairs] == [
        ("ensemble", "lightgbm"),
        ("ensemble", "encoder"),
        ("lightgbm", "encoder"),
    ]
    for one in pairs:
        accuracies = found["all"]["accuracy"]
        assert one["value"] == pytest.approx(accuracies[one["first"]] - accuracies[one["second"]])
        assert one["test"] == "McNemar" and one["p"] <= one["p_holm"] <= 1


def test_the_run_holds_both_parts_and_no_pickle(trained: tuple[Path, str]) -> None:
    run, _ = trained
    config = json.loads((run / "config.json").read_text("utf-8"))
    assert config["model"] == "ensemble"
    assert config["settings"]["folds"] == 2
    assert config["settings"]["encoder"]["evidence"] == 1
    assert config["settings"]["n_parameters"] > 10_000
    assert "encoder_margin" in config["settings"]["lightgbm"]["extra_columns"]
    assert {path.name for path in (run / "model").iterdir()} == {
        "encoder",
        "lightgbm",
        "out_of_fold.npz",
        "ensemble.json",
    }
    for file in run.rglob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)
    assert not run.with_name("run.checkpoints").exists()


def test_a_moved_run_predicts_the_same(trained: tuple[Path, str], places: Path, tmp_path: Path) -> None:
    run, _ = trained
    shutil.copytree(run, tmp_path / "moved")
    succeed("predict", tmp_path / "moved", places / "data" / "val.csv", "-o", tmp_path / "again.csv", "-q")
    assert (tmp_path / "again.csv").read_bytes() == (run / "predictions_val.csv").read_bytes()


def test_explain_reads_an_ensemble(trained: tuple[Path, str], places: Path) -> None:
    run, _ = trained
    val = places / "data" / "val.csv"
    found = json.loads(succeed("explain", run, val, "--row", "2", "--top", "50", "--json").stdout)
    assert all(option["features"] for option in found["options"].values())
    assert found["predicted"] == read_predictions(run / "predictions_val.csv").letters()[1]


@pytest.fixture(scope="module")
def mixed(places: Path) -> Path:
    """A run of both models weighted on val."""
    arguments = command(places, places / "mixed", "--folds", "1")
    result = succeed(*(one for one in arguments if one != "-q"))
    assert "encoder alone" in result.stdout
    # What was cut, halved or skipped would be told here, too.
    assert "encoder of all questions: CPU, fp32:" in result.stderr
    return places / "mixed"


def test_one_fold_weighs_the_probabilities_of_both(mixed: Path) -> None:
    settings = json.loads((mixed / "config.json").read_text("utf-8"))["settings"]
    assert settings["folds"] == 1 and "extra_columns" not in settings["lightgbm"]
    parts = [
        np.asarray(read_predictions(mixed / f"predictions_val_{part}.csv").option_scores)
        for part in ("lightgbm", "encoder")
    ]
    odds = [np.log(one / (1 - one)) for one in parts]
    first, second = settings["mixture"]["weights"]
    expected = 1 / (1 + np.exp(-(settings["mixture"]["intercept"] + first * odds[0] + second * odds[1])))
    written = np.asarray(read_predictions(mixed / "predictions_val.csv").option_scores)
    assert written == pytest.approx(expected, abs=1e-6)


def test_a_moved_run_of_one_fold_predicts_and_explains_the_same(
    mixed: Path, places: Path, tmp_path: Path
) -> None:
    shutil.copytree(mixed, tmp_path / "moved")
    val = places / "data" / "val.csv"
    succeed("predict", tmp_path / "moved", val, "-o", tmp_path / "again.csv", "-q")
    assert (tmp_path / "again.csv").read_bytes() == (mixed / "predictions_val.csv").read_bytes()
    found = json.loads(succeed("explain", tmp_path / "moved", val, "--row", "2", "--json").stdout)
    assert found["predicted"] == read_predictions(mixed / "predictions_val.csv").letters()[1]
    alone = read_predictions(mixed / "predictions_val_lightgbm.csv")
    assert found["predicted_by_lightgbm"] == alone.letters()[1]
    shown = [round(found["options"][letter]["score"], 5) for letter in found["options"]]
    offsets = read_exam(val).option_offsets
    assert shown == np.asarray(alone.option_scores)[offsets[1] : offsets[2]].round(5).tolist()
    told = succeed("explain", tmp_path / "moved", val, "--row", "2").stdout
    assert f"LightGBM, which alone answers {alone.letters()[1]}; not the encoder's part" in told
    assert not any("encoder" in one["feature"] for o in found["options"].values() for one in o["features"])


def test_a_mixture_without_a_weight_for_each_model_is_one_line(
    mixed: Path, places: Path, tmp_path: Path
) -> None:
    shutil.copytree(mixed, tmp_path / "run")
    manifest = tmp_path / "run" / "model" / "ensemble.json"
    content = json.loads(manifest.read_text("utf-8"))
    content["mixture"]["weights"] = [1.0]
    manifest.write_text(json.dumps(content), "utf-8")
    predict = ("predict", tmp_path / "run", places / "data" / "val.csv", "-o", tmp_path / "again.csv")
    complain(*predict, about=["does not fit this version", "train the model again"])


def test_one_fold_has_no_fold_to_train_alone(places: Path, tmp_path: Path) -> None:
    arguments = command(places, tmp_path / "run", "--folds", "1", "--only", "1")
    complain(*arguments, about=["a single fold trains no encoder apart; omit --only"])


def test_export_is_refused(trained: tuple[Path, str], tmp_path: Path) -> None:
    complain("export", trained[0], "--onnx", tmp_path / "onnx", about=["'ensemble'", "only encoders alone"])


@pytest.mark.parametrize(
    ("file", "about"),
    [
        ("encoder/model.safetensors", "was changed"),
        ("lightgbm/booster-1.txt", "was changed"),
        ("out_of_fold.npz", "was changed"),
        ("ensemble.json", "is not JSON"),
    ],
)
def test_a_damaged_or_missing_part_is_one_line(
    trained: tuple[Path, str], places: Path, tmp_path: Path, file: str, about: str
) -> None:
    shutil.copytree(trained[0], tmp_path / "run")
    damaged = tmp_path / "run" / "model" / file
    content = damaged.read_bytes()
    middle = len(content) // 2
    damaged.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    predict = ("predict", tmp_path / "run", places / "data" / "val.csv", "-o", tmp_path / "again.csv")
    complain(*predict, about=[str(damaged), about])
    damaged.unlink()
    complain(*predict, about=[str(damaged), "cannot be read" if "json" in file else "is missing"])
    assert not (tmp_path / "again.csv").exists()


def test_a_killed_training_goes_on_with_the_folds_that_are_done(
    trained: tuple[Path, str], places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    support = Path(killed_ensemble.__file__)
    arguments = [sys.executable, str(support), "0", *map(str, command(places, out))]
    paths = os.pathsep.join([str(support.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    killed = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=240)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    work = out.with_name("run.checkpoints")
    assert [path.name for path in work.iterdir()] == ["fold-1.npz"]
    about = ["fold-1.npz holds scores of other data or settings", "remove"]
    complain(*command(places, out, "--weight-decay", "0.1"), about=about)
    trainings: list[int] = []

    from cmexam_baseline.baselines import ensemble

    original = ensemble._train_encoder

    def counting(*given: Any) -> EvidenceEncoder:
        trainings.append(len(given[2]))
        return original(*given)

    monkeypatch.setattr(ensemble, "_train_encoder", counting)
    succeed(*command(places, out))
    assert len(trainings) == 2 and not work.exists()  # the second fold, and all questions
    before = {path.relative_to(trained[0]) for path in trained[0].rglob("*") if path.is_file()}
    after = {path.relative_to(out) for path in out.rglob("*") if path.is_file()}
    assert before == after
    for name in sorted(before):
        if name.name not in VOLATILE:
            assert (out / name).read_bytes() == (trained[0] / name).read_bytes(), name


def test_folds_of_several_machines_are_collected(
    trained: tuple[Path, str], places: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    for fold in ("2", "1"):
        succeed(*command(places, out, "--only", fold))
        assert not out.exists()
    work = out.with_name("run.checkpoints")
    assert sorted(path.name for path in work.iterdir()) == ["fold-1.npz", "fold-2.npz"]
    succeed(*command(places, out))
    for name in ("predictions_val.csv", "scores.json"):
        assert (out / name).read_bytes() == (trained[0] / name).read_bytes(), name
    complain(
        *command(places, tmp_path / "other", "--only", "3"),
        about=["there is no fold 3", "--only takes 1 to 2"],
    )


def test_folds_are_trained_side_by_side(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(work: Any, calls: Any, jobs: int) -> Any:
        raise InputError(f"{len(pickle.loads(pickle.dumps(calls)))} calls of {work.__name__}, {jobs} jobs")

    monkeypatch.setattr(out_of_fold, "run_jobs", stop)
    complain(*command(places, tmp_path / "run", "--jobs", "2"), about=["2 calls of fold_scores, 2 jobs"])


def test_frozen_layers_are_cached_for_every_encoder_and_change_nothing(
    trained: tuple[Path, str], places: Path, tmp_path: Path
) -> None:
    # Of three encoders, training and val questions; of another fold, others, because sentences differ.
    assert len(list((places / "cache" / "hidden").glob("*.f16"))) == 6
    succeed(*command(places, tmp_path / "run", "--cache-gigabytes", "0"))
    first, second = (
        read_predictions(run / "predictions_val_encoder.csv").option_scores
        for run in (trained[0], tmp_path / "run")
    )
    assert second == pytest.approx(first, abs=1e-3)


def test_embeddings_are_evidence_of_an_ensemble_too(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "run"
    result = succeed(*command(places, out, "--evidence", "0", "--embeddings", places / "encoder"), "--json")
    assert json.loads(result.stdout)["runs"][0]["scores"]["val"]["gains"]["all"]["n"] == 24
    succeed("predict", out, places / "data" / "val.csv", "-o", tmp_path / "again.csv", "-q")
    assert (tmp_path / "again.csv").read_bytes() == (out / "predictions_val.csv").read_bytes()


def test_mistakes_are_told_before_anything_is_trained(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    out, encoder, missing = tmp_path / "run", places / "encoder", tmp_path / "empty"
    missing.mkdir()
    bare = ("train", "--out", out, "--data")
    complain(*bare, missing, "--model", "ensemble", about=["bert: ", "hf download"])
    complain(
        *bare, missing, "--model", "ensemble", "--encoder", tmp_path / "no", about=["no", "is not a folder"]
    )
    complain(*bare, missing, "--encoder", encoder, about=["--encoder is for ensembles"])
    complain(*bare, missing, "--model", encoder, "--folds", "3", about=["--folds is for ensembles"])
    alone = tmp_path / "alone"
    alone.mkdir()
    write_exam(tiny_exam()[:2], alone / "train.csv")
    complain(*command(places, out, "--data", alone), about=["holds no val file"])
    write_exam(tiny_exam(), alone / "val.csv")
    complain(*command(places, out, "--data", alone, "--folds", "3"), about=["2 different", "3 folds"])
    monkeypatch.setenv("WORLD_SIZE", "2")
    complain(*command(places, out), about=["one process"])
    assert not out.exists()
