"""Columns of results to CSV or JSONL files, by the ending of the name."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.csv_format import csv_bytes
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.formats import ending_of
from cmexam_baseline.exam.io.json_format import jsonl_bytes

_WRITERS = {".csv": csv_bytes, ".jsonl": jsonl_bytes}


def write_columns(columns: Mapping[str, Sequence[object]], path: str | os.PathLike[str]) -> None:
    """Write name -> cells as CSV or JSONL, each also as .gz, as a whole or not at all.

    A cell that is None is empty in CSV and left out in JSONL. Raises `InputError` for another ending, for a
    text that no encoding can hold, or where the file cannot be written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> write_columns({"id": ["q1"], "bleu4": [None]}, file)
    >>> file.read_text("utf-8")
    'id,bleu4\\nq1,\\n'
    """
    write_column_parts([columns], path)


def write_column_parts(parts: Iterable[Mapping[str, Sequence[object]]], path: str | os.PathLike[str]) -> None:
    """`write_columns` of columns that come in parts, one below the other, each made as it is written.

    The parts have the same names. Raises `InputError` as `write_columns` does.
    """
    ending = ending_of(path)
    if ending not in _WRITERS:
        raise InputError(f"{os.fspath(path)}: results are written as {' or '.join(_WRITERS)}, not {ending!r}")
    pieces = _pieces(parts, _WRITERS[ending])
    try:
        write_atomically(path, _gzipped(pieces) if Path(path).suffix.lower() == ".gz" else pieces)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fspath(path)} cannot be written: a text holds half of a surrogate pair; correct it"
        ) from error


def _pieces(
    parts: Iterable[Mapping[str, Sequence[object]]], write: Callable[[Mapping[str, Sequence[object]]], bytes]
) -> Iterator[bytes]:
    header: bytes | None = None
    for part in parts:
        data = write(part)
        yield data if header is None else data.removeprefix(header)
        header = write({name: [] for name in part}) if header is None else header


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Unlike a GzipFile's, this header holds no time, so that the same content gives the same bytes.
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
