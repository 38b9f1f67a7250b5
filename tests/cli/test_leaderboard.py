"""`leaderboard` as a user types it: runs, prediction files, folders of both, and the published rows."""

from __future__ import annotations

import csv
import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import Result
from command_line import refused, runner

from cmexam_baseline.baselines.leaderboard_entries import (
    PUBLISHED_TEST_QUESTIONS,
    leaderboard,
    parse_size,
    published_entries,
)
from cmexam_baseline.baselines.run_folder import FORMAT, FORMAT_VERSION
from cmexam_baseline.cli.main import commands
from cmexam_baseline.exam import Exam, Predictions, Question
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import write_exam
from cmexam_baseline.metrics import wilson_interval

SCHEMA = files("cmexam_baseline.baselines").joinpath("leaderboard.schema.json").read_text("utf-8")


def run(*arguments: object) -> Result:
    return runner().invoke(commands, ["leaderboard", *map(str, arguments)])


def board(*arguments: object) -> dict[str, dict[str, Any]]:
    """The ranking as JSON, by system."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    jsonschema.validate(found, json.loads(SCHEMA))
    return {each["system"]: each for each in found["systems"]}


def make_run(
    folder: Path, accuracy: float, splits: tuple[str, ...] = ("val", "test"), **settings: Any
) -> Path:
    folder.mkdir(parents=True)
    figures = {"n": 200, "accuracy": accuracy, "weighted_f1": accuracy - 0.01}
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": "lightgbm",
        "settings": settings,
        "data": {split: {"fingerprint": f"print of {split}"} for split in splits},
    }
    free = {"random letter": {split: {**figures, "accuracy": 0.2} for split in splits}}
    scores = {**dict.fromkeys(splits, figures), "free_baselines": free}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "scores.json").write_text(json.dumps(scores))
    return folder


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    """Four questions whose answers are A, B, C and AB."""
    questions = [
        Question("", f"第{row}题", ("甲", "乙", "丙"), answer)
        for row, answer in enumerate(["A", "B", "C", "AB"])
    ]
    write_exam(Exam.from_questions(questions), tmp_path / "test.csv")
    return tmp_path / "test.csv"


def write_predictions(file: Path, answers: list[int]) -> Path:
    Predictions([f"test-{row}" for row in range(1, len(answers) + 1)], answers).write(file)
    return file


def test_the_best_comes_first_with_its_interval(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "weak", 0.25)
    make_run(tmp_path / "runs" / "strong", 0.4)
    systems = board(tmp_path / "runs", "--no-published")
    assert list(systems) == ["strong", "weak", "random letter"]
    assert systems["strong"]["interval"] == pytest.approx(list(wilson_interval(80, 200)))
    assert systems["strong"]["weighted_f1"] == pytest.approx(0.39)
    assert systems["random letter"]["kind"] == "dummy baseline"
    assert {each["split"] for each in systems.values()} == {"test"}


def test_val_is_ranked_where_no_system_has_test_or_on_demand(tmp_path: Path) -> None:
    make_run(tmp_path / "only-val", 0.3, splits=("val",))
    assert {each["split"] for each in board(tmp_path / "only-val", "--no-published").values()} == {"val"}
    make_run(tmp_path / "both", 0.3)
    assert {each["split"] for each in board(tmp_path, "--split", "val", "--no-published").values()} == {"val"}
    assert "no system has figures on test" in refused(run(tmp_path / "only-val", "--split", "test"))


def test_predictions_are_scored_and_what_is_unanswered_counts_as_wrong(exam: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    write_predictions(tmp_path / "files" / "good.csv", [1, 2, 4, 3])
    write_predictions(tmp_path / "files" / "half.jsonl", [1, 2, 1, 0])
    write_predictions(tmp_path / "files" / "short.csv", [1])
    systems = board(tmp_path / "files", "--exam", exam, "--no-published", "--size", "half=7B")
    own = {name: each["accuracy"] for name, each in systems.items() if each["kind"] == "predictions"}
    assert own == {"good": 1.0, "half": 0.5, "short": 0.25}
    assert {each["n"] for each in systems.values()} == {4}
    assert systems["half"]["size"] == 7e9


def test_files_of_the_same_name_are_told_apart_by_their_folders(exam: Path, tmp_path: Path) -> None:
    for name, answers in (("gpt", [1, 2, 4, 3]), ("qwen", [1, 2, 1, 0])):
        (tmp_path / name).mkdir()
        write_predictions(tmp_path / name / "replies.csv", answers)
    found = board(tmp_path / "gpt" / "replies.csv", tmp_path / "qwen" / "replies.csv", "--exam", exam)
    assert (found["gpt/replies"]["accuracy"], found["qwen/replies"]["accuracy"]) == (1.0, 0.5)


def test_how_prediction_files_were_read_is_told(exam: Path, tmp_path: Path) -> None:
    file = tmp_path / "served.jsonl"
    file.write_text(
        "".join(f'{{"id": "chatcmpl-{n}x", "answer": "{x}"}}\n' for n, x in enumerate("ABAB")), "utf-8"
    )
    result = run(file, "--exam", exam, "--split", "test", "--json")
    assert f"{file}: answer = answer; id = id; matched by row number: 4 questions" in result.stderr.replace(
        "\n", " "
    )
    assert "warning: ids such as chatcmpl-0x" in result.stderr.replace("\n", " ")
    assert json.loads(result.stdout)


def test_missing_predictions_are_counted(exam: Path, tmp_path: Path) -> None:
    rows = "id,answer,explanation\ntest-1,A,甲对\ntest-2,不知道,\ntest-3,C,丙对\n"
    (tmp_path / "some.csv").write_text(rows, "utf-8")
    explained = [Question("", f"第{row}题", ("甲", "乙", "丙"), "C", f"解析{row}") for row in range(4)]
    write_exam(Exam.from_questions(explained), exam)
    write_predictions(tmp_path / "all.csv", [1, 2, 4, 3])
    systems = board(tmp_path / "some.csv", tmp_path / "all.csv", "--exam", exam)
    assert [systems["some"][name] for name in ("missing_answers", "missing_explanations")] == [2, 2]
    assert [systems["all"][name] for name in ("missing_answers", "missing_explanations")] == [0, None]
    assert systems["GPT-4"]["missing_answers"] is None
    arguments = (tmp_path / "some.csv", tmp_path / "all.csv", "--exam", exam, "--no-published", "--format")
    (row,) = [line for line in run(*arguments, "markdown").stdout.splitlines() if "| some |" in line]
    assert row.endswith("| 2 | 2 |")
    assert "missing" in run(*arguments, "table").stdout
    assert "missing" not in run(tmp_path / "all.csv", *arguments[2:], "markdown").stdout


def test_a_score_report_ranks_as_its_predictions_do(exam: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    predictions = write_predictions(tmp_path / "half.csv", [1, 2, 1, 0])
    scored = runner().invoke(commands, ["score", str(predictions), "--exam", str(exam), "--json"])
    assert scored.exit_code == 0, scored.output
    (tmp_path / "files" / "report.json").write_text(scored.stdout, encoding="utf-8")
    report = board(tmp_path / "files", "--no-published")["half"]
    direct = board(predictions, "--exam", exam, "--no-published")["half"]
    assert report == direct
    (tmp_path / "files" / "report.json").write_text('{"schema": "cmexam-baseline/score"}')
    assert "no report of `score --json`" in refused(run(tmp_path / "files"))


def test_reports_keep_the_split_of_their_exam_and_the_number_of_questions(exam: Path, tmp_path: Path) -> None:
    rows = [f"test-{row},{k},{'ABC'[row - 1] if k else 'D'}\n" for row in (1, 2, 3) for k in range(4)]
    (tmp_path / "replies.csv").write_text("id,sample,answer\n" + "".join(rows), "utf-8")
    val = exam.rename(tmp_path / "val.csv")
    (tmp_path / "v").mkdir()
    for name, policy in (("mean", ["mean", "skip"]), ("vote", ["vote", "wrong"])):
        arguments = [
            "--samples",
            policy[0],
            "--missing",
            policy[1],
            "--exam",
            val,
            "--id-column",
            "id",
            "--json",
        ]
        text = (tmp_path / "replies.csv").read_text("utf-8").replace("test-", "val-")
        (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        scored = runner().invoke(commands, ["score", *map(str, (tmp_path / f"{name}.csv", *arguments))])
        assert scored.exit_code == 0, scored.output
        (tmp_path / "v" / f"{name}.json").write_text(scored.stdout, "utf-8")
    systems = board(tmp_path / "v", "--no-published")
    assert {each["split"] for each in systems.values()} == {"val"}
    assert (systems["mean"]["accuracy"], systems["mean"]["n"], systems["vote"]["n"]) == (0.75, 3, 4)
    assert systems["mean"]["interval"] == [0.75, 0.75]  # every question is right in three of four replies
    assert "2 different sets of questions" in run(tmp_path / "v").stdout


def test_dummy_baselines_are_scored_on_the_exam_too(exam: Path, tmp_path: Path) -> None:
    free = {"random subset", "random letter", "longest option", "all of the above"}
    assert set(board("--exam", exam, "--no-published")) == free
    rows = 'Question,Options,Answer\n题,"A 甲\nB 乙",B\n'
    (tmp_path / "train.csv").write_text(rows, encoding="utf-8")
    systems = board("--exam", exam, "--train", tmp_path / "train.csv", "--no-published")
    assert set(systems) == free | {"most frequent letter"}
    assert systems["most frequent letter"]["accuracy"] == 0.25
    assert systems["longest option"]["accuracy"] == 0.25  # equally long options: the first, A


def test_published_rows_are_those_of_table_3_with_intervals_of_their_test_split() -> None:
    published = {each.system: each for each in published_entries()}
    assert len(published) == 18
    assert published["RoBERTa-CMExam"].accuracy == pytest.approx(0.371)
    assert published["RoBERTa-CMExam"].size == 0.3e9
    correct = round(0.371 * PUBLISHED_TEST_QUESTIONS)
    expected = wilson_interval(correct, PUBLISHED_TEST_QUESTIONS)
    assert published["RoBERTa-CMExam"].interval == pytest.approx(expected)
    assert published["Human volunteers"].interval is None
    frame = leaderboard().to_frame("polars")
    assert frame.shape == (18, 12) and frame["system"][1] == "GPT-4" and frame["low"][0] is None
    assert list(board()) == [each.system for each in sorted(published.values(), key=lambda e: -e.accuracy)]


def test_the_table_marks_what_is_published_and_what_is_not_comparable(tmp_path: Path, exam: Path) -> None:
    make_run(tmp_path / "run", 0.4)
    write_predictions(tmp_path / "good.csv", [1, 2, 4, 3])
    result = run(tmp_path / "run", tmp_path / "good.csv", "--exam", exam)
    assert result.exit_code == 0, result.output
    assert "GPT-4" in result.stdout
    assert "Liu et al. 2023, Table 3" in result.stdout
    assert "2 different sets of questions" in result.stdout


def test_every_format_has_the_same_figures(tmp_path: Path) -> None:
    make_run(tmp_path / "a|b", 0.4, n_parameters=35_700_000)
    markdown = run(tmp_path / "a|b", "--format", "markdown").stdout
    assert "| a\\|b | run | 35.7M | 200 | 40.0 | 33.5–46.9 | 39.0 |" in markdown
    rows = list(csv.DictReader(io.StringIO(run(tmp_path / "a|b", "--format", "csv").stdout)))
    (own,) = [row for row in rows if row["system"] == "a|b"]
    assert (float(own["accuracy"]), float(own["size"]), int(own["n"])) == (0.4, 35_700_000, 200)
    assert len(rows) == 20
    latex = run(tmp_path / "a|b", "--format", "latex").stdout
    assert "2 & a|b & run & 35.7M & 200 & 40.0 & 33.5–46.9 & 39.0 \\\\" in latex.replace("5 & a", "2 & a")
    assert "95\\% interval" in latex and latex.endswith("\\end{tabular}\n")
    assert run(tmp_path / "a|b", "--format", "json").stdout == run(tmp_path / "a|b", "--json").stdout
    done = run(tmp_path / "a|b", "--format", "markdown", "-o", tmp_path / "board.md")
    assert done.exit_code == 0 and done.stdout == ""
    assert (tmp_path / "board.md").read_text("utf-8") == markdown


def test_brackets_in_names_are_printed_as_they_are(tmp_path: Path) -> None:
    printed = run(make_run(tmp_path / "a[red][b]", 0.4))
    assert printed.exit_code == 0 and "a[red][b]" in printed.stdout


def test_the_chart_names_every_system_and_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    make_run(tmp_path / "run $x^2$ <b>", 0.4)
    for name in ("a.svg", "b.svg"):
        assert run(tmp_path / "run $x^2$ <b>", "--chart", tmp_path / name).exit_code == 0
    content = (tmp_path / "a.svg").read_bytes()
    assert content == (tmp_path / "b.svg").read_bytes()
    text = "".join(ElementTree.fromstring(content).itertext())
    for system in (
        "run $x^2$ <b> 40.0",
        "random letter 20.0",
        "RoBERTa-CMExam 37.1",
        "Human volunteers 71.6",
    ):
        assert system in text
    assert run(tmp_path / "run $x^2$ <b>", "--chart", tmp_path / "c.png").exit_code == 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_ranked_ends_in_one_line(tmp_path: Path, exam: Path) -> None:
    make_run(tmp_path / "run", 0.4)
    broken = make_run(tmp_path / "broken", 0.4)
    (broken / "scores.json").write_text('{"val": {"n": 3}}')
    (tmp_path / "empty").mkdir()
    good = write_predictions(tmp_path / "good.csv", [1, 2, 4, 3])
    other = tmp_path / "other.csv"
    other.write_text("id,answer\nx,A\n")
    cases: dict[str, tuple[object, ...]] = {
        "is not there": (tmp_path / "nowhere",),
        "no run folder and no prediction file": (tmp_path / "empty",),
        "give the exam that they answer as --exam": (good,),
        "say which split": (good, "--exam", tmp_path),
        "do not match the exam": (other, "--exam", exam),
        "cannot be read as the scores": (broken,),
        "no such system; there are run, random letter": (tmp_path / "run", "--size", "bert=7B"),
        "write it as in bert=0.1B": (tmp_path / "run", "--size", "7B"),
        "size 'big' is not a number": (tmp_path / "run", "--size", "run=big"),
        "charts end in .svg": (tmp_path / "run", "--chart", tmp_path / "chart.doc"),
        "nothing to rank": ("--no-published",),
    }
    for reason, arguments in cases.items():
        assert reason in refused(run(*arguments))


@pytest.mark.parametrize(
    ("text", "size"), [("7B", 7e9), ("0.1b", 1e8), ("35.7M", 35.7e6), ("12", 12.0), (" 2 K ", 2000.0)]
)
def test_sizes(text: str, size: float) -> None:
    assert parse_size(text) == pytest.approx(size)


@pytest.mark.parametrize("text", ["", "B", "0B", "-1B", "7 billion", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="not a number of parameters"):
        parse_size(text)
