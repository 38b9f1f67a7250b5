"""Parquet: columns of texts, options as a list."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.tables.packed import ColumnPacking
from cmexam_baseline.exam.tables.parquet_sizes import NOT_PARQUET, unpacked_pages
from cmexam_baseline.exam.tables.sources import refuse_bomb
from cmexam_baseline.exam.tables.table import MAX_COLUMNS, Table
from cmexam_baseline.exam.tables.text_source import Source

if TYPE_CHECKING:
    import polars

ROWS_AT_ONCE = 1024


def read_parquet(source: Source) -> Table:
    """The table in a Parquet file. Raises `InputError` where it is none or holds no row."""
    import polars

    data, file = source.content, source.name
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
        return _table(_read_in_parts(data, file), file)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{file} is not a sound Parquet file: {reason[:200]}; fetch or write it again"
        ) from error


def _table(parts: Iterable[polars.DataFrame], file: str) -> Table:
    columns: dict[str, ColumnPacking[object]] = {}
    n_rows = 0
    for part in parts:
        if part.width > MAX_COLUMNS:
            raise InputError(
                f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row"
            )
        for column in part:
            columns.setdefault(column.name, ColumnPacking()).extend(column.to_list())
        n_rows += part.height
    if not n_rows:
        raise InputError(f"{file} holds no row; expected at least one")
    return Table({name: column.column() for name, column in columns.items()}, range(1, n_rows + 1))


def _read_in_parts(data: bytes, file: str) -> Iterator[polars.DataFrame]:
    """The file, a part at a time: a text that is repeated costs next to nothing in the file."""
    import polars

    lazy = polars.scan_parquet(io.BytesIO(data))
    n_rows = int(lazy.select(polars.len()).collect().item())
    yield lazy.head(0).collect()
    done = size = 0
    while done < n_rows:
        part = lazy.slice(done, ROWS_AT_ONCE).collect()
        size += int(part.estimated_size())
        refuse_bomb(len(data), size, file)
        if not part.height:
            break
        yield part
        done += part.height


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
