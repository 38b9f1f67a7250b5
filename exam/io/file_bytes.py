"""The bytes of a file, unpacked within bounds, and its text: a file in UTF-8 is never in memory as a whole."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from cmexam_baseline.exam.errors import InputError, missing_path

# CMExam is 50 MB; a file beyond this is a mistake or a trap, unpacked or not.
MAX_BYTES = 1 << 30
# The longest line that is surely not taken for a mistake; the whole reply of a model is far below.
LONG_LINE = 64 << 20
# Texts pack to a tenth, hardly ever to a fiftieth; what unpacks to this many times its size is a trap.
MAX_UNPACKING = 200
# Below this size unpacking is harmless whatever its ratio.
SMALL_UNPACKED = 64 << 20
_BLOCK = 1 << 20

# What a file really is, by its first bytes, where its name promises something else.
_MAGIC = {
    b"\x1f\x8b": "a gzip file; name it .gz",
    b"PK\x03\x04": "an XLSX or ZIP file; name it .xlsx, or unpack it",
    b"PAR1": "a Parquet file; name it .parquet",
    b"%PDF": "a PDF file; give a table",
    b"\xd0\xcf\x11\xe0": "an old Excel file (XLS); save it as .xlsx or .csv",
    b"SQLite format 3": "an SQLite database; give a table",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself with git lfs pull",
    **dict.fromkeys((b"<!DOCTYPE", b"<!doctype", b"<html"), "an HTML page; download the file itself"),
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


class Text(NamedTuple):
    """A decoded text file; `bom` says whether it began with UTF-8's byte order mark."""

    content: str
    bom: bool


class Source:
    """The file at a path, or bytes that came from elsewhere under a name."""

    def __init__(self, name: str, content: bytes | None = None) -> None:
        self.name = name
        self._given = content

    @cached_property
    def content(self) -> bytes:
        """All bytes; `InputError` as `read_bytes` raises."""
        return read_bytes(self.name) if self._given is None else self._given

    @cached_property
    def text(self) -> Text:
        """The whole text; `InputError` for overlong lines, and as `decode` raises."""
        _refuse_long_lines(self.content, self.name)
        return decode(self.content, self.name)

    def first_line(self) -> tuple[str, bool]:
        """The text up to the first newline, and whether a byte order mark precedes it.

        Call it first: what is wrong with the file as a text is found here. Raises `InputError` as `text` does.
        """
        with self.lines("\n") as lines:
            line = lines.readline().removesuffix("\n")
        return line, self.text.bom if self._streamed_bom is None else self._streamed_bom

    @contextmanager
    def lines(self, newline: str) -> Iterator[TextIO]:
        """The text line by line; `newline` as `open` takes it."""
        if self._streamed_bom is None:
            yield io.StringIO(self.text.content, newline=newline)
            return
        with open_file(Path(self.name)) as stream:
            # utf-8-sig skips a byte order mark.
            yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline)

    @cached_property
    def _streamed_bom(self) -> bool | None:
        """Whether a byte order mark begins a file that can be read line by line; None for other sources.

        Such a file is UTF-8 without NUL bytes or overlong lines; `text` says what is wrong with others.
        """
        path = Path(self.name)
        if self._given is not None or self.name.lower().endswith(".gz") or not path.is_file():
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        since_newline = 0
        with open_file(path) as stream:
            start = stream.read(64)
            _refuse_other_kinds(start, self.name)
            if stream.seek(0, io.SEEK_END) > MAX_BYTES:
                return None
            stream.seek(0)
            while block := stream.read(_BLOCK):
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    return None
                last = block.rfind(b"\n")
                since_newline = since_newline + len(block) if last < 0 else len(block) - last - 1
                if b"\0" in block or since_newline > LONG_LINE - _BLOCK:
                    return None
        return None if decoder.getstate()[0] else start.startswith(codecs.BOM_UTF8)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a file, unpacked where its name ends in .gz.

    Raises `InputError` where the path is missing or a folder, it cannot be read, its gzip is damaged, or it
    is larger than 1 GiB, packed or unpacked.
    """
    file = Path(path)
    with open_file(file) as stream:
        data = _bounded_bytes(stream, file)
    return _unpacked(data, file) if file.suffix.lower() == ".gz" else data


def open_file(file: Path) -> BinaryIO:
    """A file opened for its bytes; `InputError` where that cannot be."""
    if file.is_dir():
        raise InputError(f"{file} is a folder; give a file")
    try:
        return file.open("rb")
    except FileNotFoundError as error:
        raise missing_path(file) from error
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error


def read_standard_input() -> bytes:
    """The bytes of standard input, unpacked where they are gzip; `InputError` as `read_bytes` raises."""
    name = Path("standard input")
    data = _bounded_bytes(sys.stdin.buffer, name)
    return _unpacked(data, name) if data.startswith(b"\x1f\x8b") else data


def _bounded_bytes(stream: BinaryIO, file: Path) -> bytes:
    try:
        data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{file} is larger than {MAX_BYTES >> 30} GiB; split it into smaller files")
    return data


def _refuse_long_lines(data: bytes, file: str) -> None:
    """Raise `InputError` for a line of more than 128 MiB; one of up to 64 MiB always passes."""
    for start in range(0, len(data) - LONG_LINE, LONG_LINE):
        if data.find(b"\n", start, start + LONG_LINE) < 0:
            line = data.count(b"\n", 0, start) + 1
            raise InputError(
                f"{file}, line {line}: longer than {LONG_LINE >> 20} MiB, so it is not a table of questions; "
                "give one question a line"
            )


def refuse_bomb(packed: int, unpacked: int, file: str) -> None:
    """Raise `InputError` where unpacking gives more bytes than a table can have."""
    if unpacked > MAX_BYTES:
        raise InputError(f"{file} is larger than {MAX_BYTES >> 30} GiB unpacked; split it into smaller files")
    if unpacked > max(SMALL_UNPACKED, MAX_UNPACKING * packed):
        raise InputError(
            f"{file} unpacks to more than {MAX_UNPACKING} times its size, as no table does; "
            "unpack it yourself if you trust it"
        )


def decode(data: bytes, file: str) -> Text:
    """Text from bytes: UTF-8 with or without byte order mark, UTF-16 with one, else GB18030.

    Raises `InputError` for other kinds of file, known by their first bytes, for NUL bytes, and naming line
    and byte where neither encoding fits. Text that is UTF-8 but for a few damaged places is not taken for
    GB18030.

    >>> decode("题干".encode("gb18030"), "val.csv").content
    '题干'
    """
    _refuse_other_kinds(data, file)
    mark = next((mark for mark in _BYTE_ORDER_MARKS if data.startswith(mark)), b"")
    body = data[len(mark) :]
    content = ""
    for encoding in [_BYTE_ORDER_MARKS[mark]] if mark else ["utf-8", "gb18030"]:
        try:
            content = body.decode(encoding)
            break
        except UnicodeDecodeError as error:
            fault = "neither UTF-8 nor GB18030" if encoding == "gb18030" else f"not valid {encoding.upper()}"
            if encoding == "utf-8" and not mark:
                if not _is_damaged_utf8(body):
                    continue
                fault = "not UTF-8 here, though it is elsewhere"
            line = body.count(b"\n", 0, error.start) + 1
            byte = f"byte {len(mark) + error.start} ({body[error.start]:#04x})"
            raise InputError(f"{file}, line {line}: {byte} is {fault}; save the file as UTF-8") from error
    place = content.find("\0")
    if place >= 0:
        line = content.count("\n", 0, place) + 1
        raise InputError(
            f"{file}, line {line}: holds a NUL byte, so it is not a text file; save it as UTF-8 CSV or JSONL"
        )
    return Text(content, mark == codecs.BOM_UTF8)


def _refuse_other_kinds(start: bytes, file: str) -> None:
    """Raise `InputError` where the first bytes of a file are those of a kind that is no text."""
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            raise InputError(f"{file} is {kind}")


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether far more characters beyond ASCII decode than fail: hardly ever so in another encoding."""
    text = data.decode("utf-8", errors="replace")
    failed = text.count("\ufffd")
    beyond_ascii = len(text) - len(text.encode("ascii", errors="ignore"))
    return beyond_ascii - failed > 10 * failed


def _unpacked(data: bytes, file: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            unpacked = io.BytesIO()
            while block := stream.read(1 << 20):
                unpacked.write(block)
                refuse_bomb(len(data), unpacked.tell(), str(file))
            return unpacked.getvalue()
    except EOFError as error:
        raise InputError(f"{file} ends in the middle of its gzip data; fetch it again") from error
    except (OSError, zlib.error) as error:
        raise InputError(f"{file} is not a valid gzip file: {error}; fetch it again") from error


def _unreadable(file: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or error
    return InputError(f"{file} cannot be read: {reason}; check the path and its permissions")
