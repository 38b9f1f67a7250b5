"""Parquet: columns of texts, options as a list."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import Source, refuse_bomb
from cmexam_baseline.exam.io.table import MAX_COLUMNS, ROWS_A_PIECE, Table

if TYPE_CHECKING:
    import polars

# Of a cell in a list, whatever it holds: nothing at all packs to nothing at all.
_BYTES_A_CELL = 8
# A text that is repeated takes next to nothing in the file: parts are read that are about so large in memory.
_FIRST_ROWS, _BYTES_A_PART = 1024, 32 << 20


def read_parquet(source: Source) -> Table:
    """The table in a Parquet file.

    Raises `InputError` where the file is no Parquet file, is damaged or holds no row, and
    where it unpacks to more than `refuse_bomb` allows.
    """
    import polars

    data, file = source.content, source.name
    if not data.startswith(b"PAR1"):
        raise InputError(f"{file} is not a Parquet file by its content; give it the ending of what it holds")
    columns: dict[str, list[object]] = {}
    try:
        for part in _parts(data, file):
            for series in part:
                columns.setdefault(series.name, []).extend(series.to_list())
    except InputError:
        raise
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file} is not a valid Parquet file: {reason[:200]}; fetch or write it again"
        ) from error
    n_rows = max(map(len, columns.values()), default=0)
    if not n_rows:
        raise InputError(f"{file} holds no row; expected at least one")
    return Table(columns, range(1, n_rows + 1))


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


def _parts(data: bytes, file: str) -> Iterator[polars.DataFrame]:
    """The file in parts, so that one that unpacks to far too much is refused on the way."""
    import polars

    lazy = polars.scan_parquet(io.BytesIO(data))
    names = lazy.collect_schema().names()
    if len(names) > MAX_COLUMNS:
        raise InputError(f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row")
    n_rows = int(lazy.select(polars.len()).collect().item())
    refuse_bomb(len(data), _BYTES_A_CELL * n_rows * len(names), file)
    start = size = 0
    step = _FIRST_ROWS
    while start < n_rows:
        part = lazy.slice(start, step).collect()
        part_size = int(part.estimated_size()) + _BYTES_A_CELL * part.height * part.width
        size += part_size
        refuse_bomb(len(data), size, file)
        yield part
        start += step
        step = max(1, min(ROWS_A_PIECE, _BYTES_A_PART * part.height // max(1, part_size)))
