"""`explain` from the command line, on the bundled sample exam."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from command_line import complain, succeed
from small_sample import QUICK

from cmexam_baseline.exam import read_exam, read_predictions
from cmexam_baseline.exam.sample import SAMPLE_FOLDER

VAL = SAMPLE_FOLDER / "val.csv"


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sample"
    succeed("train", "--out", folder, *QUICK, "--quiet", "--json")
    return folder


def test_json_holds_the_run_s_own_scores_and_answer(run_folder: Path) -> None:
    predicted, exam = read_predictions(run_folder / "predictions_val.csv"), read_exam(VAL)
    by_row = json.loads(succeed("explain", run_folder, VAL, "--row", "3", "--json").stdout)
    by_id = json.loads(succeed("explain", run_folder, VAL, "--id", exam.ids[2], "--json").stdout)
    assert by_row == by_id
    assert by_row["predicted"] == predicted.letters()[2]
    assert by_row["answer"] == exam.letters()[2]
    start, end = exam.option_offsets[2:4]
    assert [one["text"] for one in by_row["options"].values()] == exam.options(2)
    assert [one["score"] for one in by_row["options"].values()] == pytest.approx(
        predicted.option_scores[start:end], abs=1e-6
    )
    assert all(len(one["features"]) == 3 for one in by_row["options"].values())


def test_tables_name_evidence_and_features(run_folder: Path) -> None:
    found = json.loads(succeed("explain", run_folder, VAL, "--row", "3", "--json").stdout)
    shown = succeed("explain", run_folder, VAL, "--row", "3").stdout
    assert f"predicted {found['predicted']}, right is {found['answer']}" in shown
    assert found["options"]["A"]["features"][0]["feature"] in shown
    witnesses = [one for option in found["options"].values() for one in option["questions"]]
    assert witnesses and all(one["id"] in shown for one in witnesses)


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        ([], ["--id", "--row"]),
        (["--row", "1", "--id", "val-1"], ["--id", "--row"]),
        (["--row", "100000"], ["beyond the last"]),
        (["--id", "nobody"], ["no question 'nobody'", "val-1"]),
    ],
)
def test_a_question_that_is_not_there_ends_in_one_line(
    run_folder: Path, arguments: list[str], about: list[str]
) -> None:
    complain("explain", run_folder, VAL, *arguments, about=about)


def test_only_lightgbm_can_explain(run_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text("utf-8"))
    (other / "config.json").write_text(json.dumps({**config, "model": "encoder"}), "utf-8")
    complain("explain", other, VAL, "--row", "1", about=["encoder", "lightgbm"])
