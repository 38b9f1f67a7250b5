"""What runs in the process that reads a Parquet file: bytes from standard input, columns to standard output.

polars ends its process at some damaged pages, and asks for as much memory as others say, so that it is not
let into ours. A line is a JSON object: `column` and the `cells` of some rows of it, or `refused`, why the file
cannot be read. A column without cells comes first, so that columns of no row are known, too.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import bounded_bytes, refuse_bomb
from cmexam_baseline.exam.io.parquet_sizes import NOT_PARQUET, unpacked_pages
from cmexam_baseline.exam.io.table import MAX_COLUMNS

if TYPE_CHECKING:
    import polars

# Address space, of which far less is ever filled: a file of 1 GiB, unpacked, and a part of it as texts.
MAX_MEMORY = 6 << 30
# The first part is small; the next ones have so many rows that they are about this large.
FIRST_ROWS, MOST_ROWS = 1024, 65_536
BYTES_A_PART = 16 << 20
_GROWTH = 4
# Of a cell in a list, whatever it holds: nothing at all packs to nothing at all.
_BYTES_A_CELL = 8


def main(file: str, seconds: int) -> None:
    """Read standard input, which errors call `file`, within seconds of processor time; print its columns."""
    limit(seconds)
    for line in lines(sys.stdin.buffer, file):
        sys.stdout.buffer.write(json.dumps(line, ensure_ascii=False, default=str).encode() + b"\n")


def lines(stream: BinaryIO, file: str) -> Iterator[dict[str, object]]:
    """What `main` prints, before it is JSON."""
    try:
        for part in _parts(stream, file):
            if part.width > MAX_COLUMNS:
                raise InputError(
                    f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row"
                )
            for column in part:
                yield {"column": column.name, "cells": column.to_list()}
    except InputError as error:
        yield {"refused": str(error)}


def _parts(stream: BinaryIO, file: str) -> Iterator[polars.DataFrame]:
    data = bounded_bytes(stream, Path(file))
    if not data.startswith(b"PAR1"):
        raise InputError(f"{file} is not a Parquet file by its content; name it by what it holds")
    try:
        unpacked_pages(data, lambda size: refuse_bomb(len(data), size, file))
    except InputError:
        # Also a ValueError.
        raise
    except NOT_PARQUET as error:
        raise InputError(
            f"{file} is not a sound Parquet file: its footer or a page is damaged; fetch or write it again"
        ) from error
    import polars

    try:
        yield from _parts_of_bytes(data, file)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file} is not a sound Parquet file: {reason[:200]}; fetch or write it again"
        ) from error


def _parts_of_bytes(data: bytes, file: str) -> Iterator[polars.DataFrame]:
    """The file, a part at a time: a text that is repeated costs next to nothing in the file."""
    import polars

    lazy = polars.scan_parquet(io.BytesIO(data))
    n_rows = int(lazy.select(polars.len()).collect().item())
    yield lazy.head(0).collect()
    done = size = 0
    at_once = FIRST_ROWS
    while done < n_rows:
        part = lazy.slice(done, at_once).collect()
        part_size = int(part.estimated_size()) + _BYTES_A_CELL * part.height * part.width
        size += part_size
        refuse_bomb(len(data), size, file)
        if not part.height:
            break
        yield part
        done += part.height
        fitting = BYTES_A_PART * part.height // max(1, part_size)
        at_once = max(1, min(_GROWTH * at_once, fitting, MOST_ROWS))


def limit(seconds: int) -> None:
    """Bound memory and processor time where the system can, and leave no core file behind."""
    if sys.platform == "win32":
        return
    import resource

    limits = {
        resource.RLIMIT_AS: MAX_MEMORY,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # macOS knows a limit of address space and takes none.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (soft, hard))
