"""Exam files: which reader and writer belongs to which file ending."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from cmexam_baseline.exam.checks import BadRow
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, offsets_of
from cmexam_baseline.exam.letters import letters_to_masks, parse_letters
from cmexam_baseline.exam.options import parse_options

SPLIT_FILES = {
    "train": ["train"],
    "val": ["val", "valid", "validation", "dev"],
    "test": ["test_with_annotations", "test"],
}


def read_exam(path: str | os.PathLike[str], bad_rows: str = "auto") -> Exam:
    """The exam in a file. Raises `InputError` where it cannot be read."""
    return read_exam_report(path, bad_rows)[0]


def read_exam_report(path: str | os.PathLike[str], bad_rows: str = "auto") -> tuple[Exam, list[BadRow]]:
    """The exam in a file, and what was wrong with its rows."""
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file} is not a file; give a CSV file in CMExam's form")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    prefix = "test" if file.stem == "test_with_annotations" else file.stem
    numbers, options, bad = [], [], []
    for number, (cell, answer) in enumerate(zip(cells["Options"], cells["Answer"], strict=True)):
        texts, mask = parse_options(cell), parse_letters(answer)
        if texts is None or not mask or mask >> len(texts):
            bad.append(
                BadRow(str(file), number + 1, "no answer or unreadable options", cell[:40], left_out=True)
            )
        else:
            numbers.append(number)
            options.append(texts)
    known = ("Question", "Options", "Answer", "Explanation")
    exam = Exam(
        ids=[f"{prefix}-{number + 1}" for number in numbers],
        questions=[cells["Question"][number] for number in numbers],
        option_texts=[text for texts in options for text in texts],
        option_offsets=offsets_of([len(texts) for texts in options]),
        answers=letters_to_masks(cells["Answer"][number] for number in numbers),
        explanations=[cells["Explanation"][number] for number in numbers],
        annotations={
            name: [values[number] for number in numbers]
            for name, values in cells.items()
            if name not in known
        },
    )
    return exam, bad


def read_splits(folder: str | os.PathLike[str]) -> dict[str, Exam]:
    """The train, val and test exams of a folder, as far as they are there, in this order."""
    splits = {}
    for split, stems in SPLIT_FILES.items():
        for stem in stems:
            file = Path(folder) / f"{stem}.csv"
            if split not in splits and file.is_file():
                splits[split] = read_exam(file)
    if not splits:
        raise InputError(f"{folder} holds no train, val or test file; expected train.csv, val.csv, test.csv")
    return splits
