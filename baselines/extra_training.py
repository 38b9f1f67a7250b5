"""Questions of other exams added to the training questions, without those that val or test overlap with."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import find_overlap
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.splits import SPLIT_NAMES, Split, stem_of


@dataclass(frozen=True)
class Excluded:
    """A question of another exam that was left out, and the question that it overlaps with.

    source: name of the other exam; id and question: its own
    reason: "exact", "stem" or "near" (see `find_overlap`)
    split:  "val", "test", "train", or the name of another source; match: id of the question there
    """

    source: str
    id: str
    question: str
    reason: str
    split: str
    match: str


@dataclass(frozen=True, eq=False)
class JoinedExam:
    """Training questions followed by those of other exams.

    exam:     all of them; ids of other exams are "<source>:<id>"
    sources:  names of the other exams
    source:   int64 (n,), 0 for the training exam's own questions, i + 1 for those of sources[i]
    excluded: what was left out
    """

    exam: Exam
    sources: list[str]
    source: NDArray[np.int64]
    excluded: list[Excluded]

    @property
    def is_extra(self) -> NDArray[np.bool_]:
        """Whether each question comes from another exam, bool (n,)."""
        return self.source > 0

    def counts(self) -> dict[str, dict[str, int]]:
        """For each source: the number of questions added, and left out per split."""
        found = {name: {"joined": int((self.source == i).sum())} for i, name in enumerate(self.sources, 1)}
        for row in self.excluded:
            counts = found[row.source]
            name = f"excluded_{row.split}" if row.split in SPLIT_NAMES else "excluded_other"
            counts[name] = counts.get(name, 0) + 1
        return found

    def excluded_csv(self) -> str:
        """CSV of every question that was left out, with the question that it overlaps with."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow([field.name for field in fields(Excluded)])
        table.writerows(astuple(row) for row in self.excluded)
        return text.getvalue()


def add_extra_train(
    splits: Mapping[str, Split], files: Sequence[Path], bad_rows: str = "auto"
) -> tuple[dict[str, Split], JoinedExam]:
    """`splits` with the questions of `files` after those of train, without those that val and test overlap.

    Raises `InputError` where a file cannot be read.
    """
    from cmexam_baseline.exam import import_exam

    exams: dict[str, Exam] = {}
    remarks = list(splits["train"].bad_rows)
    for file in files:
        other = import_exam(file, bad_rows)
        remarks += other.bad_rows
        exams[_free_name(stem_of(file), exams)] = other.exam
    asked = {name: split.exam for name, split in splits.items() if name != "train"}
    joined = join_extra(splits["train"].exam, exams, asked)
    return {**splits, "train": Split(joined.exam, remarks)}, joined


def join_extra(train: Exam, extra: Mapping[str, Exam], asked: Mapping[str, Exam]) -> JoinedExam:
    """`train` with the questions of each exam of `extra` that no exam of `asked` (val, test) overlaps with.

    A question is left out if its stem occurs in an asked exam, the same or nearly, or if it nearly contains an
    asked stem; afterwards `find_overlap(extra, asked)` finds nothing. Duplicates of questions of `train` or an
    earlier source are left out too.

    >>> from cmexam_baseline.exam.question import Question
    >>> train = Exam.from_questions([Question("1", "夜盲症是缺乏", ("维生素A", "碘"), "A")])
    >>> val = Exam.from_questions([Question("1", "坏血病是缺乏", ("维生素C", "碘"), "A")])
    >>> other = Exam.from_questions([
    ...     Question("1", "坏血病是缺乏：", ("锌", "维生素C"), "B"),
    ...     Question("2", "克汀病是缺乏", ("锌", "碘"), "B"),
    ... ])
    >>> joined = join_extra(train, {"other": other}, {"val": val})
    >>> joined.exam.ids, joined.source.tolist()
    (['1', 'other:2'], [0, 1])
    >>> joined.excluded[0].reason, joined.excluded[0].split, joined.counts()
    ('stem', 'val', {'other': {'joined': 1, 'excluded_val': 1}})
    """
    excluded: list[Excluded] = []
    parts, sources = {"train": train}, [np.zeros(len(train), dtype=np.int64)]
    for number, (name, exam) in enumerate(extra.items(), 1):
        kept = exam
        for split, questions in asked.items():
            kept = _without_overlap(kept, questions, name, split, excluded)
        for known, questions in parts.items():
            kept = _without_copies(kept, questions, name, known, excluded)
        parts[name] = replace(kept, ids=[f"{name}:{one}" for one in kept.ids])
        sources.append(np.full(len(kept), number, dtype=np.int64))
    joined = Exam.concatenate(list(parts.values()))
    return JoinedExam(joined, list(extra), np.concatenate(sources), excluded)


def _without_overlap(exam: Exam, asked: Exam, source: str, split: str, excluded: list[Excluded]) -> Exam:
    overlap = find_overlap(asked, exam)
    rows = np.flatnonzero(overlap.overlaps)
    for row in rows.tolist():
        match = asked.ids[int(overlap.match[row])]
        excluded.append(_excluded(exam, row, source, str(overlap.category[row]), split, match))
    exam = _dropped(exam, rows)
    while True:
        # A longer stem can contain an asked one; each pass finds the nearest such question of every stem.
        overlap = find_overlap(exam, asked)
        rows = np.unique(overlap.match[overlap.overlaps])
        if not len(rows):
            return exam
        for row in rows.tolist():
            place = int(np.flatnonzero(overlap.match == row)[0])
            category = str(overlap.category[place])
            excluded.append(_excluded(exam, row, source, category, split, asked.ids[place]))
        exam = _dropped(exam, rows)


def _without_copies(exam: Exam, known: Exam, source: str, known_as: str, excluded: list[Excluded]) -> Exam:
    overlap = find_overlap(known, exam)
    rows = np.flatnonzero(overlap.category == "exact")
    for row in rows.tolist():
        match = known.ids[int(overlap.match[row])]
        excluded.append(_excluded(exam, row, source, "exact", known_as, match))
    return _dropped(exam, rows)


def _excluded(exam: Exam, row: int, source: str, reason: str, split: str, match: str) -> Excluded:
    return Excluded(source, exam.ids[row], exam.questions[row], reason, split, match)


def _dropped(exam: Exam, rows: NDArray[np.int64]) -> Exam:
    kept = np.ones(len(exam), dtype=np.bool_)
    kept[rows] = False
    return exam[kept]


def _free_name(stem: str, taken: Mapping[str, Exam]) -> str:
    """`stem`, or `stem-2` and so on where another file has that name already."""
    name, number = stem, 1
    while name in taken or name in SPLIT_NAMES:
        number += 1
        name = f"{stem}-{number}"
    return name
