"""XLSX, Parquet and folders of the `datasets` library, read and written with the packages of the extra `tables`."""

from __future__ import annotations

import datetime
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.file_bytes import MAX_BYTES, Source, read_bytes, refuse_bomb
from cmexam_baseline.exam.io.table import ROWS_A_PIECE, Table, cell_text, refuse_wide, table_of_rows, to_frame
from cmexam_baseline.exam.splits import DATASETS_STATE

if TYPE_CHECKING:
    import fastexcel
    import polars

MAX_CELL = 32_767
MAX_ROWS = 1_048_575
_NOT_IN_XML = re.compile("[\ufffe\uffff\ud800-\udfff]").search
# A date of its own would make every file different.
_CREATED = datetime.datetime(2023, 6, 5)

# Of a cell in a list, whatever it holds: nothing at all packs to nothing at all.
_BYTES_A_CELL = 8
# A text that is repeated takes next to nothing in the file: parts are read that are about so large in memory.
_FIRST_ROWS, _BYTES_A_PART = 1024, 32 << 20


@contextmanager
def _unreadable(file: object, kind: str, remedy: str) -> Iterator[None]:
    """Raise `InputError` where the libraries cannot read a file."""
    import polars

    try:
        yield
    except InputError:
        raise
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file} is not a valid {kind} file: {reason[:200]}; {remedy}") from error


def read_xlsx(source: Source) -> Table:
    """The table in the first sheet of an XLSX file, its first row the header, every cell a text.

    Raises `InputError` where it is no XLSX file or holds no row.
    """
    import fastexcel

    data, file = source.content, source.name
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise InputError(f"{file} is not an XLSX file by its content; name it by what it holds") from error
    refuse_bomb(len(data), unpacked, file)
    with _unreadable(file, "XLSX", "save it again"):
        try:
            book = fastexcel.read_excel(data)
            sheet = book.load_sheet(0, header_row=None, dtypes="string")
            _refuse_sheets(book, sheet.to_polars().row(0) if sheet.height else (), file)
        except fastexcel.FastExcelError as error:
            raise ValueError(str(error)) from error
        refuse_wide(sheet.width, file)
        rows = sheet.to_polars().rows()
    return table_of_rows(rows, file)


def _refuse_sheets(book: fastexcel.ExcelReader, header: Sequence[object], file: str) -> None:
    """Raise `InputError` for rows in further sheets, under the header of the first."""
    for place, name in enumerate(book.sheet_names[1:], 1):
        rows = book.load_sheet(place, header_row=None, n_rows=2, dtypes="string").to_polars().rows()
        if len(rows) > 1 and rows[0] == header:
            raise InputError(
                f"{file}: the sheets {book.sheet_names[0]!r} and {name!r} have the same header; put their rows into one "
                "sheet, or each into a file of its own"
            )


def xlsx_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of an XLSX file with these columns, all cells as texts, none a formula, link or number.

    Raises `InputError` for what Excel cannot hold: cells beyond 32,767 characters, more than 1,048,575 rows.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "constant_memory": False})
    book.set_properties({"created": _CREATED})
    sheet = book.add_worksheet("exam")
    for place, (name, cells) in enumerate(columns.items()):
        if len(cells) > MAX_ROWS:
            raise InputError(
                f"XLSX holds at most {MAX_ROWS:,} rows, not {len(cells):,}; write CSV or Parquet"
            )
        for row, text in enumerate(map(cell_text, (name, *cells))):
            fault = "holds a character XML has not" if _NOT_IN_XML(text) else ""
            fault = f"has {len(text):,} characters" if len(text) > MAX_CELL else fault
            if fault:
                raise InputError(f"row {row}, column {name}: a text {fault}; write CSV, JSONL or Parquet")
            if text:
                sheet.write_string(row, place, text)
    book.close()
    return buffer.getvalue()


def read_parquet(source: Source) -> Table:
    """The table in a Parquet file.

    Raises `InputError` where the file is no Parquet file, is damaged or holds no row, and
    where it unpacks to more than `refuse_bomb` allows.
    """
    data, file = source.content, source.name
    if not data.startswith(b"PAR1"):
        raise InputError(f"{file} is not a Parquet file by its content; give it the ending of what it holds")
    with _unreadable(file, "Parquet", "fetch or write it again"):
        return _table_of_frames(_parts(data, file), file)


def _parts(data: bytes, file: str) -> Iterator[polars.DataFrame]:
    """The file in parts, so that one that unpacks to far too much is refused on the way."""
    import polars

    lazy = polars.scan_parquet(io.BytesIO(data))
    names = lazy.collect_schema().names()
    refuse_wide(len(names), file)
    n_rows = int(lazy.select(polars.len()).collect().item())
    refuse_bomb(len(data), _BYTES_A_CELL * n_rows * len(names), file)
    start = size = 0
    step = _FIRST_ROWS
    while start < n_rows:
        part = lazy.slice(start, step).collect()
        part_size = int(part.estimated_size()) + _BYTES_A_CELL * part.height * part.width
        size += part_size
        refuse_bomb(len(data), size, file)
        yield part
        start += step
        step = max(1, min(ROWS_A_PIECE, _BYTES_A_PART * part.height // max(1, part_size)))


def parquet_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    """The bytes of a Parquet file with these columns: lists of texts, or texts."""
    buffer = io.BytesIO()
    to_frame(columns, "polars").write_parquet(buffer)
    return buffer.getvalue()


def read_datasets_folder(path: Path) -> Table:
    """The table of a data set that `save_to_disk` of the `datasets` library wrote; `datasets` itself is not needed.

    Raises `InputError` where the extra `tables` is missing, a file is missing or damaged, or there is no row.
    """
    require("tables", "polars", purpose="a folder of the datasets library")
    return _table_of_frames(_arrow_frames(path), str(path))


def _arrow_frames(path: Path) -> Iterator[polars.DataFrame]:
    import polars

    size = 0
    for file in _data_files(path):
        content = read_bytes(file)
        size += len(content)
        if size > MAX_BYTES:
            raise InputError(f"{path} holds more than {MAX_BYTES >> 30} GiB; give a part of it")
        with _unreadable(file, "Arrow", "save the data set again"):
            frame = polars.read_ipc_stream(io.BytesIO(content))
            refuse_wide(frame.width, str(file))
        yield frame


def _data_files(path: Path) -> list[Path]:
    state = path / DATASETS_STATE
    try:
        names = [entry["filename"] for entry in json.loads(state.read_text("utf-8"))["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{state} does not list data files; save the data set again") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not (path / name).is_file():
            raise InputError(
                f"{state} lists {str(name)[:100]!r}, which is no file there; save the data set again"
            )
    return [path / name for name in names]


def _table_of_frames(frames: Iterator[polars.DataFrame], file: str) -> Table:
    columns: dict[str, list[object]] = {}
    for frame in frames:
        for series in frame:
            columns.setdefault(series.name, []).extend(series.to_list())
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) > 1:
        raise InputError(f"{file}: its files have different columns; save the data set again")
    if not sum(lengths):
        raise InputError(f"{file} holds no row; expected at least one")
    return Table(columns, range(1, lengths.pop() + 1))
