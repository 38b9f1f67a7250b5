"""`train --extra-train` from the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from command_line import complain, succeed
from small_sample import QUICK, small_sample

from cmexam_baseline.exam import read_exam

DATA = small_sample()


def _write_other(path: Path) -> None:
    """Another exam in another form: new questions, one of val's and one of train's."""
    val, train = (read_exam(DATA / f"{name}.csv") for name in ("val", "train"))
    rows = [
        {
            "question": question.question,
            "options": dict(zip("ABCDE", question.options, strict=False)),
            "answer": question.answer,
        }
        for question in (val[0], train[0])
    ]
    rows += [
        {"question": f"第{n}号药的用途是", "options": {"A": f"甲{n}", "B": f"乙{n}"}, "answer": "AB"[n % 2]}
        for n in range(20)
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")


def test_questions_of_another_exam_join_and_what_overlaps_is_listed(tmp_path: Path) -> None:
    other, again = tmp_path / "other.jsonl", tmp_path / "again" / "other.jsonl"
    again.parent.mkdir()
    _write_other(other)
    _write_other(again)
    run = tmp_path / "run"
    result = succeed(
        "train", "--data", DATA, "--out", run, *QUICK, "--extra-train", other, "--extra-train", again
    )
    assert "other: 20 questions join" in result.stderr
    assert "other-2: 0 questions join" in result.stderr
    data = json.loads((run / "config.json").read_text("utf-8"))["data"]["train"]
    assert data["rows"] == len(read_exam(DATA / "train.csv")) + 20
    assert data["extra"]["other"]["joined"] == 20
    assert data["extra"]["other-2"]["excluded_other"] == 20
    with (run / "extra_train_left_out.csv").open(encoding="utf-8", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [(row["source"], row["split"], row["reason"]) for row in listed[:2]] == [
        ("other", "val", "exact"),
        ("other", "train", "exact"),
    ]
    assert len(listed) == 2 + 22
    output = tmp_path / "again.csv"
    succeed("predict", run, DATA / "val.csv", "-o", output, "--quiet")
    assert output.read_bytes() == (run / "predictions_val.csv").read_bytes()


def test_a_file_that_is_no_exam_ends_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"name": "x"}\n', "utf-8")
    complain("train", "--out", tmp_path / "run", "--extra-train", file, about=["other.jsonl"])
    complain("train", "--out", tmp_path / "run", "--extra-train", tmp_path / "no.csv", about=["no.csv"])
    assert not (tmp_path / "run").exists()
