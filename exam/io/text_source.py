"""The text of a file, line by line: a file in UTF-8 is never in memory as a whole."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TextIO

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

_BLOCK = 1 << 20


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
        """The whole text; `InputError` as `decode` and `refuse_long_lines` raise."""
        refuse_long_lines(self.content, self.name)
        return decode(self.content, self.name)

    def first_line(self) -> tuple[str, bool]:
        """The text up to the first newline, and whether a byte order mark precedes it.

        Call it first: what is wrong with the file as a text is found here. Raises `InputError` as `text` does.
        """
        with self.lines("\n") as lines:
            line = lines.readline().removesuffix("\n")
        if not self._is_streamed:
            return line, self.text.bom
        with open_file(Path(self.name)) as stream:
            return line, stream.read(3) == codecs.BOM_UTF8

    @contextmanager
    def lines(self, newline: str) -> Iterator[TextIO]:
        """The text line by line; `newline` as `open` takes it."""
        if not self._is_streamed:
            yield io.StringIO(self.text.content, newline=newline)
            return
        with open_file(Path(self.name)) as stream:
            # utf-8-sig skips a byte order mark.
            yield io.TextIOWrapper(stream, encoding="utf-8-sig", newline=newline)

    @cached_property
    def _is_streamed(self) -> bool:
        """Whether this is a file of UTF-8 without NUL bytes or overlong lines; `text` says what is wrong with others."""
        path = Path(self.name)
        if self._given is not None or self.name.lower().endswith(".gz") or not path.is_file():
            return False
        decoder = codecs.getincrementaldecoder("utf-8")()
        since_newline = 0
        with open_file(path) as stream:
            refuse_other_kinds(stream.read(64), self.name)
            if stream.seek(0, io.SEEK_END) > MAX_BYTES:
                return False
            stream.seek(0)
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
