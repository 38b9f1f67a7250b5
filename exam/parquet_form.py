"""Parquet: columns of texts, options as a list."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.table import MAX_COLUMNS, Table


def read_parquet(data: bytes, file: str) -> Table:
    """The table in the bytes of a Parquet file. Raises `InputError` where it is none or holds no row."""
    import polars

    if not data.startswith(b"PAR1"):
        raise InputError(f"{file} is not a Parquet file by its content; name it by what it holds")
    try:
        frame = polars.read_parquet(io.BytesIO(data))
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
