"""The splits of an exam: which file of a folder is which, and what was read from it; data sets of the hub as folders."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import BadRow, InputError, count_left_out
from cmexam_baseline.exam.extras import require

if TYPE_CHECKING:
    from huggingface_hub import HfApi

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
    from cmexam_baseline.exam.sample import SAMPLE_FOLDER

    source = SAMPLE_FOLDER if folder is None else folder
    files = split_files(local_exam(source), FORMATS)
    for name in needed:
        if name not in files:
            raise InputError(f"{source} holds no {name} file; put a {name}.csv there")
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
    """The split that a file of this name (without ending) holds, or None."""
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


# Where nothing answers, requests without a limit would wait for ever.
SECONDS_TO_WAIT = 5.0
_DATA_SET = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)(?:@([\w./-]+))?")
_FILE = re.compile(r"\.(csv|tsv|jsonl?|parquet|xlsx|txt|gz)$", re.IGNORECASE)
_REASONS = {
    "RepositoryNotFoundError": "the hub has no such repository, or wants a token that may read it",
    "GatedRepoError": "the hub wants a login for it",
    "RevisionNotFoundError": "the repository has no such revision",
    "HFValidationError": "it is no valid name on the hub",
    401: "the hub does not accept the token; log in again with `hf auth login` or correct HF_TOKEN",
    403: "the token may not write there; use one with write access",
}


def local_exam(source: str | os.PathLike[str]) -> Path:
    """The path of an exam: `source`, or the snapshot of the hub's data set `owner/name` where there is no such path.

    `owner/name@revision` is a branch, tag or commit. Downloaded are the split files of the repository; with
    HF_HUB_OFFLINE=1 the copy in the cache is taken as it is. A path whose folder exists, or with the ending of a
    file, is never looked up. Raises `InputError` where the data set cannot be had.
    """
    path = Path(source)
    text = path.as_posix()
    named = _DATA_SET.fullmatch(text)
    if named is None or path.exists() or path.parent.exists() or _FILE.search(text):
        return path
    require(
        "hub",
        "huggingface_hub",
        purpose=f"{text} is not there; reading it as a data set of the Hugging Face hub",
    )
    from huggingface_hub import constants, snapshot_download

    name, revision = named.groups()
    patterns = [
        f"{folder}{one}*" for folder in ("", "data/") for names in SPLIT_NAMES.values() for one in names
    ]
    with hub_access(lambda reason: f"{text} is not there, and not on the hub as a data set: {reason}") as api:
        if not constants.HF_HUB_OFFLINE:
            api.dataset_info(name, revision=revision, timeout=SECONDS_TO_WAIT)
        folder = Path(
            snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=patterns)
        )
    if not folder.is_dir():
        raise InputError(f"{text} on the hub holds no train, val or test file; choose another data set")
    return folder


def shown_exam(path: Path) -> str:
    """A path for people to read; of the snapshot of a data set, its name and commit.

    >>> shown_exam(Path("hub/datasets--med--exam/snapshots/0a1b2c3d4e5f6071"))
    'med/exam@0a1b2c3d'
    """
    found = re.search(r"datasets--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{8})", path.as_posix())
    return "{}/{}@{}".format(*found.groups()) if found else str(path)


@contextmanager
def hub_access(message: Callable[[str], str]) -> Iterator[HfApi]:
    """The hub's interface; what fails with it raises `InputError` with `message(reason)`."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    # Errors of the hub's HTTP client (requests, httpx or httpx2, by version) come through as they are.
    expected: tuple[type[BaseException], ...] = (*HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError)
    try:
        yield HfApi()
    except InputError:
        raise
    except expected as error:
        raise InputError(message(_reason(error))) from error


def _reason(error: BaseException) -> str:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "the hub is switched off (HF_HUB_OFFLINE)"
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # what an upload's thread met
        error = error.__cause__
    response = getattr(error, "response", None)
    known = _REASONS.get(type(error).__name__) or _REASONS.get(getattr(response, "status_code", None))
    if known:
        return known
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'the hub'}: {error.strerror}"
    if response is None and not isinstance(error, ValueError | RuntimeError):
        return "the hub cannot be reached"
    return " ".join((getattr(error, "server_message", None) or str(error)).split())[:200]
