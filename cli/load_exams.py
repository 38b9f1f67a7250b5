"""Exams as commands get them: a folder or the bundled sample, with what was wrong in the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cmexam_baseline.baselines.extra_training import JoinedExam
from cmexam_baseline.exam import BadRow, Exam
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import read_exam_report, read_splits_report
from cmexam_baseline.exam.sample import SAMPLE_FOLDER
from cmexam_baseline.exam.splits import split_of, stem_of
from cmexam_baseline.exam.validation import count_left_out

SHOWN_BAD_ROWS = 10


@dataclass(frozen=True)
class Split:
    """One split of the data: its questions, and the rows of its file that deserve a remark.

    joined: where questions of other exams stand behind the split's own, which they are
    """

    exam: Exam
    bad_rows: list[BadRow]
    joined: JoinedExam | None = None

    @property
    def n_left_out(self) -> int:
        """How many rows of the file the exam goes without."""
        return count_left_out(self.bad_rows)


def load_splits(folder: Path | None, bad_rows: str, needed: Sequence[str] = ()) -> dict[str, Split]:
    """The splits of `folder`, or of the bundled sample; `InputError` where one of `needed` is missing."""
    source = SAMPLE_FOLDER if folder is None else folder
    exams, bad = read_splits_report(source, bad_rows)
    missing = [name for name in needed if name not in exams]
    if missing:
        raise InputError(f"{source} holds no {missing[0]} file; put a {missing[0]}.csv there")
    return {
        name: Split(exam, [row for row in bad if split_of_file(row.file) == name])
        for name, exam in exams.items()
    }


def load_exam(path: Path, split: str | None, bad_rows: str, need_answers: bool = True) -> Split:
    """The exam in a file, or one split of a folder."""
    return Split(*read_exam_report(path, bad_rows, split=split, need_answers=need_answers))


def split_of_file(file: str) -> str | None:
    """The split that a file of an exam folder holds, by its name."""
    return split_of(stem_of(Path(file)))


def say_bad_rows(console: Console, splits: Mapping[str, Split]) -> None:
    """Print a table of the rows that were left out or look wrong, and how many there are of each."""
    rows = [row for split in splits.values() for row in split.bad_rows]
    if not rows:
        return
    left_out = count_left_out(rows)
    kept = len({(row.file, row.row) for row in rows}) - left_out
    console.print(f"{left_out} rows left out, {kept} kept with a remark:")
    # What is left out matters more than what is only remarked on.
    rows.sort(key=lambda row: not row.left_out)
    console.print(bad_row_table(rows[:SHOWN_BAD_ROWS]))
    if len(rows) > SHOWN_BAD_ROWS:
        console.print(f"… and {len(rows) - SHOWN_BAD_ROWS} more; `cmexam-baseline data check` lists all")


def bad_row_table(rows: Sequence[BadRow]) -> Table:
    """File, row, reason and an excerpt of every row that is given."""
    table = Table(box=None, header_style="bold")
    for name in ("file", "row", "left out", "reason", "excerpt"):
        table.add_column(name, justify="right" if name == "row" else "left")
    for row in rows:
        table.add_row(
            Path(row.file).name, str(row.row), "yes" if row.left_out else "", row.reason, row.excerpt
        )
    return table
