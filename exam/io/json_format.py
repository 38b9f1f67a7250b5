"""JSONL and JSON: one object a question."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import Source
from cmexam_baseline.exam.io.table import ROWS_A_PIECE, Table, table_of_records


def read_jsonl(source: Source) -> Table:
    """The table in a JSONL file: one object a line, blank lines aside.

    Raises `InputError` naming the line that is not a JSON object, and as `decode` does.

    >>> read_jsonl(Source("val.jsonl", '{"Question": "问题"}'.encode())).columns
    {'Question': ['问题']}
    """
    source.first_line()
    return table_of_records(_batches(source), source.name)


def read_json(source: Source) -> Table:
    """The table in a JSON file: a list of objects, an object that holds just one such list, or one of objects or answers
    by id.

    Raises `InputError` where it holds something else, and as `decode` does.

    >>> read_json(Source("val.json", '{"data": [{"Question": "问题"}]}'.encode())).columns
    {'Question': ['问题']}
    """
    value = _parsed(source.text.content, source.name)
    if isinstance(value, dict):
        lists = [part for part in value.values() if isinstance(part, list)]
        value = lists[0] if len(lists) == 1 else _records_by_key(value)
    if not isinstance(value, list):
        raise InputError(
            f"{source.name} holds no list of objects; expected [{{…}}, …], or one object a line in a .jsonl"
        )
    records = [_object(record, f"{source.name}, row {number}") for number, record in enumerate(value, 1)]
    return table_of_records([records], source.name)


def _records_by_key(value: dict[str, object]) -> object:
    """Records of {"q1": {…}, …} or {"q1": "A", …} with their key as id; the value itself where it is neither."""
    if value and all(isinstance(part, dict) for part in value.values()):
        return [{"id": key, **part} for key, part in value.items() if isinstance(part, dict)]
    if value and all(isinstance(part, str | int) for part in value.values()):
        return [{"id": key, "answer": part} for key, part in value.items()]
    return value


def jsonl_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of a JSONL file with these columns; cells that are None are left out of their object.

    >>> jsonl_bytes({"id": ["q1"], "probability_E": [None]})
    b'{"id": "q1"}\\n'
    """
    return "".join(f"{line}\n" for line in _lines(columns)).encode("utf-8")


def json_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of a JSON file: a list with one object a line.

    >>> json_bytes({"id": ["q1"]})
    b'[\\n{"id": "q1"}\\n]\\n'
    """
    return ("[\n" + ",\n".join(_lines(columns)) + "\n]\n").encode("utf-8")


def _batches(source: Source) -> Iterator[list[dict[str, object]]]:
    with source.lines(newline="\n") as lines:
        records = (_record(line, number, source.name) for number, line in enumerate(lines, 1) if line.strip())
        while batch := list(islice(records, ROWS_A_PIECE)):
            yield batch


def _record(line: str, number: int, file: str) -> dict[str, object]:
    where = f"{file}, line {number}"
    return _object(_parsed(line.removesuffix("\n"), where), where)


def _lines(columns: Mapping[str, Sequence[object]]) -> list[str]:
    names = list(columns)
    return [
        json.dumps(
            {name: cell for name, cell in zip(names, row, strict=True) if cell is not None},
            ensure_ascii=False,
        )
        for row in zip(*columns.values(), strict=True)
    ]


def _parsed(text: str, where: str) -> object:
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}: not JSON ({error.msg}, column {error.colno}); correct or remove it"
        ) from error
    except ValueError as error:
        raise InputError(f"{where}: not usable JSON ({error}); correct or remove it") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deep; expected an object of texts and lists") from error
    if "\\ud" in text.lower() and not _is_encodable(value):
        raise InputError(f"{where}: holds half of a surrogate pair; write such characters whole")
    return value


def _is_encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(
            f"{where}: holds {type(value).__name__}, not an object; expected {{…}} with named fields"
        )
    return value
