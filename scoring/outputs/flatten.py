"""Nested JSON cells as flat columns with dotted names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.table import MAX_COLUMNS

MAX_DEPTH = 12


def flatten_columns(
    columns: Mapping[str, Sequence[object]], file: str = "the table"
) -> dict[str, Sequence[object]]:
    """Columns whose cells are objects become a column for every field: `response.choices.0.message.content`.

    Lists of objects count their elements from 0; lists of plain values stay as they are, but a list of one
    plain value is that value. Raises `InputError` where the fields would be too many.

    >>> flatten_columns({"id": [1], "response": [{"choices": [{"text": "B"}]}]})
    {'id': [1], 'response.choices.0.text': ['B']}
    """
    flat: dict[str, Sequence[object]] = {}
    for name, cells in columns.items():
        if not any(isinstance(cell, Mapping | list) for cell in cells):
            flat[name] = cells
            continue
        fields: dict[str, list[object]] = {}
        for row, cell in enumerate(cells):
            for field, value in _fields(name, cell, 0):
                if field not in fields:
                    if field not in flat and len(flat) + len(fields) >= MAX_COLUMNS:
                        raise InputError(
                            f"{file}: column {name!r} holds more than {MAX_COLUMNS} nested fields"
                        )
                    fields[field] = list(flat.get(field, repeat(None, len(cells))))
                fields[field][row] = value
        flat |= fields
    return flat


def _fields(name: str, cell: object, depth: int) -> list[tuple[str, object]]:
    if depth >= MAX_DEPTH:
        return [(name, cell)]
    if isinstance(cell, Mapping):
        return [pair for key, value in cell.items() for pair in _fields(f"{name}.{key}", value, depth + 1)]
    if isinstance(cell, list):
        while isinstance(cell, list) and len(cell) == 1:
            cell = cell[0]
        if isinstance(cell, Mapping):
            return _fields(f"{name}.0", cell, depth + 1)
        if isinstance(cell, list) and any(isinstance(value, Mapping) for value in cell):
            return [
                pair
                for place, value in enumerate(cell)
                for pair in _fields(f"{name}.{place}", value, depth + 1)
            ]
    return [(name, cell)]
