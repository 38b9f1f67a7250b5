"""CSV, TSV, JSONL and JSON: text to table and back, with the quoting of the published files; results as files and as
CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import MAX_BYTES, Source
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.table import (
    PUBLISHED_FORMAT,
    FileFormat,
    Table,
    cell_text,
    table_of_records,
    table_of_rows,
)
from cmexam_baseline.exam.splits import ending_of

Columns = Mapping[str, Sequence[object]]


def read_csv(source: Source, delimiter: str | None = None) -> Table:
    """The table in a CSV file.

    Unless given, the delimiter is a comma, or a tab or semicolon where the header has no comma.

    Raises `InputError` naming file and row where quotes do not close, and as `decode` and `table_of_rows` do.

    >>> read_csv(Source("val.csv", "Question,Answer\\n问题,A\\n".encode())).columns
    {'Question': ['问题'], 'Answer': ['A']}
    """
    header, bom = source.first_line()
    found = delimiter or next((char for char in (",", "\t", ";") if char in header), ",")
    line_end = "\r\n" if header.endswith("\r") else "\n"
    return table_of_rows(_rows(source, found), source.name, FileFormat(line_end=line_end, bom=bom))


def _rows(source: Source, delimiter: str) -> Iterator[list[str]]:
    # The limit is the module's, not the reader's.
    limit = csv.field_size_limit(MAX_BYTES)
    number = -1  # the header is no row
    try:
        with source.lines(newline="") as lines:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            for row in filter(None, reader):
                number += 1
                yield row
    except csv.Error as error:
        raise InputError(
            f"{source.name}, row {number + 1}: quotes do not close or do not fit ({error}, near line "
            f'{reader.line_num}); write a quote within a quoted cell as ""'
        ) from error
    finally:
        csv.field_size_limit(limit)


def read_jsonl(source: Source) -> Table:
    """The table in a JSONL file: one object a line."""
    return table_of_records((record for _, record in read_records(source)), source.name)


def read_records(source: Source) -> Iterator[tuple[int, dict[str, object]]]:
    """The number and the object of each line of a JSONL file, blank lines aside.

    Raises `InputError` naming the line that is not a JSON object, and as `decode` does.
    """
    source.first_line()
    with source.lines(newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{source.name}, line {number}"
                yield number, _object(parse_json(line.removesuffix("\n"), where), where)


def read_json(source: Source) -> Table:
    """The table in a JSON file: a list of objects, an object that holds just one such list, or one of objects or answers
    by id.

    Raises `InputError` where it holds something else, and as `decode` does.
    """
    value = parse_json(source.text.content, source.name)
    if isinstance(value, dict):
        lists = [part for part in value.values() if isinstance(part, list)]
        value = lists[0] if len(lists) == 1 else _records_by_key(value)
    if not isinstance(value, list):
        raise InputError(
            f"{source.name} holds no list of objects; expected [{{…}}, …], or one object a line in a .jsonl"
        )
    records = (_object(record, f"{source.name}, row {number}") for number, record in enumerate(value, 1))
    return table_of_records(records, source.name)


def _records_by_key(value: dict[str, object]) -> object:
    """Records of {"q1": {…}, …} or {"q1": "A", …} with their key as id; the value itself where it is neither."""
    if value and all(isinstance(part, dict) for part in value.values()):
        return [{"id": key, **part} for key, part in value.items() if isinstance(part, dict)]
    if value and all(isinstance(part, str | int) for part in value.values()):
        return [{"id": key, "answer": part} for key, part in value.items()]
    return value


def parse_json(text: str, where: str, may_be_lines: bool = False) -> object:
    """A JSON value; None for several where they may be JSON Lines. `InputError` says `where` a text is none."""
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        if may_be_lines and error.msg == "Extra data":
            return None
        raise InputError(
            f"{where}: not JSON ({error.msg}, column {error.colno}); correct or remove it"
        ) from error
    except ValueError as error:
        raise InputError(f"{where}: not usable JSON ({error}); correct or remove it") from error
    except RecursionError as error:
        raise InputError(f"{where}: JSON nested too deep; expected an object of texts and lists") from error
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{where}: holds half of a surrogate pair; write such characters whole"
            ) from error
    return value


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InputError(
            f"{where}: holds {type(value).__name__}, not an object; expected {{…}} with named fields"
        )
    return value


def csv_bytes(columns: Columns, file_format: FileFormat = PUBLISHED_FORMAT, delimiter: str = ",") -> bytes:
    """The bytes of a CSV file with these columns, quoted only where needed, as the published files are.

    Raises `InputError` for NUL, which no reader would take for text.

    >>> csv_bytes({"Question": ["甲, 乙"], "Answer": ["A"]}).decode()
    'Question,Answer\\n"甲, 乙",A\\n'
    """
    needs_quotes = re.compile(f'[{delimiter}"\r\n]').search
    quoted = [
        [
            '"' + text.replace('"', '""') + '"' if needs_quotes(text) else text
            for text in map(cell_text, (name, *cells))
        ]
        for name, cells in columns.items()
    ]
    if len(quoted) == 1:
        # A line of one empty cell would be a blank line, which is no row.
        quoted = [[cell or '""' for cell in quoted[0]]]
    lines = [delimiter.join(row) for row in zip(*quoted, strict=True)]
    text = file_format.line_end.join([*lines, ""])
    if "\0" in text:
        row = next(row for row, line in enumerate(lines) if "\0" in line)
        raise InputError(f"row {row}: a text holds a NUL character, which CSV cannot; remove it")
    return (b"\xef\xbb\xbf" if file_format.bom else b"") + text.encode("utf-8")


def jsonl_bytes(columns: Columns) -> bytes:
    """The bytes of a JSONL file with these columns; cells that are None are left out of their object.

    >>> jsonl_bytes({"id": ["q1"], "probability_E": [None]})
    b'{"id": "q1"}\\n'
    """
    return "".join(f"{line}\n" for line in _json_lines(columns)).encode("utf-8")


def json_bytes(columns: Columns) -> bytes:
    """The bytes of a JSON file: a list with one object a line."""
    return ("[\n" + ",\n".join(_json_lines(columns)) + "\n]\n").encode("utf-8")


def _json_lines(columns: Columns) -> Iterator[str]:
    for row in zip(*columns.values(), strict=True):
        record = {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None}
        yield json.dumps(record, ensure_ascii=False)


_RESULT_WRITERS = {".csv": csv_bytes, ".jsonl": jsonl_bytes}


def write_columns(parts: Iterable[Columns], path: str | os.PathLike[str]) -> None:
    """Write name -> cells as CSV or JSONL, each also as .gz, as a whole or not at all.

    parts: columns of the same names that come one below the other, each asked for when it is written

    A cell that is None is empty in CSV and left out in JSONL. Raises `InputError` for another ending, and as
    `write_pieces` does.
    """
    ending = ending_of(path)
    if ending not in _RESULT_WRITERS:
        raise InputError(f"{os.fspath(path)}: results are written as .csv or .jsonl, not {ending!r}")
    write = _RESULT_WRITERS[ending]

    def pieces() -> Iterator[bytes]:
        header = b""
        for part in parts:
            yield write(part).removeprefix(header)
            header = write({name: [] for name in part})

    write_pieces(pieces(), path)


def write_pieces(pieces: Iterable[bytes], path: str | os.PathLike[str]) -> None:
    """Write bytes as a whole or not at all, packed where the name ends in .gz.

    Raises `InputError` where a text cannot be encoded, or the file cannot be written.
    """
    try:
        write_atomically(path, _gzipped(pieces) if Path(path).suffix.lower() == ".gz" else pieces)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fspath(path)} cannot be written: a text holds half of a surrogate pair; correct it"
        ) from error


def _gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    # Unlike a GzipFile's, this header holds no time, so that the same content gives the same bytes.
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[str] = ()) -> str:
    """A Markdown table; columns named in `left` are set flush left, others flush right.

    >>> print(markdown_table(["system", "%"], [["a|b", "45.3"]], left=["system"]), end="")
    | system | % |
    |---|---:|
    | a\\|b | 45.3 |
    """
    first, *others = ["| " + " | ".join(map(_markdown, row)) + " |\n" for row in (header, *rows)]
    rule = "|" + "|".join("---" if name in left else "---:" for name in header) + "|\n"
    return "".join([first, rule, *others])


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a header; None is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def latex_table(header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[str] = ()) -> str:
    """A LaTeX tabular for the booktabs package; columns named in `left` are set flush left, others flush right."""
    columns = "".join("l" if name in left else "r" for name in header)
    first, *lines = [" & ".join(map(_latex, row)) + " \\\\" for row in (header, *rows)]
    parts = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", first, "\\midrule", *lines, "\\bottomrule"]
    return "\n".join([*parts, "\\end{tabular}"]) + "\n"


def _markdown(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


# Names come from files: none may become a command.
_LATEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in " ".join(text.split()))
