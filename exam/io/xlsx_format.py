"""XLSX: the first sheet, its first row the header, every cell a text."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Mapping, Sequence

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.file_bytes import Source, refuse_bomb
from cmexam_baseline.exam.io.table import MAX_COLUMNS, Table, cell_text, table_of_rows

MAX_CELL = 32_767
MAX_ROWS = 1_048_575
_NOT_IN_XML = re.compile("[\ufffe\uffff\ud800-\udfff]").search
# A date of its own would make every file different.
_CREATED = datetime.datetime(2023, 6, 5)


def read_xlsx(source: Source) -> Table:
    """The table in the first sheet of an XLSX file. Raises `InputError` where it is none or holds no row."""
    import fastexcel
    import polars

    data, file = source.content, source.name
    _refuse_bomb(data, file)
    try:
        sheet = fastexcel.read_excel(data).load_sheet(0, header_row=None, dtypes="string")
        rows = sheet.to_polars().rows() if sheet.width <= MAX_COLUMNS else [("",) * sheet.width]
    except (
        fastexcel.FastExcelError,
        polars.exceptions.PolarsError,
        polars.exceptions.PanicException,
    ) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file} is not a valid XLSX file: {reason[:200]}; save it again") from error
    return table_of_rows([rows], file)


def xlsx_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of an XLSX file with these columns, all cells as texts, none a formula, link or number.

    Raises `InputError` for what Excel cannot hold: cells beyond 32,767 characters, more than 1,048,575 rows.
    """
    import xlsxwriter

    texts = [[cell_text(cell) for cell in (name, *cells)] for name, cells in columns.items()]
    _refuse_unfit(texts)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "constant_memory": False})
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet("exam")
    for column, cells in enumerate(texts):
        for row, text in enumerate(cells):
            if text:
                sheet.write_string(row, column, text)
    book.close()
    return buffer.getvalue()


def _refuse_bomb(data: bytes, file: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise InputError(f"{file} is not an XLSX file by its content; name it by what it holds") from error
    refuse_bomb(len(data), unpacked, file)


def _refuse_unfit(texts: Sequence[Sequence[str]]) -> None:
    for cells in texts:
        if len(cells) > MAX_ROWS + 1:
            raise InputError(
                f"XLSX holds at most {MAX_ROWS:,} rows, not {len(cells) - 1:,}; write CSV or Parquet"
            )
        for row, text in enumerate(cells):
            if len(text) > MAX_CELL or _NOT_IN_XML(text):
                fault = (
                    f"has {len(text):,} characters"
                    if len(text) > MAX_CELL
                    else "holds a character XML has not"
                )
                raise InputError(f"row {row}, column {cells[0]}: a text {fault}; write CSV, JSONL or Parquet")
