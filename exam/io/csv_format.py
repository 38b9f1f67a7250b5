"""CSV and TSV: text to table and back, with the quoting of the published files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import MAX_BYTES, Source
from cmexam_baseline.exam.io.table import (
    PUBLISHED_FORM,
    ROWS_A_PIECE,
    FileForm,
    Table,
    cell_text,
    table_of_rows,
)

_DELIMITERS = (",", "\t", ";")


def read_csv(source: Source, delimiter: str | None = None) -> Table:
    """The table in a CSV file.

    Unless given, the delimiter is a comma, or a tab or semicolon where the header has no comma.

    Raises `InputError` naming file and row where quotes do not close, and as `decode` and `table_of_rows` do.

    >>> read_csv(Source("val.csv", "Question,Answer\\n问题,A\\n".encode())).columns
    {'Question': ['问题'], 'Answer': ['A']}
    """
    header, bom = source.first_line()
    found = delimiter or next((char for char in _DELIMITERS if char in header), ",")
    line_end = "\r\n" if header.endswith("\r") else "\n"
    return table_of_rows(_batches(source, found), source.name, FileForm(line_end=line_end, bom=bom))


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


def _batches(source: Source, delimiter: str) -> Iterator[list[list[str]]]:
    # The limit is the module's, not the reader's.
    limit = csv.field_size_limit(MAX_BYTES)
    n_before = 0
    try:
        with source.lines(newline="") as lines:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            while True:
                rows: list[list[str]] = []
                try:
                    rows.extend(islice(reader, ROWS_A_PIECE))
                except csv.Error as error:
                    raise InputError(
                        f"{source.name}, row {n_before + sum(map(bool, rows))}: quotes do not close or do not "
                        f'fit ({error}, near line {reader.line_num}); write a quote within a quoted cell as ""'
                    ) from error
                if not rows:
                    return
                n_before += sum(map(bool, rows))
                yield rows
    finally:
        csv.field_size_limit(limit)
