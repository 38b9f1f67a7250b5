"""Real CMExam rows: all are read, their defects are found, and their files come back to the byte."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from shared_data import SHARED, needs_shared

from cmexam_baseline.exam import (
    BadRow,
    Exam,
    InputError,
    find_overlap,
    load_splits,
    read_exam,
    read_exam_with_issues,
    write_exam,
)
from cmexam_baseline.exam.errors import count_left_out

pytestmark = needs_shared

FOLDER = SHARED / "data" / "cmexam"
ANNOTATIONS = [
    "Disease Group",
    "Area of Competency",
    "Clinical Department",
    "Medical Discipline",
    "Difficulty level",
]


@pytest.fixture(scope="module")
def report() -> tuple[dict[str, Exam], list[BadRow]]:
    splits = load_splits(FOLDER)
    bad = [row for split in splits.values() for row in split.bad_rows]
    return {name: split.exam for name, split in splits.items()}, bad


def test_every_row_is_there_but_one_without_answer(report: tuple[dict[str, Exam], list[BadRow]]) -> None:
    splits, bad = report
    assert {split: len(exam) for split, exam in splits.items()} == {
        "train": 30_480,
        "val": 2_000,
        "test": 606,
    }
    assert count_left_out(bad) == 1
    assert [(Path(row.file).name, row.row, row.reason) for row in bad if row.left_out] == [
        ("train.csv", 26_257, "no answer")
    ]
    assert list(splits["test"].annotations) == ANNOTATIONS
    assert splits["val"].annotations == {}
    assert set(splits["test"].n_options.tolist()) == {4, 5}


def test_doubtful_rows_by_kind(report: tuple[dict[str, Exam], list[BadRow]]) -> None:
    kinds = Counter((Path(row.file).stem, _kind(row.reason)) for row in report[1] if not row.left_out)
    assert kinds == {
        ("train", "options X are the same"): 75,
        ("train", "option X has no text"): 3,
        ("train", "same question and options as row n"): 5,
        ("val", "options X are the same"): 2,
        ("val", "same question and options as row n"): 1,
        ("test_with_annotations", "options X are the same"): 1,
    }


def _kind(reason: str) -> str:
    return re.sub(r"row \d+", "row n", re.sub(r"\b[A-E]\b( and \b[A-E]\b)*", "X", reason))


@pytest.mark.parametrize("name", ["train.csv", "val.csv", "test_with_annotations.csv"])
def test_published_files_come_back_to_the_byte(tmp_path: Path, name: str) -> None:
    write_exam(read_exam(FOLDER / name, "keep"), tmp_path / name)
    assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("ending", [".csv.gz", ".tsv", ".jsonl", ".json", ".parquet", ".xlsx"])
def test_other_forms_give_the_same_exam(
    tmp_path: Path, ending: str, report: tuple[dict[str, Exam], list[BadRow]]
) -> None:
    test = report[0]["test"]
    write_exam(test, tmp_path / f"test{ending}")
    again = read_exam(tmp_path / f"test{ending}")
    assert again == test
    assert again.fingerprint() == test.fingerprint()


def test_strict_reading_names_the_first_rows() -> None:
    with pytest.raises(InputError, match="3 of 2000 rows are not in order .row 555: same question"):
        read_exam_with_issues(FOLDER / "val.csv", "error")


def test_overlap_of_the_splits(report: tuple[dict[str, Exam], list[BadRow]]) -> None:
    splits = report[0]
    val = find_overlap(splits["train"], splits["val"])
    test = find_overlap(splits["train"], splits["test"])
    assert val.counts() == {"exact": 1, "stem": 8, "near": 68, "none": 1923}
    assert test.counts() == {"exact": 0, "stem": 6, "near": 24, "none": 576}
