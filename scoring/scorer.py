"""From prediction files and an exam to a report: read, match, extract, score, compare."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam import BadRow, Exam
from cmexam_baseline.exam.errors import InputError, count_left_out
from cmexam_baseline.exam.io.file_bytes import open_file
from cmexam_baseline.exam.io.formats import import_exam, read_exam_with_issues
from cmexam_baseline.exam.io.table import is_frame, to_frame
from cmexam_baseline.exam.splits import local_exam, shown_exam
from cmexam_baseline.scoring.alignment import AlignedOutput, align
from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice
from cmexam_baseline.scoring.outputs.reader import SystemOutput, read_outputs, read_pairs
from cmexam_baseline.scoring.outputs.shapes import join_shards
from cmexam_baseline.scoring.parallel import Executor
from cmexam_baseline.scoring.slices import Slice, slice_exam
from cmexam_baseline.scoring.system_score import Interval, Settings, SystemScore, score_pairs, score_system

if TYPE_CHECKING:
    from cmexam_baseline import metrics
    from cmexam_baseline.scoring.comparison import Comparison

PathLike = str | os.PathLike[str]


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


@dataclass(frozen=True)
class Reading:
    """How prediction files and exams are read, besides what their columns are.

    columns:    columns of the prediction files that are known; the others are recognised
    index_base: whether numbers as answers count options from 0 or 1; None = only if the file settles it
    split:      of an exam that is a folder
    key:        a file with the answers of an exam that comes without them
    bad_rows:   what to do about rows of the exam that cannot be used, a key of `exam.errors.BAD_ROWS`
    slice_by:   further columns to slice by, of the exam or of the prediction files
    train:      training questions, to slice by overlap with them
    """

    columns: ColumnChoice = ColumnChoice()
    index_base: int | None = None
    split: str | None = None
    key: PathLike | None = None
    bad_rows: str = "auto"
    slice_by: tuple[str, ...] = ()
    train: PathLike | Exam | None = None


@dataclass(frozen=True, eq=False)
class Report:
    """The scores of one system or several on an exam.

    exam:    the questions; None where a file held reference explanations and no exam was given
    systems: in the order of the files
    slices:  the groups of questions that the systems are scored on
    """

    exam: Exam | None
    source: ExamSource
    systems: list[SystemScore]
    settings: Settings
    slices: list[Slice] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """Of the only system, a fraction; `InputError` where there are several, or it gives no answers."""
        return self.interval("accuracy").value

    def interval(self, figure: str, system: str | None = None) -> Interval:
        """A figure of a system with the ends of its 95% interval.

        figure: accuracy, weighted_f1, unread_rate (fractions), bleu1 … bleu4, rouge1, rouge2, rougeL (percent)
        system: a name; None = the only one

        Raises `InputError` for a figure or system that there is not.
        """
        score = self._system(system)
        if figure not in score.intervals:
            raise InputError(f"{score.name} has no figure {figure!r}; it has {', '.join(score.intervals)}")
        return score.intervals[figure]

    def to_dict(self, fingerprint: bool = True) -> dict[str, Any]:
        """Everything that was measured, as `score --json` prints it (scoring/score.schema.json).

        fingerprint: whether the hash of the questions is among it, which takes a moment
        """
        from cmexam_baseline.scoring.report_data import report_of

        return report_of(self, fingerprint)

    def to_frame(self, library: str | None = None) -> Any:
        """One row per system and question: id, gold, answer, correct, the rule that read it, BLEU and ROUGE.

        library: "pandas" or "polars"; None takes pandas where it is installed, else polars

        Raises `InputError` where the library is missing, or where there is no exam.
        """
        return to_frame(self.to_columns(), library)

    def to_columns(self) -> dict[str, list[Any]]:
        """The columns of `to_frame` as lists."""
        from cmexam_baseline.scoring.report_data import rows_of

        parts = list(rows_of(self))
        return {name: [cell for part in parts for cell in part[name]] for name in parts[0]}

    def save_html(self, path: PathLike, language: str = "en", title: str | None = None) -> None:
        """Write a self-contained page with figures, charts and missed questions, in "en" or "zh".

        Raises `InputError` where the report extra is not installed or the page cannot be written.
        """
        from cmexam_baseline.exam.io.files import write_atomically
        from cmexam_baseline.scoring.report import report_page

        write_atomically(path, report_page(self, language, title).encode("utf-8", "replace"))

    def save_rows(self, path: PathLike) -> None:
        """Write the columns of `to_frame` as CSV or JSONL, one row per system and question.

        Raises `InputError` where there is no exam or the file cannot be written.
        """
        from cmexam_baseline.exam.io.text_formats import write_columns
        from cmexam_baseline.scoring.report_data import rows_of

        write_columns(rows_of(self), path)

    def compare(self, all_pairs: bool | None = None) -> Comparison:
        """Compare the systems with one another; see `compare_systems`."""
        from cmexam_baseline.scoring.comparison import compare_systems

        if self.exam is None:
            raise InputError("a comparison needs the exam that the systems answered; give `exam`")
        return compare_systems(self.exam, self.systems, self.settings, self.slices, all_pairs)

    def _system(self, name: str | None) -> SystemScore:
        names = [system.name for system in self.systems]
        if name is None and len(names) != 1:
            raise InputError(f"{len(names)} systems; name one: {', '.join(names)}")
        if name is not None and name not in names:
            raise InputError(f"there is no system {name!r}; there are {', '.join(names)}")
        return self.systems[0 if name is None else names.index(name)]


def score_file(
    source: object,
    exam: Exam | object | None = None,
    *,
    split: str | None = None,
    profile: str | metrics.Profile = "cmexam",
    missing: str = "wrong",
    samples: str | None = None,
    index_base: int | None = None,
    columns: ColumnChoice | None = None,
    slice_by: Sequence[str] = (),
    train: PathLike | Exam | None = None,
    bad_rows: str = "auto",
    resamples: int = 1000,
    random_state: int = 0,
    n_jobs: int = 1,
) -> Report:
    """Score any model's output: read it, find the question of every row, extract the answers, score.

    source:       a path, a frame (pandas, polars, datasets) or a list of mappings, in any shape that tools write
    exam:         an `Exam`, the path of one (a folder with `split`), or a frame; None where the source itself
                  holds questions and answers, or reference explanations
    profile:      whose definition of BLEU and ROUGE
    missing:      "wrong", "skip" or "error": what a question without a row is
    samples:      "first", "vote" or "mean": what several replies to a question come to
    index_base:   0 or 1 where answers are numbers
    columns:      columns that are known; the others are recognised by content and name
    slice_by:     further columns to slice by
    train:        training questions, to slice by overlap with them
    bad_rows:     what to do about rows of the exam that cannot be used
    resamples, random_state: of the bootstrap
    n_jobs:       processes that share the work

    Raises `InputError` where something cannot be read, rows do not match the exam, or it is open which column holds
    the model's answers.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> exam = sample_exam("val")[:4]
    >>> replies = ["答案：A", "选B", "正确答案是C。", "无法判断"]
    >>> report = score_file([{"id": i, "response": r} for i, r in zip(exam.ids, replies)], exam)
    >>> report.accuracy == sum(a == b for a, b in zip(exam.letters(), "ABC")) / 4
    True
    >>> report.to_columns()["answer"]
    ['A', 'B', 'C', '']
    """
    settings = Settings(profile, resamples, random_state, missing, samples)
    reading = Reading(
        columns or ColumnChoice(),
        index_base,
        split,
        bad_rows=bad_rows,
        slice_by=tuple(slice_by),
        train=train,
    )
    return score_files([source], exam, settings, reading, Executor(n_jobs))


def compare(
    sources: Sequence[object],
    exam: Exam | object,
    *,
    split: str | None = None,
    profile: str | metrics.Profile = "cmexam",
    missing: str = "wrong",
    samples: str | None = None,
    columns: ColumnChoice | None = None,
    bad_rows: str = "auto",
    resamples: int = 1000,
    random_state: int = 0,
    all_pairs: bool | None = None,
) -> Comparison:
    """Compare the systems of several prediction files, or of one that holds several, on one exam.

    The parameters are those of `score_file`; `all_pairs` is that of `compare_systems`.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> exam = sample_exam("val")[:20]
    >>> good = [{"id": i, "response": f"答案：{a}"} for i, a in zip(exam.ids, exam.letters())]
    >>> found = compare([good, good[:10]], exam)
    >>> found.differences[0].figure, found.differences[0].value
    ('accuracy', 0.5)
    """
    settings = Settings(profile, resamples, random_state, missing, samples)
    reading = Reading(columns or ColumnChoice(), split=split, bad_rows=bad_rows)
    return score_files(list(sources), exam, settings, reading).compare(all_pairs)


def score_files(
    sources: Sequence[object],
    exam: Exam | object | None,
    settings: Settings | None = None,
    reading: Reading | None = None,
    workers: Executor | None = None,
) -> Report:
    """Score the systems of several prediction files on one exam; see `score_file`.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> rows = [{"id": "val-1", "gpt_answer": "A", "qwen_answer": "B"}, {"id": "val-2", "gpt_answer": "C"}]
    >>> [system.name for system in score_files([rows], sample_exam("val")).systems]
    ['gpt_answer', 'qwen_answer']
    """
    chosen, how, team = settings or Settings(), reading or Reading(), workers or Executor()
    groups = _with_shards_joined(sources)
    if exam is None:
        return _score_without_exam(groups, chosen, how, team)
    known, source = _the_exam(exam, how)
    return _score(known, known, source, groups, chosen, how, team)


def _with_shards_joined(sources: Sequence[object]) -> list[object]:
    paths = [os.fspath(source) for source in sources if isinstance(source, str | os.PathLike)]
    if len(paths) < len(sources):
        return list(sources)
    return [group[0] if len(group) == 1 else group for group in join_shards(paths)]


def _the_exam(exam: object, how: Reading) -> tuple[Exam, ExamSource]:
    """A split of a folder, a file in our own form or that of another exam set, or a frame."""
    if isinstance(exam, Exam):
        return exam, ExamSource("the exam", how.split)
    if is_frame(exam):
        found, bad_rows = read_exam_with_issues(exam, how.bad_rows)
        return found, ExamSource("data frame", None, bad_rows)
    if not isinstance(exam, str | os.PathLike):
        raise InputError(f"`exam` must be an Exam, a frame or the path of one; got {type(exam).__name__}")
    path = local_exam(exam)
    if not path.is_dir():
        open_file(path).close()  # a path that is not there matters more than its ending
    imported = import_exam(path, how.bad_rows, split=how.split, key=how.key)
    return imported.exam, ExamSource(shown_exam(path), how.split, imported.bad_rows)


def _score(
    exam: Exam,
    asked: Exam,
    source: ExamSource,
    groups: Sequence[object],
    settings: Settings,
    how: Reading,
    workers: Executor,
) -> Report:
    """Score all files; `asked` is what their columns are compared with."""
    left_out = {row.row for row in source.bad_rows if row.left_out}
    outputs: list[SystemOutput] = []
    for group in groups:
        outputs += read_outputs(
            group, asked, how.columns, keep=how.slice_by, left_out=left_out, index_base=how.index_base
        )
    overlap = None
    if how.train is not None:
        from cmexam_baseline.exam.duplicates import find_overlap

        train = how.train
        if not isinstance(train, Exam):
            train = read_exam_with_issues(train, how.bad_rows)[0]
        overlap = find_overlap(train, exam).category.tolist()
    aligned = [align(exam, output, workers, settings.samples) for output in distinct_outputs(outputs)]
    slices = slice_exam(exam, how.slice_by, overlap, _columns_of_files(aligned))
    systems = [score_system(exam, each, slices, settings, workers) for each in aligned]
    return Report(exam, source, systems, settings, slices)


def _columns_of_files(systems: Iterable[AlignedOutput]) -> dict[str, Sequence[str]]:
    """Columns of the prediction files that are sliced by, in the exam's order; the first file's count."""
    columns: dict[str, Sequence[str]] = {}
    for system in systems:
        rows = system.row_of.tolist()
        for name, cells in system.output.others.items():
            columns.setdefault(name, [cells[row] if row >= 0 else "" for row in rows])
    return columns


def _score_without_exam(
    groups: Sequence[object], settings: Settings, how: Reading, workers: Executor
) -> Report:
    if len(groups) != 1:
        raise InputError(f"{len(groups)} files and no exam; give `exam`")
    if groups[0] == "-":
        raise InputError("predictions from standard input need an exam; give `exam`")
    shown = str(groups[0]) if isinstance(groups[0], str | os.PathLike) else "the frame"
    pairs = read_pairs(groups[0], how.columns)
    if pairs is not None:
        return Report(None, ExamSource(shown), [score_pairs(pairs, settings, workers)], settings)
    if not isinstance(groups[0], str | os.PathLike):
        raise InputError("a frame needs the exam that was answered; give `exam`")
    try:
        own = import_exam(groups[0], how.bad_rows)
    except InputError as error:
        raise InputError(f"{shown} needs the exam that was answered; give `exam` ({error})") from error
    source = ExamSource(shown, None, own.bad_rows)
    # Columns of the model's are annotations to who reads the file as an exam.
    asked = replace(own.exam, annotations={})
    return _score(own.exam, asked, source, groups, settings, how, workers)


def distinct_outputs(outputs: Sequence[SystemOutput]) -> list[SystemOutput]:
    """Systems with different names: files of the same name get their folder's too."""
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
