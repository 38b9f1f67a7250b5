"""A folder that `save_to_disk` of the Hugging Face `datasets` library wrote: Arrow files and a list of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.file_bytes import MAX_BYTES, read_bytes
from cmexam_baseline.exam.io.table import MAX_COLUMNS, Table

_STATE = "state.json"


def is_datasets_folder(path: Path) -> bool:
    """Whether a path is the folder of one saved data set; one of several splits has such folders inside."""
    return (path / _STATE).is_file()


def read_datasets_folder(path: Path) -> Table:
    """The table of a saved data set; `datasets` itself is not needed.

    Raises `InputError` where the extra `tables` is missing, a file is missing or damaged, or there is no row.
    """
    require("tables", "polars", purpose="a folder of the datasets library")
    import polars

    columns: dict[str, list[object]] = {}
    size = 0
    for file in _data_files(path):
        content = read_bytes(file)
        size += len(content)
        if size > MAX_BYTES:
            raise InputError(f"{path} holds more than {MAX_BYTES >> 30} GiB; give a part of it")
        try:
            frame = polars.read_ipc_stream(io.BytesIO(content))
            if frame.width > MAX_COLUMNS:
                raise InputError(f"{file} has more than {MAX_COLUMNS} columns; give one question per row")
            for series in frame:
                columns.setdefault(series.name, []).extend(series.to_list())
        except (
            polars.exceptions.PolarsError,
            polars.exceptions.PanicException,
            OSError,
            ValueError,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"{file} is not a valid Arrow file: {reason[:200]}; save the data set again"
            ) from error
    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) > 1:
        raise InputError(f"{path}: its files have different columns; save the data set again")
    if not sum(lengths):
        raise InputError(f"{path} holds no row; expected at least one")
    return Table(columns, range(1, lengths.pop() + 1))


def _data_files(path: Path) -> list[Path]:
    try:
        names = [entry["filename"] for entry in json.loads((path / _STATE).read_text("utf-8"))["_data_files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / _STATE} does not list data files; save the data set again") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not (path / name).is_file():
            raise InputError(
                f"{path / _STATE} lists {str(name)[:100]!r}, which is no file there; save the data set again"
            )
    return [path / name for name in names]
