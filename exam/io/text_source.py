"""A text file read as a whole where it is small, and line by line where it is large."""

from __future__ import annotations

import codecs
import io
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import (
    LONG_LINE,
    MAX_BYTES,
    Text,
    decode,
    open_file,
    read_bytes,
    refuse_long_lines,
    refuse_other_kinds,
)

# Up to this size a file is read at once; beyond, it is never in memory as a whole.
WHOLE_UP_TO = 32 << 20
_BLOCK = 1 << 20


class Source:
    """What stands at a path, or bytes that came from elsewhere under a name."""

    def __init__(self, name: str, content: bytes | None = None) -> None:
        self.name = name
        self._content = content
        self._text: Text | None = None

    @property
    def content(self) -> bytes:
        """All bytes; `InputError` as `read_bytes` raises."""
        if self._content is None:
            self._content = read_bytes(self.name)
        return self._content

    @property
    def text(self) -> Text:
        """The whole text; `InputError` as `decode` raises."""
        if self._text is None:
            self._text = decode(self.content, self.name)
        return self._text

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content) if self._content is not None else Path(self.name).stat().st_size

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """A file of all bytes that another process can read, too; `InputError` where there can be none."""
        with ExitStack() as open_files:
            if self._content is None and not self._is_packed():
                stream = open_files.enter_context(open_file(Path(self.name)))
            else:
                content = self.content
                try:
                    stream = open_files.enter_context(tempfile.TemporaryFile())
                    stream.write(content)
                    stream.seek(0)
                except OSError as error:
                    raise InputError(
                        f"{self.name} cannot be unpacked to a temporary file: {error.strerror}; make room for it"
                    ) from error
            yield stream

    def first_line(self) -> tuple[str, bool]:
        """The text up to the first newline, and whether a byte order mark stands before it.

        Call it first: what is wrong with the file as a text is found here. Raises `InputError` as `decode`
        and `refuse_long_lines` do.
        """
        if not self._is_large() or not self._is_plain():
            refuse_long_lines(self.content, self.name)
            return self.text.content.partition("\n")[0], self.text.bom
        with self.lines("\n") as lines:
            return lines.readline().removesuffix("\n"), self._starts_with_mark()

    @contextmanager
    def lines(self, newline: str) -> Iterator[TextIO]:
        """The text line by line; `newline` as `open` takes it."""
        if self._text is not None:
            yield io.StringIO(self._text.content, newline=newline)
        else:
            with open_file(Path(self.name)) as stream:
                # utf-8-sig passes over a mark, where there is one.
                yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline)

    def _is_large(self) -> bool:
        if self._content is not None or self._is_packed():
            return False
        try:
            found = Path(self.name).stat()
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(found.st_mode) and WHOLE_UP_TO < found.st_size <= MAX_BYTES

    def _is_packed(self) -> bool:
        return self.name.lower().endswith(".gz")

    def _starts_with_mark(self) -> bool:
        with open_file(Path(self.name)) as stream:
            return stream.read(3) == codecs.BOM_UTF8

    def _is_plain(self) -> bool:
        """Whether all is UTF-8 without NUL bytes and without lines that are far too long."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with open_file(Path(self.name)) as stream:
            refuse_other_kinds(stream.read(64), self.name)
            stream.seek(0)
            since_newline = 0
            while block := stream.read(_BLOCK):
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    return False
                last = block.rfind(b"\n")
                since_newline = since_newline + len(block) if last < 0 else len(block) - last - 1
                if b"\0" in block or since_newline > LONG_LINE - _BLOCK:
                    return False
        return not decoder.getstate()[0]
