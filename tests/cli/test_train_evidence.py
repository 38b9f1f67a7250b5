"""`train --model FOLDER --evidence N`: sentences are found, read, saved and read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import complain, succeed
from tiny_encoders import characters_of, make_encoder, quick_options
from tiny_exam import tiny_exam

from cmexam_baseline.baselines.evidence_encoder import SENTENCES, EvidenceEncoder
from cmexam_baseline.exam.io.formats import read_exam, write_exam

OPTIONS = quick_options(epochs=2, max_length=128)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_exam(tiny_exam()[:48], folder / "train.csv")
    write_exam(tiny_exam(seed=1)[:16], folder / "val.csv")
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return make_encoder(folder, characters=characters_of(tiny_exam()))


@pytest.fixture(scope="module", params=["pairwise", "joint"])
def run_folder(request, tmp_path_factory: pytest.TempPathFactory, data: Path, encoder: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    head = ("--head", request.param, "--evidence", "2")
    succeed("train", "--model", encoder, "--data", data, "--out", folder, *head, *OPTIONS)
    return folder


def letters(path: Path) -> list[list[str]]:
    return [line.split(",")[:2] for line in path.read_text("utf-8").splitlines()]


def test_the_run_says_how_many_sentences_and_parameters(run_folder: Path) -> None:
    settings = json.loads((run_folder / "config.json").read_text("utf-8"))["settings"]
    described = json.loads((run_folder / "model" / "encoder.json").read_text("utf-8"))
    assert settings["evidence"] == described["settings"]["evidence"] == 2
    assert described["evidence"] == "option"
    assert settings["n_parameters"] == described["report"]["n_parameters"] > 10_000


def test_training_and_prediction_read_what_the_store_finds(run_folder: Path, data: Path, monkeypatch) -> None:
    model = EvidenceEncoder.load(run_folder / "model")
    val = read_exam(data / "val.csv")
    found = model.sentences_.find(val, 2)
    assert max(map(len, found)) == 2
    expected = model.predict(val).option_scores
    model.encoder_.find_evidence = lambda exam, progress: found
    assert model.predict(val).option_scores.tolist() == expected.tolist()
    model.encoder_.find_evidence = lambda exam, progress: [[]] * len(found)
    nothing = model.predict(val).option_scores
    assert abs(nothing - expected).max() > 1e-4


def test_a_moved_run_predicts_the_same(run_folder: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(run_folder, tmp_path / "moved")
    succeed("predict", tmp_path / "moved", data / "val.csv", "-o", tmp_path / "again.csv", "-q")
    assert letters(tmp_path / "again.csv") == letters(run_folder / "predictions_val.csv")


def test_a_run_without_its_sentences_is_told(run_folder: Path, data: Path, tmp_path: Path) -> None:
    shutil.copytree(run_folder, tmp_path / "moved")
    (tmp_path / "moved" / "model" / SENTENCES).unlink()
    about = [SENTENCES, "copy the whole run folder"]
    complain("predict", tmp_path / "moved", data / "val.csv", "-o", tmp_path / "again.csv", about=about)
    assert not (tmp_path / "again.csv").exists()


@pytest.mark.parametrize("run_folder", ["joint"], indirect=True)
def test_the_exported_model_reads_them_too(run_folder: Path, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    succeed("export", run_folder, "--onnx", tmp_path / "onnx", "-q")
    succeed("predict", tmp_path / "onnx", data / "val.csv", "-o", tmp_path / "onnx.csv", "-q")
    assert letters(tmp_path / "onnx.csv") == letters(run_folder / "predictions_val.csv")


def test_a_corpus_is_read_beside_the_sentences(data: Path, encoder: Path, tmp_path: Path) -> None:
    stem, option = read_exam(data / "val.csv").questions[0], read_exam(data / "val.csv").options(0)[0]
    book = tmp_path / "book.md"
    book.write_text(f"# 药物\n{option}的作用与用途。{option}的不良反应。\n# 习题\n请回答：{stem}\n", "utf-8")
    run = tmp_path / "run"
    train = ("train", "--model", encoder, "--data", data, "--out", run, "--corpus", book)
    complain(*train, *OPTIONS, about=["--corpus", "set --evidence to 1 or more"])
    succeed(*train, "--evidence", "2", *OPTIONS)
    book.unlink()
    model = EvidenceEncoder.load(run / "model")
    settings = json.loads((run / "config.json").read_text("utf-8"))["settings"]
    assert model.sentences_.n_passages == settings["passages"] == 1
    assert model.sentences_.texts[-1].startswith(f"药物：{option}")
    assert stem in (run / "model" / "corpus_left_out.csv").read_text("utf-8")
    succeed("predict", run, data / "val.csv", "-o", tmp_path / "again.csv", "-q")
    assert letters(tmp_path / "again.csv") == letters(run / "predictions_val.csv")
