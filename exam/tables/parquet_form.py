"""Parquet: columns of texts, options as a list."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.tables.parquet_sizes import NOT_PARQUET, unpacked_pages
from cmexam_baseline.exam.tables.sources import refuse_bomb
from cmexam_baseline.exam.tables.table import MAX_COLUMNS, Table

if TYPE_CHECKING:
    import polars

ROWS_AT_ONCE = 1024


def read_parquet(data: bytes, file: str) -> Table:
    """The table in the bytes of a Parquet file. Raises `InputError` where it is none or holds no row."""
    import polars

    if not data.startswith(b"PAR1"):
        raise InputError(f"{file} is not a Parquet file by its content; name it by what it holds")
    try:
        unpacked_pages(data, lambda size: refuse_bomb(len(data), size, file))
    except InputError:
        raise
    except NOT_PARQUET as error:
        raise InputError(
            f"{file} is not a sound Parquet file: its footer or a page is damaged; fetch or write it again"
        ) from error
    try:
        frame = _read_in_parts(data, file)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file} is not a sound Parquet file: {reason[:200]}; fetch or write it again"
        ) from error
    if frame.width > MAX_COLUMNS:
        raise InputError(f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row")
    if frame.is_empty():
        raise InputError(f"{file} holds no row; expected at least one")
    return Table({column.name: column.to_list() for column in frame}, list(range(1, frame.height + 1)))


def _read_in_parts(data: bytes, file: str) -> polars.DataFrame:
    """The whole file, read a part at a time: a text that is repeated costs next to nothing in the file."""
    import polars

    lazy = polars.scan_parquet(io.BytesIO(data))
    n_rows = int(lazy.select(polars.len()).collect().item())
    parts = [lazy.head(0).collect()]
    size = 0
    while (done := sum(part.height for part in parts)) < n_rows:
        part = lazy.slice(done, ROWS_AT_ONCE).collect()
        size += int(part.estimated_size())
        refuse_bomb(len(data), size, file)
        if not part.height:
            break
        parts.append(part)
    return polars.concat(parts)


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
