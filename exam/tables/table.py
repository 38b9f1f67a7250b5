"""A table as it stands in a file: named columns of cells, before anybody asks what they mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cmexam_baseline.exam.errors import InputError

# No exam or prediction file has more; a file that does is something else and would only fill the memory.
MAX_COLUMNS = 1000


@dataclass(frozen=True)
class FileForm:
    """How a CSV file is written: what has to be known to write the same bytes again.

    line_end:     between rows, "\\n" or "\\r\\n"
    option_break: between options in a cell, "\\n", "\\r\\n" or a literal backslash-n
    bom:          whether the file begins with UTF-8's byte order mark
    """

    line_end: str = "\n"
    option_break: str = "\n"
    bom: bool = False


PUBLISHED_FORM = FileForm()


@dataclass(frozen=True)
class Table:
    """The cells of a file by column.

    columns: name -> n cells: texts, or lists, mappings, numbers and None where the file form has them
    rows:    the numbers of these rows in the file, counted from 1 without the header
    damaged: row number -> (reason, excerpt) of the rows that do not fit the columns
    """

    columns: dict[str, list[object]]
    rows: list[int]
    damaged: dict[int, tuple[str, str]] = field(default_factory=dict)
    form: FileForm = PUBLISHED_FORM


def cell_text(cell: object) -> str:
    """A cell as text: None and NaN are "", whole floats stand without ".0".

    >>> [cell_text(cell) for cell in ("A", None, 5.0, 7, float("nan"))]
    ['A', '', '5', '7', '']
    """
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, float):
        if math.isnan(cell):
            return ""
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell)


def table_of_rows(rows: Sequence[Sequence[object]], file: str, form: FileForm = PUBLISHED_FORM) -> Table:
    """A table of a header and rows of cells; blank rows do not count, rows of another length are damaged.

    Raises `InputError` where there is no row, or the header names a column twice.
    """
    filled = [row for row in rows if row]
    if not filled:
        raise InputError(f"{file} is empty; expected a header and at least one row")
    header, body = filled[0], filled[1:]
    if not body:
        raise InputError(f"{file} holds a header but no row; expected at least one row")
    width = len(header)
    numbered = [(number, row) for number, row in enumerate(body, 1) if len(row) == width]
    damaged = {
        number: (f"{len(row)} fields instead of {width}", cell_text(row[0]))
        for number, row in enumerate(body, 1)
        if len(row) != width
    }
    cells = list(zip(*(row for _, row in numbered), strict=True)) or [()] * width
    return Table(_named_columns(header, cells, file), [number for number, _ in numbered], damaged, form)


def table_of_records(records: Sequence[Mapping[str, object]], rows: list[int], file: str) -> Table:
    """A table of JSON objects; a key that an object lacks is None there. `rows` are their numbers in the
    file.

    Raises `InputError` where there is no object or more keys than a table can have.
    """
    if not records:
        raise InputError(f"{file} is empty; expected at least one object")
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
        _refuse_wide(len(names), file)
    return Table({name: [record.get(name) for record in records] for name in names}, rows)


def _named_columns(
    header: Sequence[object], cells: Sequence[Sequence[object]], file: str
) -> dict[str, list[object]]:
    _refuse_wide(len(header), file)
    columns: dict[str, list[object]] = {}
    for place, (title, column) in enumerate(zip(header, cells, strict=True), 1):
        name = cell_text(title)
        if not name.strip():
            # Spreadsheets leave columns without name and content at the right edge.
            if not any(cell_text(cell) for cell in column):
                continue
            name = f"column {place}"
        if name in columns:
            raise InputError(f"{file}: column {name!r} stands twice in the header; rename or remove one")
        columns[name] = list(column)
    return columns


def _refuse_wide(n_columns: int, file: str) -> None:
    if n_columns > MAX_COLUMNS:
        raise InputError(f"{file} has more than {MAX_COLUMNS} columns; give a file with one question a row")
