"""Prediction files and frames in the shapes that tools write them, as one table with a row for every reply.

Read are, besides the tables of `exam.io.formats`: JSON Lines under any name, objects keyed by id or number, a list
of replies, every orient of pandas' `to_json`, logs that hold their samples in one field, text files with one reply
a line, the shards of a Parquet data set, and frames of pandas, polars and `datasets`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeGuard

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.columns import column_key
from cmexam_baseline.exam.io.file_bytes import Source, open_file, read_standard_input
from cmexam_baseline.exam.io.formats import format_of, name_by_content, read_table
from cmexam_baseline.exam.io.table import Table, read_columns, table_of_records
from cmexam_baseline.exam.io.text_formats import parse_json
from cmexam_baseline.exam.splits import ending_of, is_datasets_folder

Record = dict[str, object]

# The columns of shapes that have no names of their own.
KEY, REPLY = "key", "reply"

# Fields of logs that hold the samples, beside settings and results.
_SAMPLES = (
    *("samples", "details", "predictions", "data", "rows", "records", "results", "items"),
    *("examples", "instances"),
)
# A JSON object with one of these fields is one record, not a mapping from ids to replies.
_FIELDS = {"id", "question", "prompt", "prediction", "predict", "answer", "response", "output", "messages"}

_SHARD = re.compile(r"(?P<stem>.*?)-(?P<number>\d{5})-of-(?P<count>\d{5})\.parquet")
# "12. A", "第12题：A", "12<tab>A"
_NUMBERED = re.compile(
    r"\s*(?:第|#|\[|q|question|answer|ans|no\.?)?\s*(?P<number>\d{1,7})"
    r"\s*(?:题|[.、:：)）\],，\t]|\s)+\s*(?P<reply>.*)",
    re.IGNORECASE,
)


def read_shape(source: object) -> Table:
    """The table in a file ("-" is standard input), a folder or list of Parquet shards, a frame, or a list of mappings.

    Raises `InputError` where the source cannot be read as rows.
    """
    if is_list_of_paths(source):
        return _table_of_shards(source)
    if not isinstance(source, str | os.PathLike):
        return _table_of_frame(source)
    path = Path(source)
    if str(path) == "-":
        return _table_of_input(read_standard_input())
    if path.is_dir():
        return read_table(path) if is_datasets_folder(path) else _table_of_folder(path)
    open_file(path).close()  # a path that is not there matters more than its ending
    if ending_of(path) in (".json", ".jsonl", ".txt"):
        return _table_of_text(Source(str(path)), ending_of(path))
    return read_table(path)


def is_list_of_paths(source: object) -> TypeGuard[list[str]]:
    """Whether a source is the shards of one data set."""
    return (
        isinstance(source, list)
        and source != []
        and all(isinstance(one, str | os.PathLike) for one in source)
    )


def join_shards(paths: Sequence[str]) -> list[list[str]]:
    """The paths in groups: the shards of one Parquet data set together, every other file alone.

    >>> join_shards(["a.csv", "x-00000-of-00002.parquet", "x-00001-of-00002.parquet"])
    [['a.csv'], ['x-00000-of-00002.parquet', 'x-00001-of-00002.parquet']]
    """
    groups: dict[str, list[str]] = {}
    for place, path in enumerate(paths):
        shard = _SHARD.fullmatch(Path(path).name)
        key = str(Path(path).parent / shard["stem"]) if shard else f"{place}\0"
        groups.setdefault(key, []).append(path)
    return [sorted(group) for group in groups.values()]


def _table_of_shards(paths: Sequence[str]) -> Table:
    tables = [read_shape(path) for path in paths]
    names = list(tables[0].columns)
    for path, table in zip(paths, tables, strict=True):
        if list(table.columns) != names:
            raise InputError(
                f"{path} has other columns than {paths[0]}; give files of different kinds one by one"
            )
    columns = {name: list(chain.from_iterable(table.columns[name] for table in tables)) for name in names}
    return Table(columns, range(1, sum(len(table.rows) for table in tables) + 1))


def _table_of_folder(folder: Path) -> Table:
    shards = sorted(path for path in folder.rglob("*.parquet") if _SHARD.fullmatch(path.name))
    groups = join_shards([str(path) for path in shards])
    if len(groups) != 1:
        raise InputError(
            f"{folder} is a folder; give a file, or a folder with the shards of one Parquet data set"
        )
    return _table_of_shards(groups[0])


def records_of(value: object, where: str) -> list[Record]:
    """The rows in a JSON value of any shape; raises `InputError` where it holds none.

    >>> records_of({"question": {"0": "甲？"}, "prediction": {"0": "A"}}, "p.json")
    [{'question': '甲？', 'prediction': 'A'}]
    >>> records_of({"q1": "A", "q2": "BC"}, "p.json")[1]
    {'key': 'q2', 'reply': 'BC'}
    """
    found = _records(value)
    if not found:
        raise InputError(
            f"{where} holds no rows; expected [{{…}}, …], one object a line, or {{id: reply, …}}"
        )
    return found


def _records(value: object) -> list[Record]:
    if isinstance(value, list):
        return _records_of_list(value)
    if not isinstance(value, dict):
        return []
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list):  # pandas: orient="split"
        index = value.get("index")
        rows = [dict(zip(map(str, columns), row, strict=False)) for row in data if isinstance(row, list)]
        counts = isinstance(index, list) and len(index) == len(rows) and index != list(range(len(rows)))
        return [{KEY: key, **row} for key, row in zip(index, rows, strict=True)] if counts and index else rows
    named = [part for name in _SAMPLES for key, part in value.items() if str(key).lower() == name]
    for part in named:
        listed = _holds_objects(part) and len(part) > 1
        wrapped = (
            isinstance(part, dict) and len(value) == 1 and any(isinstance(x, list) for x in part.values())
        )
        # promptfoo: {"results": {"version": 3, "results": […]}, "config": {…}}
        inside = isinstance(part, dict) and any(map(_holds_objects, map(part.get, _SAMPLES)))
        if listed or wrapped or inside:
            return _records(part)
    tables = {str(key): part for key, part in value.items() if _holds_objects(part)}
    if len(tables) == len(value) > 1 and not named and len({len(part) for part in tables.values()}) == 1:
        return [{"model": name, **item} for name, part in tables.items() for item in part]
    inner = {str(key): part for key, part in value.items() if isinstance(part, dict)}
    if len(inner) > 1 and len(inner) >= len(value) / 2 or len(inner) == len(value) == 1:
        return _records_of_objects(inner)
    lists = {str(key): part for key, part in value.items() if isinstance(part, list)}
    if _is_of_columns(value, lists):
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    others = sorted(lists.values(), key=len, reverse=True)
    for part in [*named, *others, *value.values()]:
        held = isinstance(part, list) and part and all(isinstance(item, dict) for item in part)
        if held or (isinstance(part, dict) and any(isinstance(item, dict) for item in part.values())):
            found = _records(part)
            if found:
                return found
    if _is_of_replies(value):
        return [{KEY: str(key), REPLY: part} for key, part in value.items()]
    return [value] if _FIELDS & {column_key(str(key)) for key in value} else []


def _holds_objects(part: object) -> TypeGuard[list[Record]]:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict) for item in part)


def _records_of_list(items: list[object]) -> list[Record]:
    if items and all(isinstance(item, dict) for item in items):
        records = [item for item in items if isinstance(item, dict)]
        keys = [next(iter(item)) for item in records if len(item) == 1]
        if len(set(keys)) == len(records) > 1:  # one pair of id and reply an object
            return [{KEY: str(key), REPLY: part} for item in records for key, part in item.items()]
        return records
    lists = [item for item in items if isinstance(item, list)]
    if lists and len(lists) == len(items):
        if all(isinstance(turn, dict) for item in lists for turn in item):
            return [{"messages": item} for item in lists]
        widths = {len(item) for item in lists}
        short = all(isinstance(cell, str) and len(cell) <= 1 for item in lists for cell in item)
        if len(widths) == 1 and not short:  # pandas: orient="values"
            return [{f"column {place}": cell for place, cell in enumerate(item, 1)} for item in lists]
        return [{REPLY: item} for item in lists]
    plain = not any(isinstance(item, dict | list) for item in items)
    return [{REPLY: item} for item in items] if plain else []


def _records_of_objects(objects: Mapping[str, Mapping[str, object]]) -> list[Record]:
    """Rows of objects of objects: by row (OpenCompass, orient="index") or by column (pandas' own order)."""
    firsts = [str(key) for key in next(iter(objects.values()))]
    shared = all([str(key) for key in part] == firsts for part in objects.values())
    outer_counts = all(key.isdigit() for key in objects)
    inner_counts = bool(firsts) and all(key.isdigit() for key in firsts)
    if outer_counts != inner_counts:
        by_column = inner_counts and shared
    else:
        by_column = shared and len(objects) < len(firsts)
    if not by_column:
        return [{KEY: key, **part} if KEY not in part else dict(part) for key, part in objects.items()]
    rows = zip(*(part.values() for part in objects.values()), strict=True)
    records = [dict(zip(objects, row, strict=True)) for row in rows]
    if firsts == [str(place) for place in range(len(firsts))]:
        return records
    return [{KEY: key, **record} for key, record in zip(firsts, records, strict=True)]


def _is_of_columns(value: Mapping[object, object], lists: Mapping[str, list[object]]) -> bool:
    """Whether this is {"question": […], "prediction": […]}, as `to_dict("list")` and `datasets` write it."""
    lengths = {len(part) for part in lists.values()}
    plain = not any(isinstance(item, dict) for part in lists.values() for item in part)
    return len(lists) > 1 and len(lists) == len(value) and len(lengths) == 1 and lengths != {0} and plain


def _is_of_replies(value: Mapping[object, object]) -> bool:
    """Whether this is {id: reply, …}."""
    cells = chain.from_iterable(part if isinstance(part, list) else [part] for part in value.values())
    plain = all(cell is None or isinstance(cell, str | int | float) for cell in cells)
    return len(value) > 1 and plain and not _FIELDS & {column_key(str(key)) for key in value}


def _table_of_input(data: bytes) -> Table:
    source, name = Source("standard input", data), name_by_content(data)
    return _table_of_text(source, ".jsonl") if ".json" in name else format_of(name).read(source)


def _table_of_text(source: Source, ending: str) -> Table:
    source.first_line()
    text = source.text.content
    start = text.lstrip()[:20]
    if start[:1] not in ("{", "[") and ending != ".jsonl":
        if ending == ".json":
            raise InputError(f"{source.name}: not JSON, it begins with {start!r}; name it by what it holds")
        return table_of_records(_records_of_lines(re.split("\r?\n", text.rstrip())), source.name)
    value = None
    if ending != ".jsonl" or start[:1] == "[" or start.startswith(("{\n", "{\r\n")):
        value = parse_json(text, source.name, may_be_lines=True)
    records = _lines(text, source.name) if value is None else records_of(value, source.name)
    return table_of_records(records, source.name)


def _records_of_lines(lines: Sequence[str]) -> list[Record]:
    """A reply a line, with its number or id in front where every line has another one."""
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    numbers = [int(found["number"]) for found in numbered if found]
    start = min(numbers, default=0)
    if len(numbers) == len(lines) > 1 and sorted(numbers) == list(range(start, start + len(lines))):
        return [{KEY: str(int(found["number"])), REPLY: found["reply"]} for found in numbered if found]
    parts = [line.partition("\t") for line in lines]
    keys = {key for key, tab, reply in parts if tab and "\t" not in reply}
    if len(keys) == len(lines) > 1:
        return [{KEY: key, REPLY: reply} for key, _, reply in parts]
    return [{REPLY: line} for line in lines]


def _lines(text: str, file: str) -> list[Record]:
    values: list[object] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            values.append(parse_json(line, f"{file}, line {number}"))
            if type(values[-1]) is not type(values[0]):
                raise InputError(
                    f"{file}, line {number}: holds {type(values[-1]).__name__}, not {type(values[0]).__name__}; "
                    "give every line the same shape"
                )
    return records_of(values, file) if values else []


def _table_of_frame(source: object) -> Table:
    if isinstance(source, list | tuple):
        return table_of_records(records_of(list(source), "the list"), "the list")
    if getattr(getattr(source, "index", None), "nlevels", 1) > 1:
        source = source.reset_index(allow_duplicates=True)  # type: ignore[attr-defined]  # a pandas frame
    columns = read_columns(source)
    index: list[object] = getattr(getattr(source, "index", None), "tolist", list)()
    if index and KEY not in columns and index != list(range(len(index))):
        columns = {KEY: index, **columns}  # rows of a pandas frame that was filtered or shuffled
    n = len(next(iter(columns.values()), []))
    if not n:
        raise InputError("the frame holds no row; expected at least one")
    return Table(columns, range(1, n + 1))
