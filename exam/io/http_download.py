"""One file over HTTP into a part file: resumed, retried, bounded, and never trusted.

Nothing here decides whether the content is right; `download` does, by its git blob id. Built on urllib, which
takes proxies from the environment; pooch was looked at and knows neither resuming nor git blob ids.
"""

from __future__ import annotations

import email.utils
import errno
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

from cmexam_baseline.exam.errors import InputError

CHUNK = 1 << 16
RETRIED_STATUS = frozenset([408, 425, 429, 500, 502, 503, 504])
LONGEST_WAIT = 60.0
_OF_THE_DISK = frozenset([errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EISDIR, errno.EFBIG])

ReportBytes = Callable[[int, "int | None"], None]


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a server and how often to come back.

    timeout:   seconds without a connection or without `CHUNK` more bytes before an attempt is given up
    attempts:  attempts in a row that may bring less than `CHUNK` new bytes before the transfer fails
    backoff:   seconds before the second attempt, twice as long for each further one; a server's Retry-After counts
               instead, up to a minute
    """

    timeout: float = 30.0
    attempts: int = 5
    backoff: float = 1.0


class RetryableError(Exception):
    """An attempt failed that may succeed when it is made again.

    Its text says what happened; `wait` is what the server asks for, in seconds.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class PartNotWritten(InputError):
    """The disk is full or read-only; what has come so far stays."""


def fetch_more(
    url: str, part: Path, limit: int, patience: RetryPolicy, report: ReportBytes | None = None
) -> None:
    """Add to `part` what `url` still has to give, in one attempt.

    A part that holds bytes already is continued with a Range request; a server that answers with the whole
    file instead starts it afresh. `report(done, total)` tells bytes; total is None where unknown.

    Raises `RetryableError` where another attempt makes sense (stalls, cuts, 429, 5xx) and `InputError` where
    not (4xx, more than `limit` bytes, a part that cannot be written).
    """
    have = part.stat().st_size if part.exists() else 0
    try:
        request = urllib.request.Request(
            url, headers={"User-Agent": _user_agent(), "Accept-Encoding": "identity"}
        )
    except ValueError as error:
        raise InputError(f"{url!r} is not an address ({error}); give http(s)://… or a folder") from error
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.build_opener().open(request, timeout=patience.timeout) as response:
            start = _start_of(response, have)
            total = _total_of(response, start)
            with part.open("r+b" if start else "wb") as stream:
                stream.seek(start)
                stream.truncate()
                _copy(response, stream.write, start, total, limit, patience.timeout, url, report)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:  # nothing beyond what is here: let its content be judged
            return
        _raise_for_status(error, url)
    except (http.client.InvalidURL, UnicodeError) as error:
        raise InputError(f"{shown(url)} is not an address ({error}); give http(s)://… or a folder") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
            raise PartNotWritten(
                f"{part} cannot be written: {error.strerror}; make space, or give another `folder`"
            ) from error
        _raise_for_connection(error, url, patience.timeout)


def shown(url: str) -> str:
    """A URL without the user name and password that it may contain.

    >>> shown("https://me:secret@mirror.org/data/train.csv?token=1")
    'https://mirror.org/data/train.csv'
    """
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _copy(
    response: http.client.HTTPResponse,
    write: Callable[[bytes], object],
    done: int,
    total: int | None,
    limit: int,
    timeout: float,
    url: str,
    report: ReportBytes | None,
) -> None:
    window_start, window_bytes = time.monotonic(), 0
    while True:
        chunk = response.read1(CHUNK)
        if not chunk:
            break
        done += len(chunk)
        if done > limit:
            raise InputError(f"{shown(url)} sends more than {limit:,} bytes; it is not the published file")
        write(chunk)
        if report is not None:
            report(done, total)
        window_bytes += len(chunk)
        if window_bytes >= CHUNK:
            window_start, window_bytes = time.monotonic(), 0
        elif time.monotonic() - window_start > timeout:  # a trickle keeps the socket from timing out
            raise RetryableError(f"stalled: {window_bytes:,} bytes in {timeout:g} s")
    if total is not None and done < total:
        raise RetryableError(f"cut off at {done:,} of {total:,} bytes")


def _start_of(response: http.client.HTTPResponse, have: int) -> int:
    if response.status != 206:
        return 0
    sent = response.headers.get("Content-Range", "")
    first = sent.removeprefix("bytes ").partition("-")[0].strip()
    if first != str(have):
        raise RetryableError(
            f"answered with another part than asked for ({one_line(sent) or 'no Content-Range'})"
        )
    return have


def _total_of(response: http.client.HTTPResponse, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _raise_for_status(error: urllib.error.HTTPError, url: str) -> NoReturn:
    what = one_line(f"{error.code} {error.reason.partition(':')[0]}")
    if error.code in RETRIED_STATUS:
        raise RetryableError(f"answered {what}", wait_of(error.headers.get("Retry-After"))) from error
    if 300 <= error.code < 400:
        raise InputError(
            f"{shown(url)} redirects without end or elsewhere ({what}); give another `source`"
        ) from error
    raise InputError(f"{shown(url)} answered {what}; check the address or give another `source`") from error


def wait_of(retry_after: str | None) -> float | None:
    """The seconds that a Retry-After header (a number or a date) asks for, at most a minute.

    >>> wait_of("7"), wait_of(None), wait_of("soon"), wait_of("100000")
    (7.0, None, None, 60.0)
    """
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None


def _raise_for_connection(error: Exception, url: str, timeout: float) -> NoReturn:
    cause = getattr(error, "reason", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise InputError(
            f"{shown(url)}: its certificate is not trusted ({cause.verify_message}); "
            "set SSL_CERT_FILE for a proxy of your own, or give another `source`"
        ) from error
    if isinstance(cause, TimeoutError):
        raise RetryableError(f"no answer for {timeout:g} s") from error
    raise RetryableError(one_line(f"{type(cause).__name__}: {cause}").rstrip(": ")) from error


def one_line(text: str) -> str:
    """A server's words, fit for a message: printable, on one line, not long.

    >>> one_line("go\\naway\\x1b[31m")
    'go away [31m'
    """
    return " ".join("".join(mark if mark.isprintable() else " " for mark in text).split())[:200]


def _user_agent() -> str:
    return f"cmexam-baseline/{version('cmexam-baseline')}"
