"""CSV and TSV: text to table and back, with the quoting of the published files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.tables.sources import decode, refuse_long_lines
from cmexam_baseline.exam.tables.table import PUBLISHED_FORM, FileForm, Table, cell_text, table_of_rows

_DELIMITERS = (",", "\t", ";")


def read_csv(data: bytes, file: str, delimiter: str | None = None) -> Table:
    """The table in the bytes of a CSV file.

    Unless given, the delimiter is a comma, or a tab or semicolon where no comma stands in the header.

    Raises `InputError` naming file and row where quotes do not close, and as `decode` and `table_of_rows` do.

    >>> read_csv("Question,Answer\\n问题,A\\n".encode(), "val.csv").columns
    {'Question': ['问题'], 'Answer': ['A']}
    """
    refuse_long_lines(data, file)
    text = decode(data, file)
    header = text.content.partition("\n")[0]
    found = delimiter or next((char for char in _DELIMITERS if char in header), ",")
    rows = _parse(text.content, found, file)
    line_end = "\r\n" if header.endswith("\r") else "\n"
    return table_of_rows(rows, file, FileForm(line_end=line_end, bom=text.bom))


def csv_bytes(
    columns: Mapping[str, Sequence[object]], form: FileForm = PUBLISHED_FORM, delimiter: str = ","
) -> bytes:
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
    text = form.line_end.join([*lines, ""])
    if "\0" in text:
        row = next(row for row, line in enumerate(lines) if "\0" in line)
        raise InputError(f"row {row}: a text holds a NUL character, which CSV cannot; remove it")
    return (b"\xef\xbb\xbf" if form.bom else b"") + text.encode("utf-8")


def _parse(content: str, delimiter: str, file: str) -> list[list[str]]:
    rows: list[list[str]] = []
    # The limit is the module's, not the reader's. A cell can be as long as the file, but no longer.
    limit = csv.field_size_limit(max(len(content), csv.field_size_limit()))
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        rows.extend(reader)
    except csv.Error as error:
        raise InputError(
            f"{file}, row {sum(map(bool, rows))}: quotes do not close or do not fit ({error}, near line "
            f'{reader.line_num}); write a quote within a quoted cell as ""'
        ) from error
    finally:
        csv.field_size_limit(limit)
    return rows
