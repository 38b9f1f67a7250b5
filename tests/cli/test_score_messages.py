"""What `score` says to a user who confuses files, forgets one, or would overwrite one."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import complain, succeed
from prediction_shapes import SHAPES
from score_reports import csv_of, report_of_command

from cmexam_baseline.exam.sample import SAMPLE_FOLDER, sample_exam

VAL = SAMPLE_FOLDER / "val.csv"


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    return csv_of(tmp_path / "replies.csv", id=sample_exam("val").ids, prediction=["A", "B"] * 100)


def test_files_in_the_wrong_order_and_a_forgotten_exam(tmp_path: Path, replies: Path) -> None:
    complain("score", VAL, replies, about=["replies.csv holds no exam", "give the exam last", "--exam"])
    other = csv_of(tmp_path / "other.csv", id=sample_exam("val").ids, prediction=["B", "A"] * 100)
    complain("score", replies, other, about=["other.csv was taken for the exam", "--exam"])
    complain("score", VAL, VAL, about=["holds the exam's answers (Answer)", "--answer-column"])
    complain("score", tmp_path / "no", VAL, about=["is not there"])
    for command in ("score", "compare"):
        told = succeed(command, replies, other, VAL).stderr
        assert f"exam: {VAL}, the last file; --exam names another" in " ".join(told.split())
    assert "the last file" not in succeed("score", replies, "--exam", VAL).stderr


def test_outputs_replace_no_input_and_nothing_of_others(tmp_path: Path, replies: Path) -> None:
    before = replies.read_bytes()
    complain("score", replies, VAL, "--save", replies, about=["replies.csv is also an input"])
    complain("score", replies, "--exam", VAL, "--report", replies, about=["replies.csv is also an input"])
    assert replies.read_bytes() == before
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("name,mark\n", "utf-8")
    complain(
        "score", replies, VAL, "--save", theirs, about=["was not written by cmexam-baseline", "--overwrite"]
    )
    for _ in range(2):  # the second time it is our own
        succeed("score", replies, VAL, "-q", "--save", tmp_path / "rows.csv")
    succeed("score", replies, VAL, "-q", "--save", theirs, "--overwrite")
    assert theirs.read_text("utf-8").startswith("system,id,gold,answer,correct,rule")
    complain("score", replies, VAL, "--save", "x.csv", "--report", "x.csv", about=["name the same file"])


def test_names_with_brackets_and_versions_are_printed_as_they_are(tmp_path: Path, replies: Path) -> None:
    content = replies.read_bytes()
    names = ("m[/x].csv".replace("/", ""), "gpt-5.1.csv", "gpt-5.2.csv")
    for name in names:
        (tmp_path / name).write_bytes(content)
    files = [tmp_path / name for name in names]
    assert [each["name"] for each in report_of_command("score", *files, VAL)["systems"]] == [
        "m[x]",
        "gpt-5.1",
        "gpt-5.2",
    ]
    assert "m[x].csv" in succeed("score", files[0], VAL).stderr


def test_what_was_taken_and_left_aside_is_printed(tmp_path: Path) -> None:
    from prediction_shapes import the_exam

    from cmexam_baseline.exam import write_exam

    write_exam(the_exam(), tmp_path / "exam.jsonl")
    (tmp_path / "graded.csv").write_bytes(SHAPES["graded.csv"]())
    printed = succeed("score", tmp_path / "graded.csv", tmp_path / "exam.jsonl").stderr
    assert "graded.csv: answer = infer; id = id" in printed and "left aside: judge (verdict)" in printed
