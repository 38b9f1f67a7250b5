"""The file that replies go to: one JSON line a reply, appended and synced, so that a kill costs no answer."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.locks import claim


def request_key(body: Mapping[str, Any]) -> str:
    """What a reply answers: a short hash of the body that was sent, conversation and settings.

    >>> request_key({"model": "m", "messages": []})
    '5483e6cf5147dc06'
    """
    return hashlib.sha256(json.dumps(dict(body), sort_keys=True).encode()).hexdigest()[:16]


class ReplyFile:
    """Replies by id, and the file that they are appended to while the `with` block lasts.

    A file that is there is read first: `answered` maps ids that have an answer to the key of their request.
    A torn last line, left by a kill, is taken off. Only one process at a time may hold the file.

    Raises `InputError` where the file holds something else, or another process is at it.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "replies.jsonl"
    >>> with ReplyFile(path) as replies:
    ...     replies.append({"id": "q1", "key": "k", "response": "答案：A"})
    >>> with ReplyFile(path) as replies:
    ...     replies.answered
    {'q1': 'k'}
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.answered: dict[str, str] = {}
        self.dropped = 0
        self._descriptor: int | None = None

    def __enter__(self) -> ReplyFile:
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be opened: {error.strerror}; choose another `path`"
            ) from error
        try:
            claim(self._descriptor, self.path, "wait for it, or choose another `path`")
            self._read_what_is_there(self._descriptor)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def append(self, reply: Mapping[str, Any]) -> None:
        """Add one reply; when this returns, it is on the disk."""
        if self._descriptor is None:
            raise ValueError("a reply file is open only within its with block")
        line = json.dumps(reply, ensure_ascii=False) + "\n"
        _write_all(self._descriptor, line.encode("utf-8", "backslashreplace"))
        os.fsync(self._descriptor)
        self.answered[reply["id"]] = reply["key"]

    def _read_what_is_there(self, descriptor: int) -> None:
        content = self.path.read_bytes()
        whole, newline, rest = content.rpartition(b"\n")
        if rest:
            if _reply_of(rest) is None:  # torn
                os.ftruncate(descriptor, len(whole) + len(newline))
                self.dropped = len(rest)
            else:  # whole but for its line end
                _write_all(descriptor, b"\n")
                whole += newline + rest
        for number, line in enumerate(whole.split(b"\n"), 1):
            reply = _reply_of(line)
            if reply is not None:
                self.answered[reply["id"]] = str(reply.get("key", ""))
            elif line.strip():
                raise InputError(
                    f"{self.path}, line {number}: no reply of `prompts run`; choose another `path`"
                )


def _reply_of(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_reply = isinstance(value, dict) and isinstance(value.get("id"), str) and "response" in value
    return value if is_reply else None


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
