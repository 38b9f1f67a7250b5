"""`data check`, `stats`, `convert` and `download` as a user types them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import hostile_server
import pytest
from click.testing import Result
from command_line import runner
from shared_data import SHARED, needs_shared

from cmexam_baseline.cli.main import commands
from cmexam_baseline.exam import Exam, Question, read_exam
from cmexam_baseline.exam import download as published
from cmexam_baseline.exam.download import PublishedFile, git_blob_id
from cmexam_baseline.exam.io.formats import write_exam


def run(*arguments: object) -> Result:
    return runner().invoke(commands, [str(argument) for argument in arguments])


def refused(result: Result) -> str:
    """The one line that a bad input ends in."""
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert lines[-1].startswith("Error: ")
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


def questions(n: int, answer: str = "A") -> Exam:
    return Exam.from_questions(
        Question("", f"第{row}题", ("甲", "乙", "丙"), answer, "解释", {"Difficulty level": str(row % 5 + 1)})
        for row in range(n)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An exam of three splits, one of whose test rows has no answer."""
    place = tmp_path / "exam"
    place.mkdir()
    write_exam(questions(9), place / "train.csv")
    write_exam(questions(4, "AB"), place / "val.csv")
    write_exam(questions(5), place / "test_with_annotations.csv")
    text = (place / "test_with_annotations.csv").read_text(encoding="utf-8")
    (place / "test_with_annotations.csv").write_text(
        text.replace(",A,解释,1", ",,解释,1", 1), encoding="utf-8"
    )
    return place


# check


def test_check_counts_and_lists_what_is_wrong(folder: Path) -> None:
    result = run("data", "check", folder)
    assert result.exit_code == 2  # one of five test rows, one of 18 in all
    assert "no answer" in result.stdout
    assert "18 rows: 17 usable (train 9, val 4, test 4), 1 not, 0 doubtful" in result.stdout
    assert "1 of 18 rows cannot be used, more than 1%" in refused(result)


def test_check_has_nothing_to_say_about_a_sound_file(folder: Path) -> None:
    result = run("data", "check", folder / "val.csv", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "rows": 4, "usable": {"val.csv": 4}, "left_out": 0, "doubtful": 0, "bad_rows": [],
    }  # fmt: skip


def test_check_strict_refuses_doubtful_rows_too(tmp_path: Path) -> None:
    file = tmp_path / "val.csv"
    file.write_text('Question,Options,Answer\n问题,"A 甲\nB 甲",A\n', encoding="utf-8")
    assert run("data", "check", file).exit_code == 0
    assert "1 of 1 rows are listed" in refused(run("data", "check", file, "--strict"))


def test_check_of_an_exam_without_answers(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text('Question,Options\n问题,"A 甲\nB 乙"\n', encoding="utf-8")
    assert "no column Answer" in refused(run("data", "check", file))
    assert run("data", "check", file, "--unanswered").exit_code == 0


@needs_shared
def test_check_of_real_files_finds_their_known_defects() -> None:
    result = run("data", "check", SHARED / "data" / "cmexam", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["rows"] == 33_087
    assert found["left_out"] <= 3


# stats


def test_stats_show_every_split_and_all_rows(folder: Path) -> None:
    result = run("data", "stats", folder)
    assert result.exit_code == 0
    assert "train" in result.stdout
    assert "total" in result.stdout
    assert "test, Difficulty level: 5 values" in result.stdout
    figures = json.loads(run("data", "stats", folder, "--json").stdout)
    assert {name: split["questions"] for name, split in figures["splits"].items()} == {
        "train": 9, "val": 4, "test": 5,
    }  # fmt: skip
    assert figures["splits"]["val"]["share_multi"] == 1.0
    assert figures["total"]["questions"] == figures["pooled"]["questions"] == 18


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", ["split,figure,value", "val,questions,4", "total,vocabulary,"]),
        ("markdown", ["|  | train | val | test | total |", "| 3 options |", "Answers, share of questions"]),
        ("latex", ["\\begin{tabular}{lrrrr}", "% Answers, share of questions"]),
        ("json", ['"questions": 4']),
        ("table", ["questions", "several letters"]),
    ],
)
def test_stats_are_written_in_every_format(
    folder: Path, tmp_path: Path, form: str, expected: list[str]
) -> None:
    command = ("data", "stats", folder, "--format", form, "-q")
    printed = run(*command).stdout
    assert all(text in printed for text in expected)
    target = tmp_path / "stats.txt"
    assert run(*command, "-o", target).stdout == ""
    assert target.read_text("utf-8") == printed
    target.write_text("mine")
    assert "was not written by cmexam-baseline" in refused(run(*command, "-o", target))
    run(*command, "-o", target, "--overwrite")
    assert target.read_text("utf-8") == printed
    for place in (folder / "val.csv", folder / "train.csv"):
        assert "also an input" in refused(run(*command, "-o", place, "--overwrite"))


def test_stats_of_one_file_has_no_total(folder: Path) -> None:
    result = run("data", "stats", folder / "val.csv")
    assert "total" not in result.stdout


def test_stats_charts_are_drawn_with_their_text_and_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        assert run("data", "stats", folder, "--charts", tmp_path / name).exit_code == 0
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == [
        "annotations_test.svg", "annotations_train.svg", "annotations_val.svg", "answers.svg", "lengths.svg",
    ]  # fmt: skip
    for file in files:
        content = (tmp_path / "a" / file).read_bytes()
        ElementTree.fromstring(content)
        assert content == (tmp_path / "b" / file).read_bytes()
    assert b"Difficulty level" in (tmp_path / "a" / "annotations_test.svg").read_bytes()
    assert "not empty" in refused(run("data", "stats", folder, "--charts", tmp_path / "a"))


def test_charts_without_matplotlib_name_the_install_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = refused(run("data", "stats", folder, "--charts", tmp_path / "charts"))
    assert "run pip install" in message and "[report]" in message
    assert not (tmp_path / "charts").exists()


def test_stats_count_rows_without_an_answer_and_describe_the_sample_by_default() -> None:
    figures = json.loads(run("data", "stats", "--json").stdout)
    assert list(figures["splits"]) == ["train", "val", "test"]
    assert set(figures["splits"]["test"]["annotations"]) == {
        *("Disease Group", "Clinical Department", "Medical Discipline", "Area of Competency"),
        "Difficulty level",
    }


@pytest.mark.parametrize("command", ["check", "stats"])
def test_what_is_no_exam_is_refused(command: str, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "rows.csv").write_text("Question,Options,Answer\n,,\n")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    (tmp_path / "folder").mkdir()
    (tmp_path / "exam.doc").write_text("x")
    for name, reason in {
        "nothing.csv": "is not there",
        "exam.doc": "ending '.doc' is not known",
        "empty.csv": "is empty",
        "other.csv": "has no column",
        "rows.csv": "no question is left",
        "binary.csv": "neither UTF-8 nor GB18030",
        "folder": "holds no train, val or test file",
    }.items():
        assert reason in refused(run("data", command, tmp_path / name))


# convert


def test_convert_gives_the_same_exam_in_every_form(folder: Path, tmp_path: Path) -> None:
    exam = read_exam(folder / "val.csv")
    last = folder / "val.csv"
    for ending in ("jsonl", "json", "parquet", "xlsx", "tsv", "jsonl.gz", "csv"):
        target = tmp_path / f"val.{ending}"
        result = run("data", "convert", last, target)
        assert result.exit_code == 0, result.output
        assert read_exam(target).questions == exam.questions
        last = target
    assert (tmp_path / "val.csv").read_bytes() == (folder / "val.csv").read_bytes()


def test_convert_of_a_folder_makes_a_folder(folder: Path, tmp_path: Path) -> None:
    result = run("data", "convert", folder, tmp_path / "out", "--to", "jsonl", "--unanswered")
    assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["test_with_annotations.jsonl", "train.jsonl", "val.jsonl"]
    assert len(read_exam(tmp_path / "out" / "test_with_annotations.jsonl", "keep")) == 5


@needs_shared
def test_convert_makes_an_exam_of_replies_that_hold_their_questions(tmp_path: Path) -> None:
    source = SHARED / "data" / "predictions" / "free_text_medqa" / "GPT-4.jsonl"
    result = run("data", "convert", source, tmp_path / "medqa.csv")
    assert result.exit_code == 0, result.output
    assert "answers read as letter and text" in result.stderr
    assert "'predict_answer' left out in 150 of 150 rows" in result.stderr
    assert "150 questions" in result.stdout
    assert len(read_exam(tmp_path / "medqa.csv")) == 150


def test_convert_says_what_stops_it(folder: Path, tmp_path: Path) -> None:
    numbers = tmp_path / "numbers.jsonl"
    row = {"question": "题", "choices": ["甲", "乙", "丙"], "answer": 1}
    numbers.write_text(json.dumps(row), encoding="utf-8")
    val = folder / "val.csv"
    cases = {
        "is not there": ("nowhere.csv", tmp_path / "out.csv"),
        "ending '.doc' is not known": (val, tmp_path / "out.doc"),
        "has no ending": (val, tmp_path / "out"),
        "is also an input": (val, val),
        "--index-base": (numbers, tmp_path / "out.csv"),
        "ending '.doc'": (folder, tmp_path / "out", "--to", "doc"),
        "1 of 5 rows cannot be used": (folder, tmp_path / "out"),
        "choose another place": (val, tmp_path / "no" / "folder" / "out.csv"),
    }
    for reason, arguments in cases.items():
        assert reason in refused(run("data", "convert", *arguments))
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.csv").exists()


def test_convert_counts_from_where_it_is_told(tmp_path: Path) -> None:
    source = tmp_path / "numbers.jsonl"
    row = {"question": "题", "choices": ["甲", "乙", "丙"], "answer": 1}
    source.write_text(json.dumps(row), encoding="utf-8")
    for base, letter in (("0", "B"), ("1", "A")):
        result = run(
            "data", "convert", source, tmp_path / "out.csv", "--index-base", base, "--json", "--overwrite"
        )
        assert json.loads(result.stdout)["files"]["numbers.jsonl"]["notes"] == ["answers read as number"]
        assert read_exam(tmp_path / "out.csv").letters() == [letter]


# download

CONTENT = b"Question,Options,Answer,Explanation\n" * 5000


@pytest.fixture
def small_release(monkeypatch: pytest.MonkeyPatch) -> None:
    files = tuple(
        PublishedFile(split, name, len(CONTENT), git_blob_id(CONTENT), 1)
        for split, name in (("train", "train.csv"), ("val", "val.csv"), ("test", "test_with_annotations.csv"))
    )
    monkeypatch.setattr(published, "PUBLISHED_FILES", files)


@pytest.mark.usefixtures("small_release")
def test_download_fetches_says_the_licence_and_keeps_what_is_there(tmp_path: Path) -> None:
    contents = {file.name: CONTENT for file in published.PUBLISHED_FILES}
    with hostile_server.serving(contents, hostile_server.busy_then_well) as scene:
        first = run("data", "download", "--to", tmp_path / "data", "--from", scene.url)
        asked = len(scene.requests)
        again = run("data", "download", "--to", tmp_path / "data", "--from", scene.url, "--json")
        assert len(scene.requests) == asked
    assert first.exit_code == 0, first.output
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "test_with_annotations.csv", "train.csv", "val.csv",
    ]  # fmt: skip
    assert "academic and research use only" in first.stdout
    assert "@article{liu2023benchmarking" in first.stdout
    assert "train.csv: answered 503" in first.stderr
    assert all(file["was_there"] for file in json.loads(again.stdout)["files"])


@pytest.mark.usefixtures("small_release")
def test_download_of_one_split_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_bytes(CONTENT)
    result = run("data", "download", "--to", tmp_path / "data", "--from", tmp_path, "--split", "val", "-q")
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["val.csv"]
    assert "cite" not in result.stdout


@pytest.mark.usefixtures("small_release")
@pytest.mark.parametrize("behave", [hostile_server.changed, hostile_server.stalls, hostile_server.cuts])
def test_download_ends_in_one_line_and_leaves_no_file(behave, tmp_path: Path) -> None:
    contents = {file.name: CONTENT for file in published.PUBLISHED_FILES}
    with hostile_server.serving(contents, behave) as scene:
        result = run(
            "data", "download", "--to", tmp_path, "--from", scene.url, "--attempts", 1, "--timeout", 0.2
        )
    assert "train.csv" in refused(result)
    assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.usefixtures("small_release")
def test_download_does_not_touch_another_file_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "val.csv").write_text("mine")
    message = refused(run("data", "download", "--to", tmp_path, "--from", tmp_path))
    assert "not the published file" in message
    assert (tmp_path / "val.csv").read_text() == "mine"
