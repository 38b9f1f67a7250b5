"""Columns to a pandas or polars frame, and the columns of a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

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
        name: cells.tolist() if isinstance(cells, np.ndarray) else list(cells)
        for name, cells in columns.items()
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

    >>> is_frame([{"id": "q1"}]), is_frame("val.csv")
    (True, False)
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
        named = data.reset_index() if any(name is not None for name in data.index.names) else data
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
    # pandas.NA compares to nothing, NaN and NaT are not equal to themselves.
    if (
        cell is None
        or type(cell).__name__ in ("NAType", "NaTType")
        or (isinstance(cell, float) and cell != cell)
    ):
        return None
    return cell
