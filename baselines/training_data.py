"""The exam that a model is trained on: its splits, and other exams that join the training questions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.extra_training import JoinedExam, add_extra_train
from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import StageTimer
from cmexam_baseline.exam.splits import Split, load_splits

PathLike = str | os.PathLike[str]


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
        return self.splits["val"].exam if "val" in self.splits else None

    @property
    def held_out(self) -> dict[str, Exam]:
        """All splits but train, by name."""
        return {name: split.exam for name, split in self.splits.items() if name != "train"}

    @property
    def from_other_exam(self) -> NDArray[np.bool_] | None:
        """Which training questions come from another exam, bool (n,)."""
        return None if self.joined is None else self.joined.is_extra


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
    if not extra_train:
        return TrainingData(splits)
    with timer.stage("joining other exams"):
        return TrainingData(*add_extra_train(splits, [Path(file) for file in extra_train], bad_rows))
