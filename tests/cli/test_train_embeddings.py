"""`train --embeddings`: the vectors of a frozen encoder among LightGBM's features, and `predict` with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import complain, succeed
from tiny_encoders import make_encoder
from tiny_exam import tiny_exam

from cmexam_baseline.exam import read_predictions, write_exam

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an exam, an encoder and a run of LightGBM with embeddings of that encoder."""
    place = tmp_path_factory.mktemp("embeddings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMEXAM_BASELINE_CACHE", str(place / "cache"))
        (place / "data").mkdir()
        for seed, name in enumerate(("train", "val")):
            write_exam(tiny_exam(seed, prefix=name), place / "data" / f"{name}.csv")
        make_encoder(place / "encoder")
        succeed(*_train(place, place / "run"), "--embeddings", place / "encoder")
        yield place


def _train(places: Path, run: Path) -> list[str | Path]:
    return ["train", "--data", places / "data", "--out", run, "--quiet", "--set", "n_estimators=10"]


def _predict(places: Path, run: Path, *more: str | Path) -> list[str | Path]:
    output = run.parent / "again.csv"
    return ["predict", run, places / "data" / "val.csv", "-o", output, *more]


def test_the_run_knows_its_encoder_and_predicts_again(places: Path) -> None:
    settings = json.loads((places / "run" / "config.json").read_text("utf-8"))["settings"]
    assert settings["embeddings"]["name"] == str(places / "encoder")
    succeed(*_predict(places, places / "run"))
    first = read_predictions(places / "run" / "predictions_val.csv")
    again = read_predictions(places / "again.csv")
    assert again.answers.tolist() == first.answers.tolist()
    assert again.option_scores == pytest.approx(first.option_scores, abs=1e-9)


def test_an_encoder_that_moved_is_named_again(places: Path, tmp_path: Path) -> None:
    folder, run = tmp_path / "moved", tmp_path / "run"
    shutil.copytree(places / "encoder", folder)
    shutil.copytree(places / "run", run)
    for name in ("config.json", "model/model.json"):
        text = (run / name).read_text("utf-8").replace(str(places / "encoder"), str(tmp_path / "gone"))
        (run / name).write_text(text, "utf-8")
    complain(*_predict(places, run), about=["trained with embeddings of", "--embeddings"])
    succeed(*_predict(places, run, "--embeddings", folder))
    make_encoder(tmp_path / "other", kind="roberta")
    complain(*_predict(places, run, "--embeddings", tmp_path / "other"), about=["has other weights"])


def test_a_missing_encoder_ends_before_the_data_are_read(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    empty = tmp_path / "empty"
    empty.mkdir()
    complain("train", "--data", empty, "--out", tmp_path / "run", "--embeddings", gone, about=["gone"])
    assert not (tmp_path / "run").exists()


def test_without_a_cache_the_run_is_the_same(
    places: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "file" / "cache"))
    run = tmp_path / "run"
    succeed(*_train(places, run), "--embeddings", places / "encoder")
    for name in ("predictions_val.csv", "model/model.json"):
        assert (run / name).read_bytes() == (places / "run" / name).read_bytes()


def test_encoders_take_no_embeddings(places: Path, tmp_path: Path) -> None:
    encoder = places / "encoder"
    arguments = ("train", "--model", encoder, "--embeddings", encoder, "--out", tmp_path / "run")
    complain(*arguments, about=["--embeddings is for lightgbm's features"])


def test_a_run_without_embeddings_takes_none(places: Path, tmp_path: Path) -> None:
    succeed(*_train(places, tmp_path / "run"))
    arguments = _predict(places, tmp_path / "run", "--embeddings", places / "encoder")
    complain(*arguments, about=["trained without embeddings"])
