"""From the files of a command line to scored systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cmexam_baseline.exam import BadRow, Exam, read_exam_with_issues
from cmexam_baseline.exam.bad_rows import count_left_out
from cmexam_baseline.exam.duplicates import find_overlap
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.foreign_exams.reader import import_exam
from cmexam_baseline.scoring import (
    AlignedOutput,
    Settings,
    SystemScore,
    Workers,
    align,
    score_pairs,
    score_system,
)
from cmexam_baseline.scoring.outputs import ColumnChoice, SystemOutput, read_outputs
from cmexam_baseline.scoring.slices import Slice, slice_exam


@dataclass(frozen=True)
class Scoring:
    """The options of `score` and `compare` as they come from the command line."""

    exam_path: Path | None
    split: str | None
    train_path: Path | None
    slice_columns: tuple[str, ...]
    profile: str
    missing: str
    answer_column: str | None
    raw_column: str | None
    explanation_column: str | None
    id_column: str | None
    resamples: int
    seed: int
    bad_rows: str
    jobs: int = 1
    backend: str = "processes"
    scheduler: str | None = None
    key: Path | None = None

    @property
    def workers(self) -> Workers:
        """Who works. Raises `InputError` where backend and scheduler do not fit."""
        if (self.backend == "dask") != (self.scheduler is not None):
            raise InputError("--backend dask and --scheduler ADDRESS belong together; give both or neither")
        return Workers(self.jobs, self.scheduler)

    @property
    def settings(self) -> Settings:
        """What the scores depend on."""
        return Settings(self.profile, self.resamples, self.seed, self.missing)

    @property
    def columns(self) -> ColumnChoice:
        """The columns that the user names."""
        return ColumnChoice(
            id=self.id_column,
            answer=self.answer_column,
            raw=self.raw_column,
            explanation=self.explanation_column,
        )


@dataclass(frozen=True)
class ExamSource:
    """Where the questions came from: the path as given, the split, rows that were left out of the file."""

    path: str
    split: str | None = None
    bad_rows: list[BadRow] = field(default_factory=list)

    @property
    def n_left_out(self) -> int:
        """How many rows of the file are not in the exam."""
        return count_left_out(self.bad_rows)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"path": self.path, "split": self.split, "left_out": self.n_left_out}


@dataclass(frozen=True)
class ScoredFiles:
    """Systems on one exam; `exam` is None where a file brought reference explanations and no questions."""

    exam: Exam | None
    source: ExamSource
    systems: list[SystemScore]
    settings: Settings
    slices: list[Slice] = field(default_factory=list)


def score_files(files: Sequence[str], options: Scoring) -> ScoredFiles:
    """Read and score the prediction files of a command line.

    Raises `InputError` where a file cannot be read or the rows do not meet the exam.
    """
    paths, exam_path = _exam_apart(files, options.exam_path)
    if exam_path is None and paths == ["-"]:
        raise InputError("predictions from standard input need an exam; name it with --exam")
    outputs = _distinct(
        [
            output
            for path in paths
            for output in read_outputs(path, options.columns, keep=options.slice_columns)
        ]
    )
    if exam_path is None:
        return _score_against_itself(paths[0], outputs, options)
    exam, bad_rows = _read_exam(exam_path, options)
    return _score(exam, ExamSource(str(exam_path), options.split, bad_rows), outputs, options)


def _exam_apart(files: Sequence[str], exam_path: Path | None) -> tuple[list[str], Path | None]:
    if exam_path is not None or len(files) == 1:
        return list(files), exam_path
    return list(files[:-1]), Path(files[-1])


def _read_exam(path: Path, options: Scoring) -> tuple[Exam, list[BadRow]]:
    """A split of a folder, or a file in our own form or that of another exam set."""
    if options.split is not None or path.is_dir():
        return read_exam_with_issues(path, options.bad_rows, split=options.split, key=options.key)
    found = import_exam(path, options.bad_rows, key=options.key)
    return found.exam, found.bad_rows


def _score(exam: Exam, source: ExamSource, outputs: Sequence[SystemOutput], options: Scoring) -> ScoredFiles:
    overlap = None
    if options.train_path is not None:
        train = read_exam_with_issues(options.train_path, options.bad_rows)[0]
        overlap = find_overlap(train, exam).category.tolist()
    aligned = [align(exam, output, options.workers) for output in outputs]
    slices = slice_exam(exam, options.slice_columns, overlap, _columns_of_files(exam, aligned))
    systems = [score_system(exam, each, slices, options.settings, options.workers) for each in aligned]
    return ScoredFiles(exam, source, systems, options.settings, slices)


def _columns_of_files(exam: Exam, systems: Sequence[AlignedOutput]) -> dict[str, Sequence[str]]:
    """Columns of the prediction files that --slice names, in the exam's order; the first file's count."""
    columns: dict[str, Sequence[str]] = {}
    for system in systems:
        rows = system.join.row_of.tolist()
        for name, cells in system.output.others.items():
            columns.setdefault(name, [cells[row] if row >= 0 else "" for row in rows])
    return columns


def _score_against_itself(path: str, outputs: Sequence[SystemOutput], options: Scoring) -> ScoredFiles:
    if any(output.references is not None for output in outputs):
        systems = [score_pairs(output, options.settings, options.workers) for output in outputs]
        return ScoredFiles(None, ExamSource(path), systems, options.settings)
    try:
        own = import_exam(path, options.bad_rows)
    except InputError as error:
        raise InputError(
            f"{path} needs an exam to be scored against; name it with --exam ({error})"
        ) from error
    return _score(own.exam, ExamSource(path, None, own.bad_rows), outputs, options)


def _distinct(outputs: Sequence[SystemOutput]) -> list[SystemOutput]:
    """Systems whose names stand for one system each: files of the same name get their folder's too."""
    names = [output.name for output in outputs]
    distinct: list[SystemOutput] = []
    for output in outputs:
        name = output.name
        if names.count(name) > 1:
            name = f"{Path(output.file).parent.name}/{name}"
        while name in {each.name for each in distinct}:
            name = f"{name}′"
        distinct.append(replace(output, name=name))
    return distinct
