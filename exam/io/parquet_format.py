"""Parquet: columns of texts, options as a list."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.own_process import EndedEarly, NotStarted, lines_of_own_process
from cmexam_baseline.exam.io.packed_column import ColumnPacking
from cmexam_baseline.exam.io.table import Table
from cmexam_baseline.exam.io.text_source import Source

_MODULE = "cmexam_baseline.exam.io.parquet_process"
# More would not be faster with files of this kind; each thread takes address space, which is bounded there.
_ENVIRONMENT = {"POLARS_MAX_THREADS": "2"}
# For a file of any size, and for each MiB of it; 112 MB take some 5 seconds.
SECONDS, SECONDS_A_MEBIBYTE = 120, 4


def read_parquet(source: Source) -> Table:
    """The table in a Parquet file, which a process of its own reads (`parquet_process`).

    Raises `InputError` where it is none, is damaged or holds no row, where reading it takes more than 6 GiB of
    address space (on Linux), or more than two minutes and four seconds for each MiB.
    """
    columns: dict[str, ColumnPacking[object]] = {}
    try:
        with closing(_printed(source)) as lines:
            for line in lines:
                if "refused" in line:
                    raise InputError(line["refused"])
                columns.setdefault(line["column"], ColumnPacking()).extend(line["cells"])
    except NotStarted as error:
        raise InputError(f"{source.name} cannot be read: {error}; give the table as CSV or JSONL") from error
    except EndedEarly as error:
        raise InputError(
            f"{source.name} is not a sound Parquet file: {error}; fetch or write it again"
        ) from error
    n_rows = max(map(len, columns.values()), default=0)
    if not n_rows:
        raise InputError(f"{source.name} holds no row; expected at least one")
    return Table({name: column.column() for name, column in columns.items()}, range(1, n_rows + 1))


def _printed(source: Source) -> Generator[dict[str, Any], None, None]:
    with source.opened() as stream:
        seconds = SECONDS + SECONDS_A_MEBIBYTE * (source.size >> 20)
        with closing(lines_of_own_process(_MODULE, source.name, stream, seconds, _ENVIRONMENT)) as lines:
            for line in lines:
                # A process that is ended leaves half a line.
                if line.endswith(b"\n"):
                    yield json.loads(line)


def parquet_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of a Parquet file with these columns: lists of texts, or texts."""
    import polars

    frame = polars.DataFrame(
        [
            # An empty exam has no cell to tell the type by.
            polars.Series(name, list(cells), dtype=None if cells else polars.String)
            for name, cells in columns.items()
        ]
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
