"""The splits of an exam: which file of a folder is which, and what was read from it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import BadRow, InputError, count_left_out

if TYPE_CHECKING:
    from cmexam_baseline.exam.exam import Exam

# Names of a split's file, without ending; where several are there, the first counts.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test_with_annotations", "test"),
}
_PART = re.compile(r"-\d{5}-of-\d{5}(-[0-9a-f]+)?$")
# Lists the files of a folder that `save_to_disk` of the `datasets` library wrote.
DATASETS_STATE = "state.json"


@dataclass(frozen=True)
class Split:
    """One split: its questions, and the rows of its file that were left out or deserve a remark."""

    exam: Exam
    bad_rows: list[BadRow]

    @property
    def n_left_out(self) -> int:
        """How many rows of the file are not in `exam`."""
        return count_left_out(self.bad_rows)


def load_splits(
    folder: str | os.PathLike[str] | None,
    bad_rows: str = "auto",
    needed: Sequence[str] = (),
    *,
    need_answers: bool = True,
) -> dict[str, Split]:
    """The splits of `folder`, or of the bundled sample exam for None, in the order train, val, test.

    A split's file has one of the names in `SPLIT_NAMES` and any ending that `read_exam` knows. Raises `InputError`
    where one of `needed` is missing, and as `read_exam_with_issues` does.

    >>> {name: len(split.exam) for name, split in load_splits(None).items()}
    {'train': 1717, 'val': 200, 'test': 200}
    """
    from cmexam_baseline.exam.io.formats import FORMATS, read_exam_with_issues
    from cmexam_baseline.exam.io.hub import local_exam
    from cmexam_baseline.exam.sample import SAMPLE_FOLDER

    source = SAMPLE_FOLDER if folder is None else folder
    files = split_files(local_exam(source), FORMATS)
    missing = [name for name in needed if name not in files]
    if missing:
        raise InputError(f"{source} holds no {missing[0]} file; put a {missing[0]}.csv there")
    return {
        name: Split(*read_exam_with_issues(file, bad_rows, name=name, need_answers=need_answers))
        for name, file in files.items()
    }


def load_exam(
    path: str | os.PathLike[str],
    split: str | None = None,
    bad_rows: str = "auto",
    *,
    need_answers: bool = True,
) -> Split:
    """The exam in a file, or one split of a folder, with the rows that were left out; see `read_exam`."""
    from cmexam_baseline.exam.io.formats import read_exam_with_issues

    return Split(*read_exam_with_issues(path, bad_rows, split=split, need_answers=need_answers))


def split_of(name: str) -> str | None:
    """The split that a file of this name (without ending) holds, or None.

    >>> split_of("test_with_annotations"), split_of("medqa")
    ('test', None)
    """
    return next((split for split, names in SPLIT_NAMES.items() if name.lower() in names), None)


def stem_of(path: str | os.PathLike[str]) -> str:
    """The name of a file without its ending, without .gz, and without the number that the hub gives to parts.

    >>> stem_of("data/val.csv.gz"), stem_of("data/test-00000-of-00001.parquet")
    ('val', 'test')
    """
    file = Path(path)
    stem = Path(file.stem).stem if file.suffix.lower() == ".gz" else file.stem
    return _PART.sub("", stem)


def ending_of(path: str | os.PathLike[str]) -> str:
    """The ending of a file name in lower case, .gz aside.

    >>> ending_of("predictions.CSV.gz")
    '.csv'
    """
    return Path(Path(path).name.lower().removesuffix(".gz")).suffix


def is_datasets_folder(path: Path) -> bool:
    """Whether a path is the folder of one saved data set; one of several splits has such folders inside."""
    return (path / DATASETS_STATE).is_file()


def split_files(folder: str | os.PathLike[str], endings: Collection[str]) -> dict[str, Path]:
    """The files of a folder's splits in the order train, val, test, as far as they are there.

    `endings` are the file endings to look for, each also with .gz; a split may also be a folder that the `datasets`
    library saved to disk. Where there are none, those in its folder `data` are taken. Raises `InputError` where `folder`
    is none, holds no split, or holds one split twice in files that differ only in their ending.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "val.csv").write_text("")
    >>> {split: file.name for split, file in split_files(folder, [".csv"]).items()}
    {'val': 'val.csv'}
    """
    place = Path(folder)
    if not place.is_dir():
        what = "is a file" if place.exists() else "is not there"
        raise InputError(f"{place} {what}; give a folder with train, val or test files")
    try:
        files = [file for file in sorted(place.iterdir()) if file.is_file() or is_datasets_folder(file)]
    except OSError as error:
        raise InputError(
            f"{place} cannot be read: {error.strerror or error}; check its permissions"
        ) from error
    known = tuple(f"{ending}{packed}" for ending in endings for packed in ("", ".gz"))
    found: dict[str, Path] = {}
    for split, names in SPLIT_NAMES.items():
        for name in names:
            same = [
                file
                for file in files
                if stem_of(file).lower() == name and (file.is_dir() or file.name.lower().endswith(known))
            ]
            if len(same) > 1:
                raise InputError(
                    f"{place} holds {' and '.join(file.name for file in same)}; leave only one of them, or join them"
                )
            if same:
                found.setdefault(split, same[0])
    if not found and (place / "data").is_dir():  # as in CMExam's own repository and in many on the hub
        return split_files(place / "data", endings)
    if not found:
        there = ", ".join(file.name for file in files[:5]) or "nothing"
        raise InputError(
            f"{place} holds no train, val or test file ({there} found); name them train.csv, val.csv, …"
        )
    return found
