"""CMExam's published files from the authors' repository, or from a mirror of it.

A file is what its git blob id says (SHA-1 over "blob <size>\\0" and the content), so it does not matter who sent it.
`COMMIT` is a commit of the authors' repository from which public projects fetched all three files and noted the sizes
below; the check at the end of every download establishes that its blobs carry the ids below.
"""

from __future__ import annotations

import email.utils
import errno
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from cmexam_baseline.exam.errors import InputError, excerpt_of
from cmexam_baseline.exam.io.files import locked, write_atomically
from cmexam_baseline.exam.progress import Progress, no_progress

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


CHUNK = 1 << 16
RETRIED_STATUS = frozenset([408, 425, 429, 500, 502, 503, 504])
LONGEST_WAIT = 60.0
_OF_THE_DISK = frozenset([errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EFBIG])


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


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a server and how often to come back.

    timeout:  seconds without a connection or without `CHUNK` more bytes before an attempt is given up
    attempts: attempts in a row that may bring less than `CHUNK` new bytes before the download fails
    backoff:  seconds before the second attempt, twice as long for each further one; a server's Retry-After counts
              instead, up to a minute
    """

    timeout: float = 30.0
    attempts: int = 5
    backoff: float = 1.0


def git_blob_id(content: bytes) -> str:
    """The id that git gives a file of this content.

    >>> git_blob_id(b"hello\\n")
    'ce013625030ba8dba906f756967f9e9ca394464a'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def download_exam(
    folder: str | os.PathLike[str],
    source: str | os.PathLike[str] = SOURCE,
    files: Iterable[PublishedFile] = PUBLISHED_FILES,
    overwrite: bool = False,
    policy: RetryPolicy | None = None,
    progress: Progress = no_progress,
    on_retry: Callable[[str], None] | None = None,
) -> list[FetchedFile]:
    """Fetch CMExam's files into `folder`, each checked by its git blob id before it takes its place.

    source:   a URL or a folder that holds the files by their names
    progress: called as progress(name, bytes so far, bytes in all)
    on_retry: told in one line when an attempt failed and another is made

    A file that is there already is kept if it is the published one. What has come of an interrupted
    download is kept beside its target as a hidden `.part` file, and the next call goes on from there.

    Raises `InputError` where a file in the folder is another one (unless `overwrite`), and where the source
    does not give the published content.
    """
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{place} cannot be made: {error.strerror}; give another `folder`") from error
    # Two downloads at once would write into each other's parts.
    with locked(place, "wait for it, or give another `folder`"):
        downloads = [
            _Download(file, place / file.name, policy or RetryPolicy(), progress, on_retry) for file in files
        ]
        was_there = [each.is_done() for each in downloads]
        for each, done in zip(downloads, was_there, strict=True):
            if each.target.exists() and not done and not overwrite:
                raise InputError(
                    f"{each.target} is there and is not the published file; "
                    "give another `folder`, or `overwrite=True` to replace it"
                )
        for each, done in zip(downloads, was_there, strict=True):
            if done:
                progress(each.file.name, each.file.size, each.file.size)
            else:
                each.from_source(os.fspath(source))
            # The file may have been complete when a download was killed, or have come from elsewhere since.
            each.part.unlink(missing_ok=True)
    return [
        FetchedFile(each.file, each.target, done) for each, done in zip(downloads, was_there, strict=True)
    ]


def shown(url: str) -> str:
    """A URL without the user name and password that it may contain.

    >>> shown("https://me:secret@mirror.org/data/train.csv?token=1")
    'https://mirror.org/data/train.csv'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _RetryableError(Exception):
    """What made an attempt fail that may succeed when it is made again, and the wait that the server asks for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class _Download:
    """One file on its way from its source to its place."""

    file: PublishedFile
    target: Path
    policy: RetryPolicy
    progress: Progress
    on_retry: Callable[[str], None] | None

    @property
    def part(self) -> Path:
        """Where the bytes received so far are kept."""
        return self.target.with_name(f".{self.target.name}.{self.file.blob_id[:8]}.part")

    def is_done(self) -> bool:
        return self.target.is_file() and not self._fault(self.target.read_bytes())

    def from_source(self, source: str) -> None:
        scheme = source.partition("://")[0].lower() if "://" in source else ""
        if scheme in ("http", "https"):
            self._from_url(f"{source.rstrip('/')}/{self.file.name}")
            return
        if scheme not in ("", "file"):
            raise InputError(f"`source` {scheme}://… is not supported; give http(s) or a folder")
        origin = Path(unquote(source[7:]) if scheme else source) / self.file.name
        if not origin.is_file():
            raise InputError(
                f"{origin} is not there; give a folder that holds the published files as `source`"
            )
        if fault := self._place(origin):
            raise InputError(f"{origin} is not the published file: {fault}; give another `source`")

    def _from_url(self, url: str) -> None:
        failures, afresh = 0, False
        while True:
            before = _size(self.part)
            reason, wait = "", None
            try:
                self._attempt(url, before)
            except _RetryableError as failure:
                reason, wait = str(failure), failure.wait
            fault = self._place(self.part)
            if not fault:
                return
            failures = 0 if _size(self.part) - before >= CHUNK else failures + 1
            if not reason:  # the server gave all it has
                self.part.unlink(missing_ok=True)
                if afresh or not before:
                    raise InputError(
                        f"{shown(url)} is not the published file: {fault}; try again later or give another `source`"
                    )
                reason, afresh = "what had come does not fit the published file, starting afresh", True
            if failures >= self.policy.attempts:
                raise InputError(
                    f"{shown(url)}: {reason} ({failures} attempts); run the command again to go on from "
                    f"{_size(self.part):,} bytes, or give another `source`"
                )
            seconds = self.policy.backoff * 2 ** max(failures - 1, 0) if wait is None else wait
            if self.on_retry is not None:
                self.on_retry(f"{self.file.name}: {reason}; trying again in {seconds:g} s")
            time.sleep(seconds)

    def _attempt(self, url: str, have: int) -> None:
        """Add to the part, which has `have` bytes, what `url` still gives.

        Raises `_RetryableError` where another attempt makes sense (stalls, cuts, 429, 5xx), else `InputError`.
        """
        headers = {
            "User-Agent": f"cmexam-baseline/{version('cmexam-baseline')}",
            "Accept-Encoding": "identity",
        }
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.build_opener().open(request, timeout=self.policy.timeout) as response:
                self._copy(response, have, shown(url))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:  # nothing beyond what is here: its content decides
                return
            what = excerpt_of(f"answered {error.code} {error.reason.partition(':')[0]}", 200)
            if error.code in RETRIED_STATUS:
                raise _RetryableError(what, _wait_of(error.headers.get("Retry-After"))) from error
            if 300 <= error.code < 400:
                what = f"redirects without end or elsewhere ({what})"
            raise InputError(f"{shown(url)} {what}; check the address or give another `source`") from error
        except InputError:
            raise
        except (ValueError, http.client.InvalidURL) as error:
            raise InputError(f"`source` is not an address ({error}); give http(s)://… or a folder") from error
        except (http.client.HTTPException, OSError) as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise InputError(
                    f"{self.part} cannot be written: {error.strerror}; make space, or give another `folder`"
                ) from error
            cause = getattr(error, "reason", error)
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise InputError(
                    f"{shown(url)}: its certificate is not trusted ({cause.verify_message}); "
                    "set SSL_CERT_FILE for a proxy of your own, or give another `source`"
                ) from error
            if isinstance(cause, TimeoutError):
                raise _RetryableError(f"no answer for {self.policy.timeout:g} s") from error
            raise _RetryableError(excerpt_of(f"{type(cause).__name__}: {cause}", 200).rstrip(": ")) from error

    def _copy(self, response: http.client.HTTPResponse, have: int, address: str) -> None:
        done, sent = 0, response.headers.get("Content-Range", "")
        if response.status == 206:  # else it is the whole file
            if sent.removeprefix("bytes ").partition("-")[0].strip() != str(have):
                sent = excerpt_of(sent, 200) or "no Content-Range"
                raise _RetryableError(f"answered with another part than asked for ({sent})")
            done = have
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with self.part.open("r+b" if done else "wb") as stream:
            stream.seek(done)
            stream.truncate()
            since, in_window = time.monotonic(), 0
            while chunk := response.read1(CHUNK):
                done += len(chunk)
                if done > 2 * self.file.size:
                    raise InputError(
                        f"{address} sends more than {2 * self.file.size:,} bytes; give another `source`"
                    )
                stream.write(chunk)
                self.progress(self.file.name, done, total or self.file.size)
                in_window += len(chunk)
                if in_window >= CHUNK:
                    since, in_window = time.monotonic(), 0
                elif (
                    time.monotonic() - since > self.policy.timeout
                ):  # a trickle keeps the socket from timing out
                    raise _RetryableError(f"stalled: {in_window:,} bytes in {self.policy.timeout:g} s")
        if total is not None and done < total:
            raise _RetryableError(f"cut off at {done:,} of {total:,} bytes")

    def _place(self, origin: Path) -> str:
        """Write `origin`'s content to the target if it is the published one; else say how it differs.

        The bytes that are hashed are the bytes that are written, so nothing can change in between.
        """
        content = origin.read_bytes() if origin.exists() else b""
        fault = self._fault(content)
        if not fault:
            write_atomically(self.target, content)
        return fault

    def _fault(self, content: bytes) -> str:
        if len(content) != self.file.size:
            return f"{len(content):,} bytes instead of {self.file.size:,}"
        blob_id = git_blob_id(content)
        same = blob_id == self.file.blob_id
        return "" if same else f"git blob id {blob_id[:12]}… instead of {self.file.blob_id[:12]}…"


def _wait_of(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After header (a number or a date) asks for, at most a minute."""
    with suppress(ValueError):
        return min(max(0.0, float(retry_after or "")), LONGEST_WAIT)
    with suppress(ValueError):
        date = email.utils.parsedate_to_datetime(retry_after or "")
        return min(max(0.0, date.timestamp() - time.time()), LONGEST_WAIT)
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
