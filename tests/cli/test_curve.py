"""`curve` from the command line, on a small part of the bundled sample exam."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from command_line import complain, succeed

from cmexam_baseline.baselines import parallel_jobs
from cmexam_baseline.baselines.curve import learning_curve
from cmexam_baseline.exam import write_exam
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.sample import sample_exam

SIZES = (20, 40, 60, 80)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exam")
    write_exam(sample_exam("train")[:80], folder / "train.csv")
    write_exam(sample_exam("val")[:30], folder / "val.csv")
    return folder


@pytest.fixture(scope="module")
def measured(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("curves") / "curve"
    sizes = [part for size in SIZES for part in ("--sizes", str(size))]
    found = succeed("curve", "--data", data, "--out", out, *sizes, "--seeds", "0,1", "--json", "-q")
    return out, json.loads(found.stdout)


def test_every_size_has_its_mean_interval_and_spread(measured: tuple[Path, dict]) -> None:
    out, found = measured
    points = json.loads((out / "points.json").read_text("utf-8"))["points"]
    assert [(point["size"], point["seed"]) for point in points] == [
        (n, seed) for n in SIZES for seed in (0, 1)
    ]
    assert all(point["right"].count("1") / 30 == pytest.approx(point["accuracy"]) for point in points)
    for row in found["sizes"]:
        accuracies = [point["accuracy"] for point in points if point["size"] == row["size"]]
        assert row["accuracy"] == pytest.approx(sum(accuracies) / 2)
        assert row["sd"] == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)
        assert row["interval"][0] < row["accuracy"] < row["interval"][1]


def test_the_extrapolation_is_marked(measured: tuple[Path, dict]) -> None:
    out, found = measured
    assert found["extrapolated"]["measured"] is False
    assert found["extrapolated"]["size"] == 54_497
    with (out / "curve.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["size"], row["extrapolated"]) for row in rows] == [
        *((str(size), "no") for size in SIZES),
        ("54497", "yes"),
    ]
    pytest.importorskip("matplotlib")
    assert "extrapolated, not measured" in (out / "curve.svg").read_text("utf-8")


def test_what_was_measured_is_not_measured_again(data: Path, measured: tuple[Path, dict]) -> None:
    out, found = measured
    file = out / "points.json"
    content = json.loads(file.read_text("utf-8"))
    content["points"][0]["right"] = "0" * 30  # told apart from a new measurement
    file.write_text(json.dumps(content), "utf-8")
    sizes = ["--sizes", "20", "--sizes", "80"]
    again = succeed("curve", "--data", data, "-o", out, *sizes, "--seeds", "0", "--json", "-q")
    assert json.loads(again.stdout)["sizes"][0]["accuracy"] == 0
    assert json.loads(again.stdout)["extrapolated"] is None, "two sizes fit a power law exactly"


def test_the_table_marks_what_is_extrapolated(data: Path, measured: tuple[Path, dict]) -> None:
    out, _ = measured
    sizes = [part for size in SIZES for part in ("--sizes", str(size))]
    shown = succeed("curve", "--data", data, "-o", out, *sizes, "--seeds", "0,1")
    assert "54,497, extrapolated" in shown.stdout
    assert "Extrapolated, not measured: error = " in shown.stdout
    assert f"Points, table and chart: {out}" in shown.stderr or "No chart without matplotlib" in shown.stderr
    few = succeed("curve", "--data", data, "-o", out, *sizes[:4], "--seeds", "0", "-q")
    assert "No extrapolation: it needs 4 sizes" in few.stdout and few.stderr == ""


def test_points_as_a_frame_and_damaged_ones(measured: tuple[Path, dict], tmp_path: Path) -> None:
    out, _ = measured
    train, val = sample_exam("train")[:80], sample_exam("val")[:30]
    curve = learning_curve(train, val, [20, 80], [0], points_file=out / "points.json")
    assert curve.to_frame("polars")["size"].to_list() == [20, 80]
    (tmp_path / "points.json").write_text('{"train": 1}', "utf-8")
    with pytest.raises(InputError, match="is no list of measured points"):
        learning_curve(train, val, [20, 80], [0], points_file=tmp_path / "points.json")


def test_trainings_side_by_side_give_the_same_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_here(work: Any, calls: Any, jobs: int) -> Any:
        assert jobs == 2
        return reversed([(i, work(*call)) for i, call in enumerate(calls)])

    monkeypatch.setattr(parallel_jobs, "run_jobs", run_here)
    train, val = sample_exam("train")[:60], sample_exam("val")[:20]
    curves = [learning_curve(train, val, [30, 60], [1], jobs=jobs).points for jobs in (1, 2)]
    first, second = ([point.correct.tolist() for point in points] for points in curves)
    assert first == second


def test_points_of_another_exam_are_refused(measured: tuple[Path, dict]) -> None:
    out, _ = measured
    complain("curve", "--out", out, about=["points.json", "other questions"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "40", "--sizes", "5000"], "80 training questions only"),
        (["--sizes", "40"], "two sizes"),
    ],
)
def test_sizes_that_cannot_be(data: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    complain("curve", "--data", data, "--out", tmp_path / "new", *arguments, about=[message])
    assert not (tmp_path / "new").exists()
