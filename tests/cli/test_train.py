"""`train` and `predict` from the command line, on a part of the bundled sample exam."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command_line import complain, runner, succeed
from small_sample import QUICK, SIZES, small_sample
from tiny_exam import tiny_exam

from cmexam_baseline import baselines
from cmexam_baseline.baselines.registry import ModelKind
from cmexam_baseline.exam import extras, write_exam
from cmexam_baseline.exam.sample import sample_exam

DATA = small_sample()
TRAIN = ("train", "--data", DATA, *QUICK)
# A model that costs nothing, where LightGBM adds nothing to a test.
TOY = ("--model", "one-letter", "--set", "letter=B")


@pytest.fixture(autouse=True)
def toy_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(baselines.MODELS, "one-letter", ModelKind("toy_baseline:OneLetter", ()))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sample"
    succeed(*TRAIN, "--out", folder, "--seed", "1", "--quiet", "--json")
    return folder


def test_a_run_folder_holds_all_that_a_reader_needs(run_folder: Path) -> None:
    names = {file.name for file in run_folder.iterdir()}
    assert names == {
        "README.md",
        "config.json",
        "left_out.csv",
        "model",
        "predictions_test.csv",
        "predictions_val.csv",
        "scores.json",
        "timings.json",
    }
    config = json.loads((run_folder / "config.json").read_text("utf-8"))
    assert config["seed"] == 1
    assert set(config["data"]) == {"train", "val", "test"}
    assert str(run_folder.parent) not in (run_folder / "config.json").read_text("utf-8")


def test_the_model_card_gives_the_scores_and_code_that_loads_the_run(run_folder: Path) -> None:
    card = (run_folder / "README.md").read_text("utf-8")
    scores = json.loads((run_folder / "scores.json").read_text("utf-8"))
    for name in ("val", "test"):
        row = next(
            line
            for line in card.splitlines()
            if line.startswith(f"| {name} | {SIZES[name]} | {100 * scores[name]['accuracy']:.1f} [")
        )
        assert f"{scores[name]['explanations']['rougeL']:.1f} |" in row
    code = card.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code.replace("FOLDER", str(run_folder)).replace("exam.csv", str(DATA / "val.csv")), names)
    assert len(names["predictions"].ids) == SIZES["val"]
    assert card.startswith("---\nlanguage: zh\n") and str(run_folder) not in card


def test_the_scores_are_those_of_the_predictions(run_folder: Path) -> None:
    scores = json.loads((run_folder / "scores.json").read_text("utf-8"))
    with (DATA / "val.csv").open(encoding="utf-8", newline="") as stream:
        gold = [row["Answer"] for row in csv.DictReader(stream)]
    with (run_folder / "predictions_val.csv").open(encoding="utf-8", newline="") as stream:
        answers = [row["answer"] for row in csv.DictReader(stream)]
    assert scores["val"]["n"] == len(gold) == len(answers)
    right = sum(a == b for a, b in zip(gold, answers, strict=True))
    assert scores["val"]["accuracy"] == pytest.approx(right / len(gold), abs=1e-15)


def test_figures_without_overlap_are_beside_those_of_all_rows(run_folder: Path) -> None:
    from cmexam_baseline.exam import read_exam, read_predictions
    from cmexam_baseline.exam.duplicates import find_overlap

    found = json.loads((run_folder / "scores.json").read_text("utf-8"))["val"]
    train, val = (read_exam(DATA / f"{name}.csv") for name in ("train", "val"))
    clean = find_overlap(train, val).category == "none"
    right = read_predictions(run_folder / "predictions_val.csv").answers == val.answers
    assert found["without_overlap"]["n"] == clean.sum()
    assert found["without_overlap"]["accuracy"] == pytest.approx(right[clean].mean(), abs=1e-15)
    assert sum(found["without_overlap"]["n_overlap"].values()) + clean.sum() == found["n"]


def test_questions_that_occur_in_train_are_counted_apart(run_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    lines = (DATA / "train.csv").read_text("utf-8")
    (data / "train.csv").write_text(lines, "utf-8")
    (data / "val.csv").write_text(lines, "utf-8")
    result = succeed("train", "--data", data, "--out", tmp_path / "run", *TOY)
    found = json.loads((tmp_path / "run" / "scores.json").read_text("utf-8"))["val"]["without_overlap"]
    assert found["n"] == 0 and found["accuracy"] is None
    assert sum(found["n_overlap"].values()) > 0
    assert "without overlap" in result.stdout


def test_explanations_are_predicted_and_scored(run_folder: Path) -> None:
    from cmexam_baseline.exam import read_exam, read_predictions
    from cmexam_baseline.metrics import score_explanations

    val, given = read_exam(DATA / "val.csv"), read_predictions(run_folder / "predictions_val.csv")
    found = json.loads((run_folder / "scores.json").read_text("utf-8"))["val"]["explanations"]
    pairs = [pair for pair in zip(val.explanations, given.explanations or [], strict=True) if pair[0]]
    expected = score_explanations(*map(list, zip(*pairs, strict=True)), profile="cmexam")
    assert found["n"] == len(pairs) > 0
    assert found["bleu4"] == pytest.approx(expected.bleu4) and found["rougeL"] == pytest.approx(
        expected.rougeL
    )
    assert set(found["restated"]) == {"bleu1", "bleu4", "rouge1", "rouge2", "rougeL"}


def test_the_model_is_far_above_its_dummy_baselines(tmp_path: Path) -> None:
    splits = {name: tiny_exam(seed, prefix=name) for seed, name in enumerate(("train", "val"))}
    run = baselines.train("lightgbm", splits, tmp_path / "run", random_state=1, n_estimators=30)
    best = max(figures["val"]["accuracy"] for figures in run.scores["free_baselines"].values())
    assert run.scores["val"]["accuracy"] > best + 0.3


def test_a_moved_run_predicts_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(run_folder, tmp_path / "moved")
    output = tmp_path / "again.csv"
    succeed("predict", moved, DATA / "val.csv", "-o", output, "--quiet")
    assert output.read_bytes() == (run_folder / "predictions_val.csv").read_bytes()


def test_the_same_seed_gives_the_same_bytes(run_folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    succeed(*TRAIN, "--out", again, "--seed", "1", "--quiet")
    for file in sorted(run_folder.rglob("*")):
        if file.is_file() and file.name != "timings.json":
            assert file.read_bytes() == (again / file.relative_to(run_folder)).read_bytes(), file.name


def test_a_full_folder_is_kept(run_folder: Path) -> None:
    before = {file: file.read_bytes() for file in run_folder.rglob("*") if file.is_file()}
    complain("train", "--out", run_folder, about=["not empty", "--overwrite"])
    assert before == {file: file.read_bytes() for file in run_folder.rglob("*") if file.is_file()}


def test_unlabelled_questions_can_be_predicted(run_folder: Path, tmp_path: Path) -> None:
    exam = tmp_path / "new.csv"
    exam.write_text('Question,Options\n缺乏可致夜盲症的是,"A 维生素A\nB 维生素C"\n', "utf-8")
    succeed("predict", run_folder, exam, "-o", tmp_path / "answers.csv", "--quiet")
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["answer"] in {"A", "B", "AB"}
    assert float(row["probability_A"]) + float(row["probability_B"]) > 0


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toy_baseline import OneLetter

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(OneLetter, "save", interrupt)

    from cmexam_baseline.cli.main import commands

    command = ["train", "--data", str(DATA), *TOY, "--out", str(tmp_path / "run"), "--quiet"]
    result = runner().invoke(commands, command)
    assert result.exit_code == 130
    assert result.stderr == "Error: interrupted; run the same command to go on\n"
    assert list(tmp_path.iterdir()) == []


def damaged_copy(run_folder: Path, place: Path, name: str, content: str) -> Path:
    copy = shutil.copytree(run_folder, place / "damaged")
    (copy / name).write_text(content, "utf-8")
    return copy


@pytest.mark.parametrize(
    ("content", "about"),
    [
        ("{", ["config.json", "damaged"]),
        ("[]", ["config.json", "not of a run folder"]),
        ("{}", ["not of a run folder"]),
        ('{"format": "cmexam-baseline run", "format_version": 99}', ["format 99"]),
        ('{"format": "cmexam-baseline run", "format_version": 1, "model": "gpt"}', ["'gpt'", "lightgbm"]),
        ('{"format": "cmexam-baseline run", "format_version": 1, "model": {}}', ["model {}", "lightgbm"]),
    ],
)
def test_a_damaged_run_is_named(run_folder: Path, tmp_path: Path, content: str, about: list[str]) -> None:
    run = damaged_copy(run_folder, tmp_path, "config.json", content)
    output = tmp_path / "p.csv"
    complain("predict", run, DATA / "val.csv", "-o", output, about=[str(run), *about])
    assert not output.exists()


def test_predict_wants_a_run_folder(tmp_path: Path) -> None:
    complain("predict", tmp_path, DATA / "val.csv", "-o", tmp_path / "p.csv", about=["config.json"])
    complain("predict", DATA / "val.csv", tmp_path, "-o", tmp_path / "p.csv", about=["is a file"])


HEADER = "Question,Options,Answer,Explanation\n"
OPTIONS = '"A 甲\nB 乙\nC 丙"'
BAD_FILES: dict[str, tuple[bytes, list[str]]] = {
    "empty file": (b"", ["is empty"]),
    "header only": (HEADER.encode(), ["no row"]),
    "missing column": (b"Question,Answer\nx,A\n", ["Options"]),
    "no answer": (f"{HEADER}问题,{OPTIONS},,\n".encode(), ["row 1", "no answer"]),
    "unknown letter": (f"{HEADER}问题,{OPTIONS},AX,\n".encode(), ["row 1", "AX"]),
    "letter without option": (f"{HEADER}问题,{OPTIONS},E,\n".encode(), ["row 1", "no option E"]),
    "unreadable options": (f"{HEADER}问题,无,A,\n".encode(), ["row 1", "options"]),
    "duplicate ids": (
        f"id,{HEADER}q1,一,{OPTIONS},A,\nq1,二,{OPTIONS},A,\n".encode(),
        ["'q1'", "rows 1 and 2"],
    ),
    "ragged row": (f"{HEADER}问题,{OPTIONS}\n".encode(), ["row 1", "fields"]),
    "open quote": (f'{HEADER}问题,"A 甲\n'.encode(), ["quote"]),
    "another encoding": ("\ufeff".encode("utf-16-be")[:1] + b"\x81\xff\xff\xfe", ["UTF-8"]),
    "another kind of file": (b"PK\x03\x04" + bytes(100), ["XLSX"]),
    "NUL bytes": (f"{HEADER}问\0题,{OPTIONS},A,\n".encode(), ["NUL"]),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_training_files_end_in_one_line(tmp_path: Path, name: str) -> None:
    content, about = BAD_FILES[name]
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.csv").write_bytes(content)
    complain("train", "--data", data, "--out", tmp_path / "run", "--quiet", about=["train.csv", *about])
    assert not (tmp_path / "run").exists()


def test_a_folder_without_training_file_is_refused(tmp_path: Path) -> None:
    complain("train", "--data", tmp_path, "--out", tmp_path / "run", about=[str(tmp_path), "train"])
    shutil.copy(DATA / "val.csv", tmp_path)
    complain("train", "--data", tmp_path, "--out", tmp_path / "run", about=["no train file"])


def test_bad_rows_are_left_out_counted_and_listed(tmp_path: Path) -> None:
    data = shutil.copytree(DATA, tmp_path / "data")
    with (data / "val.csv").open("a", encoding="utf-8") as stream:
        stream.write('缺答案的题,"A 甲\nB 乙\nC 丙\nD 丁\nE 戊",,\n')
    result = succeed("train", "--data", data, "--out", tmp_path / "run", *TOY)
    assert "1 rows left out" in result.stderr
    listed = (tmp_path / "run" / "left_out.csv").read_text("utf-8")
    assert "val.csv" in listed and "no answer" in listed
    scores = json.loads((tmp_path / "run" / "scores.json").read_text("utf-8"))
    assert scores["val"]["n_left_out"] == 1
    assert scores["val"]["accuracy_all_rows"] < scores["val"]["accuracy"]
    complain(
        "train", "--data", data, "--out", tmp_path / "r2", "--bad-rows", "error", about=["val.csv", "row"]
    )


def test_outputs_replace_neither_inputs_nor_what_is_not_ours(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = shutil.copytree(DATA, tmp_path / "data")
    before = {file: file.read_bytes() for file in data.iterdir()}
    complain("train", "--data", data, "-o", data, "--overwrite", about=["data is or contains the input"])
    complain("train", "--data", data, "-o", tmp_path, "--overwrite", about=["contains the input"])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    complain(*TRAIN, "-o", tmp_path / "notes", about=["is not empty; give another folder"])
    about = ["was not written by cmexam-baseline", "remove it yourself"]
    complain(*TRAIN, "-o", tmp_path / "notes", "--overwrite", about=about)
    monkeypatch.chdir(data)
    complain("train", "-o", ".", "--overwrite", about=["is the current folder"])
    val = data / "val.csv"
    complain("predict", run_folder, val, "-o", val, "--overwrite", about=["is also an input"])
    taken = tmp_path / "replies.csv"
    taken.write_text("id,answer\n1,A\n")
    complain("predict", run_folder, val, "-o", taken, about=["not written by cmexam-baseline", "--overwrite"])
    complain(
        "leaderboard", run_folder, "--chart", taken.with_suffix(".svg"), "-o", taken, about=["--overwrite"]
    )
    assert taken.read_text() == "id,answer\n1,A\n"
    assert before == {file: file.read_bytes() for file in data.iterdir()}


def test_a_finished_run_is_replaced_with_overwrite(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        succeed("train", "--data", DATA, *TOY, "-o", tmp_path / "run", "--seed", seed, "--overwrite", "-q")
    assert json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["seed"] == 2


def test_seeds_are_trained_by_several_machines_and_collected(tmp_path: Path) -> None:
    for name, size in (("train", 60), ("val", 20)):
        write_exam(sample_exam(name)[:size], tmp_path / f"{name}.csv")
    command = ("train", "--data", tmp_path, "--set", "n_estimators=3", "-o", tmp_path / "runs", "--seeds")
    alone = succeed(*command, "1,2,3", "--only", "2", "--json", "-q")
    assert [run["seed"] for run in json.loads(alone.stdout)["runs"]] == [2]
    assert [place.name for place in (tmp_path / "runs").iterdir()] == ["seed-2"]
    whole = succeed(*command, "1", "2", "3", "--jobs", "2")
    assert "seed 2: trained before" in whole.stderr and "training 2 seeds, 2 side by side" in whole.stderr
    assert "val accuracy over 3 seeds" in whole.stdout
    complain(*command, "1,2", "--set", "bag=3", about=["seed-1", "other settings", "--overwrite"])
    complain(*command, "1,2", "--only", "3", about=["seed 3 is not among 1, 2; --only takes one of --seeds"])
    complain(*command, "1", "x", about=["seed 'x' is not a number", "--seeds 1,2,3"])
    complain(*command, "1", "1", about=["one occurs twice"])
    complain(*TRAIN, "-o", tmp_path / "run", "--only", "1", about=["a fold of an ensemble"])
    exam = DATA / "val.csv"
    about = [f"{tmp_path / 'runs'} holds the runs seed-1, seed-2, seed-3; give one of them"]
    complain("predict", tmp_path / "runs", exam, "-o", tmp_path / "p.csv", about=about)


def test_misspelt_names_are_answered_with_the_likely_one(run_folder: Path, tmp_path: Path) -> None:
    complain("train", "--model", "brt", about=["no model is named 'brt'; did you mean bert?"])
    complain("train", "--model", "lightgmb", about=["did you mean lightgbm?"])
    complain(
        *TRAIN, "-o", tmp_path / "run", "--set", "bga=2", about=["no parameter 'bga'; did you mean bag?"]
    )
    complain(*TRAIN, "-o", tmp_path / "run", "--set", "bag", about=["write it as in --set"])
    missing = ("predict", run_folder, DATA / "vall.csv", "-o", tmp_path / "p.csv")
    complain(*missing, about=["vall.csv is not there; did you mean", "val.csv?"])
    complain(
        "predict", run_folder / "model", DATA / "val.csv", "-o", "p.csv", about=["is inside a run folder"]
    )


def test_brackets_in_names_are_printed_as_they_are(tmp_path: Path) -> None:
    place = tmp_path / "a[red]b"
    result = succeed("train", "--data", DATA, *TOY, "-o", place)
    assert f"Run folder: {place}" in result.stderr
    printed = succeed("predict", place, DATA / "test.csv", "-o", tmp_path / "[b].csv").stderr
    assert f"40 predictions: {tmp_path / '[b].csv'}" in printed


@pytest.mark.parametrize(
    ("hidden", "arguments", "about"),
    [
        ("lightgbm", ["train", "--data", "onnx"], "lightgbm needs lightgbm; run pip install"),
        ("lightgbm", ["curve"], "curve needs lightgbm; run pip install"),
        ("torch", ["train", "--model", "bert"], "the model encoder needs torch; run pip install"),
        ("torch", ["train", "--model", "ensemble"], "the model ensemble needs torch; run pip install"),
        ("onnxruntime", ["predict", "onnx", "val.csv", "-o", "p.csv"], "onnxruntime; run pip install"),
        (
            "lightgbm",
            ["predict", "run", "val.csv", "-o", "p.csv"],
            "lightgbm needs lightgbm; run pip install",
        ),
        ("matplotlib", ["leaderboard", "--chart", "c.svg"], "a chart needs matplotlib; run pip install"),
    ],
)
def test_a_missing_extra_is_named_before_any_work(
    hidden: str,
    arguments: list[str],
    about: str,
    run_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(run_folder)
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    shutil.copy(DATA / "val.csv", tmp_path)
    there = sorted(tmp_path.iterdir())
    monkeypatch.setattr(
        extras, "find_spec", lambda name: None if name == hidden else importlib.util.find_spec(name)
    )
    complain(*arguments, about=[about])
    assert sorted(tmp_path.iterdir()) == there


def test_many_questions_are_answered_in_batches(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    val = DATA / "val.csv"
    succeed("predict", run_folder, val, "-o", tmp_path / "whole.csv")
    monkeypatch.setattr("cmexam_baseline.baselines.run_folder.BATCH_SIZE", 64)
    printed = succeed("predict", run_folder, val, "-o", tmp_path / "batches.csv")
    assert "answering" in printed.stderr
    assert (tmp_path / "batches.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_settings_are_searched_for_and_reported(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    printed = succeed(*TRAIN, "--tune", "2", "--out", tmp_path / "run")
    assert "best of 2 trials" in printed.stderr
    settings = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["settings"]
    assert len(settings["trials"]) == 2
    assert not (tmp_path / "run.checkpoints").exists()
    complain("train", "--model", "bert", "--tune", "2", about=["--tune is for LightGBM"])


def test_a_corpus_is_read_saved_and_shown_by_explain(tmp_path: Path) -> None:
    book = tmp_path / "book.md"
    book.write_text("# 维生素\n缺乏维生素A可引起夜盲症和干眼病，补充鱼肝油后好转。\n", "utf-8")
    printed = succeed(*TRAIN, "--corpus", book, "--out", tmp_path / "run")
    assert "corpus: 1 passages, 26 characters, from 1 files" in printed.stderr
    exam = tmp_path / "val.csv"
    exam.write_text('Question,Options,Answer\n引起夜盲症的是缺乏,"A 维生素A\nB 碘",A\n', "utf-8")
    found = json.loads(succeed("explain", tmp_path / "run", exam, "--row", "1", "--json").stdout)
    assert found["options"]["A"]["passages"][0]["source"] == str(book)
    complain("train", "--model", "bert", "--corpus", book, about=["set --evidence to 1 or more"])
    complain("train", "--corpus", tmp_path / "no", "--out", tmp_path / "no-run", about=["is not there"])
