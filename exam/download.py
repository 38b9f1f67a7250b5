"""CMExam's published files from the authors' repository, or from a mirror of it.

A file is what its git blob id says (SHA-1 over "blob <size>\\0" and the content), so it does not matter
who sent it. The ids are those of the published files. `COMMIT` is a commit of the authors' repository from
which public projects fetched all three files and noted the sizes below; that this commit's blobs carry
these ids is what the check at the end of every download establishes.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.http_download import (
    CHUNK,
    PartNotWritten,
    RetryableError,
    RetryPolicy,
    fetch_more,
    shown,
)
from cmexam_baseline.exam.io.locks import locked
from cmexam_baseline.exam.progress import Progress

COMMIT = "fadb22c89beb1b7115dc36460ba792eb96b7b972"
SOURCE = f"https://raw.githubusercontent.com/williamliujl/CMExam/{COMMIT}/data"

LICENSE_NOTE = (
    "CMExam (https://github.com/williamliujl/CMExam) is published under Apache-2.0; its README adds: "
    "intended for academic and research use only, commercial misuse prohibited."
)
# As the authors' README gives it.
CITATION = """\
@article{liu2023benchmarking,
  title={Benchmarking Large Language Models on CMExam--A Comprehensive Chinese Medical Exam Dataset},
  author={Liu, Junling and Zhou, Peilin and Hua, Yining and Chong, Dading and Tian, Zhongyu and Liu, Andrew
          and Wang, Helin and You, Chenyu and Guo, Zhenhua and Zhu, Lei and others},
  journal={arXiv preprint arXiv:2306.03030},
  year={2023}
}"""


@dataclass(frozen=True)
class PublishedFile:
    """A file of CMExam as it was published; `size` in bytes."""

    split: str
    name: str
    size: int
    blob_id: str
    rows: int


PUBLISHED_FILES = (
    PublishedFile("train", "train.csv", 40_576_549, "be436732f2d242e01a9188c4969d1d86571bd283", 54_497),
    PublishedFile("val", "val.csv", 5_126_392, "9e7ca22b5c727749e364b196585d5c355ee2b38f", 6_811),
    PublishedFile(
        "test", "test_with_annotations.csv", 5_857_392, "e6521e67f44b0f958167c91113a2950cffa681a7", 6_811
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FetchedFile:
    """What became of one file: its path, and whether it was there already."""

    file: PublishedFile
    path: Path
    was_there: bool


def git_blob_id(content: bytes) -> str:
    """The id that git gives a file of this content.

    >>> git_blob_id(b"hello\\n")
    'ce013625030ba8dba906f756967f9e9ca394464a'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def download_exam(
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] = SOURCE,
    files: Iterable[PublishedFile] | None = None,
    overwrite: bool = False,
    patience: RetryPolicy | None = None,
    progress: Progress | None = None,
    on_retry: Callable[[str], None] | None = None,
) -> list[FetchedFile]:
    """Fetch CMExam's files into `folder`, each checked by its git blob id before it takes its place.

    source:   a URL or a folder that holds the files by their names
    files:    those to fetch; None = all of `PUBLISHED_FILES`
    progress: called as progress(name, bytes so far, bytes in all)
    on_retry: told in one line when an attempt failed and another is made

    A file that is there already is kept if it is the published one. What has come of an interrupted
    download is kept beside its target as a hidden `.part` file, and the next call goes on from there.

    Raises `InputError` where a file in the folder is another one (unless `overwrite`), and where the source
    does not give the published content.
    """
    target_folder = Path(folder)
    wanted = list(PUBLISHED_FILES if files is None else files)
    other = [file.name for file in wanted if _is_published(target_folder / file.name, file) is False]
    if other and not overwrite:
        raise InputError(
            f"{target_folder / other[0]} is there and is not the published file; "
            "give another `folder`, or `overwrite=True` to replace it"
        )
    try:
        target_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{target_folder} cannot be made: {error.strerror}; give another `folder`"
        ) from error
    # Two downloads at once would write into each other's parts.
    with locked(target_folder, "wait for it, or give another `folder`"):
        return [
            _fetched(file, target_folder / file.name, source, patience or RetryPolicy(), progress, on_retry)
            for file in wanted
        ]


def _fetched(
    file: PublishedFile,
    target: Path,
    source: str | os.PathLike[str],
    patience: RetryPolicy,
    progress: Progress | None,
    on_retry: Callable[[str], None] | None,
) -> FetchedFile:
    fetch = _Fetch(file, target, patience, progress, on_retry)
    was_there = _is_published(target, file) is True
    if not was_there:
        fetch.from_source(source)
    elif progress is not None:
        progress(file.name, file.size, file.size)
    # The file may have been complete when a download was killed, or have come from elsewhere since.
    fetch.part.unlink(missing_ok=True)
    return FetchedFile(file, target, was_there)


@dataclass(frozen=True)
class _Fetch:
    """The way of one file from its source to its place."""

    file: PublishedFile
    target: Path
    patience: RetryPolicy
    progress: Progress | None
    on_retry: Callable[[str], None] | None

    def from_source(self, source: str | os.PathLike[str]) -> None:
        text = os.fspath(source)
        if text.lower().startswith(("http://", "https://")):
            self.from_url(f"{text.rstrip('/')}/{self.file.name}")
        elif "://" in text and not text.lower().startswith("file://"):
            raise InputError(
                f"`source` {text.partition('://')[0]}://… is not supported; give http(s) or a folder"
            )
        else:
            local = urllib.parse.unquote(text[7:]) if text.lower().startswith("file://") else text
            self.from_file(Path(local) / self.file.name)

    def from_file(self, origin: Path) -> None:
        if not origin.is_file():
            raise InputError(
                f"{origin} is not there; give a folder that holds the published files as `source`"
            )
        found = self._place(origin)
        if found is not None:
            raise InputError(
                f"{origin} is not the published file: {self._difference(*found)}; give another `source`"
            )

    @property
    def part(self) -> Path:
        """Where what has come by now is kept."""
        return self.target.with_name(f".{self.target.name}.{self.file.blob_id[:8]}.part")

    def from_url(self, url: str) -> None:
        part = self.part
        failures, afresh = 0, 0
        while True:
            before = _size(part)
            reason, wait = self._attempt(url, part)
            found = self._place(part) if part.exists() else (0, "")
            if found is None:
                part.unlink(missing_ok=True)
                return
            failures = 0 if _size(part) - before >= CHUNK else failures + 1
            if not reason:  # the server says that this was all, and it is not the published file
                part.unlink(missing_ok=True)
                afresh += 1
                if afresh > 1 or not before:
                    raise InputError(
                        f"{shown(url)} is not the published file: {self._difference(*found)}; "
                        "try again later or give another `source`"
                    )
                reason = "what had come does not fit the published file, starting afresh"
            if failures >= self.patience.attempts:
                raise InputError(
                    f"{shown(url)}: {reason} ({failures} attempts); run the command again to go on from "
                    f"{_size(part):,} bytes, or give another `source`"
                )
            self._pause(reason, wait, failures)

    def _attempt(self, url: str, part: Path) -> tuple[str, float | None]:
        """One attempt: why it failed ("" = the server gave all), and the wait that the server asks for."""
        try:
            fetch_more(url, part, 2 * self.file.size, self.patience, self._report)
        except RetryableError as failure:
            return str(failure), failure.wait
        except PartNotWritten:
            raise
        except InputError:
            part.unlink(missing_ok=True)
            raise
        return "", None

    def _pause(self, reason: str, wait: float | None, failures: int) -> None:
        seconds = self.patience.backoff * 2 ** max(failures - 1, 0) if wait is None else wait
        if self.on_retry is not None:
            self.on_retry(f"{self.file.name}: {reason}; trying again in {seconds:g} s")
        time.sleep(seconds)

    def _report(self, done: int, total: int | None) -> None:
        if self.progress is not None:
            self.progress(self.file.name, done, total or self.file.size)

    def _place(self, origin: Path) -> tuple[int, str] | None:
        """Write `origin`'s content to the target if it is the published one; else give its size and blob id.

        The bytes that are hashed are the bytes that are written, so nothing can change in between.
        """
        content = origin.read_bytes()
        blob_id = git_blob_id(content)
        if blob_id != self.file.blob_id:
            return len(content), blob_id
        write_atomically(self.target, content)
        return None

    def _difference(self, size: int, blob_id: str) -> str:
        if size != self.file.size:
            return f"{size:,} bytes instead of {self.file.size:,}"
        return f"git blob id {blob_id[:12]}… instead of {self.file.blob_id[:12]}…"


def _is_published(path: Path, file: PublishedFile) -> bool | None:
    """Whether `path` holds the published content; None where nothing is there."""
    if not path.exists():
        return None
    return path.is_file() and git_blob_id(path.read_bytes()) == file.blob_id


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
