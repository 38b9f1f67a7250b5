"""The exam that a model is trained on: its splits, and questions of other exams that join the training questions."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import find_overlap
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.text_formats import csv_text
from cmexam_baseline.exam.progress import StageTimer
from cmexam_baseline.exam.splits import SPLIT_NAMES, Split, load_splits, stem_of

PathLike = str | os.PathLike[str]


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

    def counts(self) -> dict[str, dict[str, int]]:
        """For each source: the number of questions added, and left out per split."""
        found = {
            name: Counter(joined=int((self.source == i).sum())) for i, name in enumerate(self.sources, 1)
        }
        for row in self.excluded:
            found[row.source][f"excluded_{row.split if row.split in SPLIT_NAMES else 'other'}"] += 1
        return {name: dict(counts) for name, counts in found.items()}

    def excluded_csv(self) -> str:
        """CSV of every question that was left out, with the question that it overlaps with."""
        return csv_text([field.name for field in fields(Excluded)], map(astuple, self.excluded))


@dataclass(frozen=True)
class TrainingData:
    """The splits of an exam, and where the training questions come from if other exams joined them."""

    splits: Mapping[str, Split]
    joined: JoinedExam | None = None

    @property
    def train(self) -> Exam:
        """The training questions."""
        return self.splits["train"].exam

    @property
    def val(self) -> Exam | None:
        """The validation questions, if there are any."""
        return self.held_out.get("val")

    @property
    def held_out(self) -> dict[str, Exam]:
        """All splits but train, by name."""
        return {name: split.exam for name, split in self.splits.items() if name != "train"}

    @property
    def from_other_exam(self) -> NDArray[np.bool_] | None:
        """Which training questions come from another exam, bool (n,)."""
        return None if self.joined is None else self.joined.source > 0


def load_training_data(
    data: PathLike | Mapping[str, Exam] | None,
    *,
    extra_train: Sequence[PathLike] = (),
    bad_rows: str = "auto",
    needed: Sequence[str] = ("train",),
    progress: StageTimer | None = None,
) -> TrainingData:
    """The exam to train on: a folder with splits, exams by split, or the bundled sample exam for None.

    extra_train: other exams in any format, whose questions join the training questions unless val or test
                 overlap with them
    needed:      splits that must be there

    Raises `InputError` if a file cannot be read or a split is missing.
    """
    timer = progress or StageTimer()
    with timer.stage("reading the exam"):
        if isinstance(data, Mapping):
            splits = {name: Split(exam, []) for name, exam in data.items()}
            missing = [name for name in needed if name not in splits]
            if missing:
                raise InputError(f"`data` has no {missing[0]} split; add one")
        else:
            splits = load_splits(data, bad_rows, needed)
    found = TrainingData(splits)
    if not extra_train:
        return found
    from cmexam_baseline.exam import import_exam

    with timer.stage("joining other exams"):
        exams: dict[str, Exam] = {}
        bad = list(splits["train"].bad_rows)
        for file in extra_train:
            other = import_exam(file, bad_rows)
            bad += other.bad_rows
            exams[_free_name(stem_of(file), exams)] = other.exam
        joined = join_extra(found.train, exams, found.held_out)
        return TrainingData({**splits, "train": Split(joined.exam, bad)}, joined)


def join_extra(train: Exam, extra: Mapping[str, Exam], asked: Mapping[str, Exam]) -> JoinedExam:
    """`train` with the questions of each exam of `extra` that no exam of `asked` (val, test) overlaps with.

    A question is left out if its stem occurs in an asked exam, the same or nearly, or if it nearly contains an
    asked stem; afterwards `find_overlap(extra, asked)` finds nothing. Duplicates of questions of `train` or an
    earlier source are left out too.

    >>> from cmexam_baseline.exam.exam import Question
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
    parts = {"train": train}
    for name, exam in extra.items():
        for split, questions in asked.items():
            exam = _leave_out(exam, _overlapping(exam, questions), name, split, excluded)
            # A longer stem can contain an asked one; each pass finds the nearest such question of every stem.
            while found := _containing(exam, questions):
                exam = _leave_out(exam, found, name, split, excluded)
        for known, questions in parts.items():
            copies = {row: at for row, at in _overlapping(exam, questions).items() if at[0] == "exact"}
            exam = _leave_out(exam, copies, name, known, excluded)
        parts[name] = replace(exam, ids=[f"{name}:{one}" for one in exam.ids])
    source = np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])
    return JoinedExam(Exam.concatenate(list(parts.values())), list(extra), source, excluded)


def _overlapping(exam: Exam, known: Exam) -> dict[int, tuple[str, str]]:
    """Rows of `exam` that overlap with `known`, with category and id of the question there."""
    overlap = find_overlap(known, exam)
    rows = np.flatnonzero(overlap.overlaps).tolist()
    return {row: (str(overlap.category[row]), known.ids[int(overlap.match[row])]) for row in rows}


def _containing(exam: Exam, asked: Exam) -> dict[int, tuple[str, str]]:
    """Rows of `exam` with which questions of `asked` overlap, with category and id of the first of these."""
    overlap = find_overlap(exam, asked)
    rows, first = np.unique(overlap.match, return_index=True)
    return {
        row: (str(overlap.category[place]), asked.ids[place])
        for row, place in zip(rows.tolist(), first.tolist(), strict=True)
        if row >= 0
    }


def _leave_out(
    exam: Exam, found: Mapping[int, tuple[str, str]], source: str, split: str, excluded: list[Excluded]
) -> Exam:
    excluded += [
        Excluded(source, exam.ids[row], exam.questions[row], reason, split, match)
        for row, (reason, match) in found.items()
    ]
    return exam[np.setdiff1d(np.arange(len(exam)), list(found))] if found else exam


def _free_name(stem: str, taken: Mapping[str, Exam]) -> str:
    """`stem`, or `stem-2` and so on where another file has that name already."""
    name, number = stem, 1
    while name in taken or name in SPLIT_NAMES:
        number += 1
        name = f"{stem}-{number}"
    return name
