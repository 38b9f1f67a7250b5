"""Tables: named columns of cells as a file or a frame holds them, before their meaning is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.metrics.inputs import is_missing

# No exam or prediction file has more; a file that does is something else and would only fill the memory.
MAX_COLUMNS = 1000
# Rows that are worked on at once, in all the forms that the work needs.
ROWS_A_PIECE = 20_000


@dataclass(frozen=True)
class FileFormat:
    """How a CSV file is written: what has to be known to write the same bytes again.

    line_end:     between rows, "\\n" or "\\r\\n"
    option_break: between options in a cell, "\\n", "\\r\\n" or a literal backslash-n
    bom:          whether the file begins with UTF-8's byte order mark
    """

    line_end: str = "\n"
    option_break: str = "\n"
    bom: bool = False


PUBLISHED_FORMAT = FileFormat()


@dataclass(frozen=True)
class Table:
    """The cells of a file by column.

    columns: name -> n cells: texts, or lists, mappings, numbers and None where the file format has them
    rows:    the numbers of these rows in the file, counted from 1 without the header
    damaged: row number -> (reason, excerpt) of the rows that do not fit the columns
    """

    columns: Mapping[str, Sequence[object]]
    rows: Sequence[int]
    damaged: dict[int, tuple[str, str]] = field(default_factory=dict)
    file_format: FileFormat = PUBLISHED_FORMAT


def cell_text(cell: object) -> str:
    """A cell as text: None and NaN are "", whole floats have no ".0".

    >>> [cell_text(cell) for cell in ("A", None, 5.0, 7, float("nan"))]
    ['A', '', '5', '7', '']
    """
    if isinstance(cell, str):
        return cell
    if cell is None or cell != cell:
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def pieces(n: int) -> Iterator[slice]:
    """Slices of `ROWS_A_PIECE` rows that together are `n` rows; one empty slice where there is none."""
    for start in range(0, max(n, 1), ROWS_A_PIECE):
        yield slice(start, min(start + ROWS_A_PIECE, n))


def table_of_rows(
    rows: Iterable[Sequence[object]], file: str, file_format: FileFormat = PUBLISHED_FORMAT
) -> Table:
    """A table of a header and rows of cells, none of them empty; rows of another length than the header are damaged.

    Raises `InputError` where there is no row, or the header names a column twice.
    """
    left = iter(rows)
    header = next(left, None)
    if header is None:
        raise InputError(f"{file} is empty; expected a header and at least one row")
    refuse_wide(len(header), file)
    columns: list[list[object]] = [[] for _ in header]
    damaged: dict[int, tuple[str, str]] = {}
    n_rows = 0
    while batch := list(islice(left, ROWS_A_PIECE)):
        wrong = {number: row for number, row in enumerate(batch, n_rows + 1) if len(row) != len(header)}
        for number, row in wrong.items():
            damaged[number] = (f"{len(row)} fields instead of {len(header)}", cell_text(row[0]))
        n_rows += len(batch)
        sound = [row for row in batch if len(row) == len(header)] if wrong else batch
        for column, cells in zip(columns, zip(*sound, strict=True), strict=False):
            column.extend(cells)
    if not n_rows:
        raise InputError(f"{file} holds a header but no row; expected at least one row")
    numbers: Sequence[int] = range(1, n_rows + 1)
    if damaged:
        numbers = [number for number in numbers if number not in damaged]
    return Table(_named_columns(header, columns, file), numbers, damaged, file_format)


def table_of_records(records: Iterable[Mapping[str, object]], file: str) -> Table:
    """A table of JSON objects; a key that an object lacks is None there.

    Raises `InputError` where there is no object or more keys than a table can have.
    """
    columns: dict[str, list[object]] = {}
    n_rows = 0
    left = iter(records)
    while batch := list(islice(left, ROWS_A_PIECE)):
        for name in dict.fromkeys(name for record in batch for name in record):
            if name not in columns:
                refuse_wide(len(columns) + 1, file)
                columns[name] = [None] * n_rows
        for name, column in columns.items():
            column.extend(record.get(name) for record in batch)
        n_rows += len(batch)
    if not n_rows:
        raise InputError(f"{file} is empty; expected at least one object")
    return Table(columns, range(1, n_rows + 1))


def _named_columns(
    header: Sequence[object], cells: Sequence[Sequence[object]], file: str
) -> dict[str, Sequence[object]]:
    columns: dict[str, Sequence[object]] = {}
    for place, (title, column) in enumerate(zip(header, cells, strict=True), 1):
        name = cell_text(title)
        if not name.strip():
            # Spreadsheets leave columns without name and content at the right edge.
            if not any(cell_text(cell) for cell in column):
                continue
            name = f"column {place}"
        if name in columns:
            raise InputError(f"{file}: column {name!r} occurs twice in the header; rename or remove one")
        columns[name] = column
    return columns


def refuse_wide(n_columns: int, file: str) -> None:
    """Raise `InputError` for more columns than a table can have."""
    if n_columns > MAX_COLUMNS:
        raise InputError(f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row")


LIBRARIES = ("pandas", "polars")


def to_frame(columns: Mapping[str, Sequence[object]], library: str | None = None) -> Any:
    """A data frame with these columns, of equal length.

    library: "pandas" or "polars"; None takes pandas where it is installed, else polars

    Raises `InputError` where neither is installed, or where the library is another.

    >>> to_frame({"id": ["q1", "q2"], "answer": ["A", "BD"]}).shape
    (2, 2)
    """
    chosen = library or ("pandas" if find_spec("pandas") else "polars")
    if chosen not in LIBRARIES:
        raise InputError(f"`library` must be one of {', '.join(LIBRARIES)}; got {chosen!r}")
    lists = {
        name: np.ndarray.tolist(x) if isinstance(x, np.ndarray) else list(x) for name, x in columns.items()
    }
    if chosen == "pandas":
        import pandas

        return pandas.DataFrame(lists)
    require("tables", "polars", purpose="a data frame (or pandas instead)")
    import polars

    # The type of an empty column cannot be inferred.
    types = {name: polars.String for name, cells in lists.items() if not cells}
    return polars.DataFrame(lists, schema_overrides=types, infer_schema_length=None)


def is_frame(data: object) -> bool:
    """Whether `read_columns` takes this for a table: a frame of pandas or polars, a pyarrow table, a data set of
    the `datasets` library, a list of records, or a mapping of columns.
    """
    return _library_of(data) is not None or isinstance(data, Mapping) or _are_records(data)


def read_columns(data: Any) -> dict[str, list[object]]:
    """The columns of a table in memory as lists of Python values: missing values are None, arrays are lists.

    data: what `is_frame` accepts; a named index of pandas is a column, an unnamed one is not. A column
    `annotations` whose cells are mappings is taken apart, as `pandas.DataFrame(exam)` has it.

    Raises `InputError` for anything else, and for two columns with the same name.

    >>> read_columns([{"id": "q1", "answer": "A"}, {"id": "q2"}])
    {'id': ['q1', 'q2'], 'answer': ['A', None]}
    """
    library = _library_of(data)
    if library == "pandas":
        name = data.index.name
        if name is not None and list(data.columns).count(name) == 1 and list(data.index) == list(data[name]):
            data = data.reset_index(drop=True)  # set_index("id", drop=False)
        unnamed = all(name is None for name in data.index.names)
        named = data if unnamed else data.reset_index(allow_duplicates=True)
        if named.columns.nlevels > 1:  # ("qwen", "answer") is qwen.answer, as in nested objects
            named = named.set_axis([".".join(filter(None, map(str, name))) for name in named.columns], axis=1)
        repeated = named.columns[named.columns.astype(str).duplicated()]
        if len(repeated):
            raise InputError(
                f"the table has several columns {str(repeated[0])!r}; rename or remove all but one"
            )
        columns = {str(name): series.tolist() for name, series in named.items()}
    elif library == "polars":
        frame = data.collect() if hasattr(data, "collect") else data
        columns = {series.name: series.to_list() for series in frame}
    elif library is not None:
        columns = data.to_pydict() if hasattr(data, "to_pydict") else data.to_dict()
    elif isinstance(data, Mapping):
        columns = {str(name): list(cells) for name, cells in data.items()}
    elif _are_records(data):
        names = list(dict.fromkeys(str(name) for record in data for name in record))
        columns = {name: [record.get(name) for record in data] for name in names}
    else:
        raise InputError(
            f"a {type(data).__name__} is no table; give a path, a pandas or polars frame, or a list of records"
        )
    if len({len(cells) for cells in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(cells)}" for name, cells in columns.items())
        raise InputError(f"the columns of a table must be of equal length; got {lengths}")
    return _flat({name: [_plain(cell) for cell in cells] for name, cells in columns.items()})


def _library_of(data: object) -> str | None:
    root, _, _ = type(data).__module__.partition(".")
    known = {"pandas": ("DataFrame",), "polars": ("DataFrame", "LazyFrame"), "pyarrow": ("Table",)}
    known["datasets"] = ("Dataset",)
    return root if type(data).__name__ in known.get(root, ()) else None


def _are_records(data: object) -> bool:
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(row, Mapping) for row in data)


def _flat(columns: dict[str, list[object]]) -> dict[str, list[object]]:
    nested = columns.get("annotations", [])
    if not nested or not all(isinstance(cell, Mapping) for cell in nested):
        return columns
    others = {name: cells for name, cells in columns.items() if name != "annotations"}
    return others | read_columns(nested)


def _plain(cell: Any) -> object:
    if isinstance(cell, np.ndarray | np.generic):
        return cell.tolist()
    return None if is_missing(cell) else cell
