"""`data overlap`: what the slow definition finds, as a table, as JSON and as a file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import slow_overlap
from command_line import complain, succeed
from tiny_exam import tiny_exam

from cmexam_baseline.exam import Exam, write_exam

TRAIN = tiny_exam(0, prefix="train")[:40]


def changed(row: int) -> Exam:
    """One question of train that is the same, has other options, or another end."""
    question = next(iter(TRAIN[row : row + 1]))
    ways = (
        question,
        replace(question, options=("甲", "乙"), answer="A"),
        replace(question, question=question.question + "哪一种（单选）"),
    )
    return Exam.from_questions([replace(ways[row % 3], id=f"test-{row}")])


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Exam]:
    test = Exam.concatenate([*(changed(row) for row in range(9)), tiny_exam(5, prefix="new")[60:66]])
    train_file, test_file = tmp_path / "train.csv", tmp_path / "test.jsonl"
    write_exam(TRAIN, train_file)
    write_exam(test, test_file)
    return train_file, test_file, test


@pytest.mark.parametrize(("size", "near"), [(10, 0.8), (4, 0.5), (2, 1.0)])
def test_it_finds_what_the_definition_says(files: tuple[Path, Path, Exam], size: int, near: float) -> None:
    train_file, test_file, test = files
    expected = slow_overlap.overlap(TRAIN, test, size, near)
    found = json.loads(
        succeed("data", "overlap", train_file, test_file, "--size", size, "--near", near, "--json").stdout
    )
    counts = Counter(category for category, *_ in expected)
    assert found["n"] == len(test)
    assert found["counts"] == {name: counts[name] for name in ("exact", "stem", "near", "none")}
    assert [(row["id"], row["overlap"], row["train_id"]) for row in found["rows"]] == [
        (test.ids[row], category, TRAIN.ids[match])
        for row, (category, _, match) in enumerate(expected)
        if match >= 0
    ]
    for row in found["rows"]:
        _, coverage, _ = expected[test.ids.index(row["id"])]
        assert row["coverage"] == pytest.approx(coverage, abs=1e-4)


def test_the_table_and_the_saved_rows(files: tuple[Path, Path, Exam], tmp_path: Path) -> None:
    train_file, test_file, test = files
    saved = tmp_path / "overlap.csv"
    shown = succeed("data", "overlap", train_file, test_file, "--save", saved).stdout
    expected = slow_overlap.overlap(TRAIN, test, 10, 0.8)
    n_exact = sum(category == "exact" for category, *_ in expected)
    assert 0 < n_exact < len(test)
    (line,) = [line for line in shown.splitlines() if "exact" in line]
    assert f"{n_exact / len(test):.1%}" in line
    with saved.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [
        test.ids[row] for row, (*_, match) in enumerate(expected) if match >= 0
    ]
    assert all(row["train_question"] in TRAIN.questions for row in rows)


def test_an_exam_without_overlap(tmp_path: Path) -> None:
    write_exam(TRAIN[:5], tmp_path / "train.csv")
    other = Exam.from_questions(
        [replace(question, question="完全不同的另一道题目是") for question in TRAIN[:1]]
    )
    write_exam(other, tmp_path / "test.csv")
    found = json.loads(
        succeed("data", "overlap", tmp_path / "train.csv", tmp_path / "test.csv", "--json").stdout
    )
    assert found == {"n": 1, "counts": {"exact": 0, "stem": 0, "near": 0, "none": 1}, "rows": []}
    assert "100.0%" in succeed("data", "overlap", tmp_path / "train.csv", tmp_path / "test.csv").stdout


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    write_exam(TRAIN[:5], tmp_path / "train.csv")
    complain("data", "overlap", tmp_path / "train.csv", tmp_path / "gone.csv", about=["gone.csv"])
