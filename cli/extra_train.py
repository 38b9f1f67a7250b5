"""Questions of other exams that join the training split (`train --extra-train`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path

from rich.console import Console

from cmexam_baseline.baselines.extra_training import Excluded, JoinedExam, join_extra
from cmexam_baseline.cli.console import plain
from cmexam_baseline.cli.load_exams import Split
from cmexam_baseline.exam import Exam, read_any_exam
from cmexam_baseline.exam.splits import SPLIT_NAMES, stem_of


def with_extra_train(splits: Mapping[str, Split], files: Sequence[Path], bad_rows: str) -> dict[str, Split]:
    """`splits` with the questions of `files` behind those of train, as far as val and test allow."""
    exams: dict[str, Exam] = {}
    remarks = list(splits["train"].bad_rows)
    for file in files:
        other = read_any_exam(file, bad_rows)
        remarks += other.bad_rows
        exams[_free_name(stem_of(file), exams)] = other.exam
    asked = {name: split.exam for name, split in splits.items() if name != "train"}
    joined = join_extra(splits["train"].exam, exams, asked)
    train = replace(splits["train"], exam=joined.exam, bad_rows=remarks, joined=joined)
    return {**splits, "train": train}


def say_extra(console: Console, joined: JoinedExam) -> None:
    """A line for each source: how many of its questions joined and how many stayed out, and why."""
    reasons = {
        "excluded_val": "overlap with val",
        "excluded_test": "overlap with test",
        "excluded_train": "stand in train",
        "excluded_other": "stand in an earlier file",
    }
    for source, counts in joined.counts().items():
        out = [f"{counts[name]:,} {why}" for name, why in reasons.items() if counts.get(name)]
        left = f"; left out: {', '.join(out)}" if out else ""
        console.print(f"{plain(source)}: {counts['joined']:,} questions join the training questions{left}")


def excluded_table(joined: JoinedExam) -> str:
    """CSV of every question that stayed out, with the question that it is too close to."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([field.name for field in fields(Excluded)])
    table.writerows(astuple(row) for row in joined.excluded)
    return text.getvalue()


def _free_name(stem: str, taken: Mapping[str, Exam]) -> str:
    """`stem`, or `stem-2` and so on where another file has that name already."""
    name, number = stem, 1
    while name in taken or name in SPLIT_NAMES:
        number += 1
        name = f"{stem}-{number}"
    return name
