"""Columns of results to CSV or JSONL files, by the ending of the name."""

from __future__ import annotations

import gzip
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.formats import ending_of
from cmexam_baseline.exam.storage.files import write_atomically
from cmexam_baseline.exam.tables.csv_form import csv_bytes
from cmexam_baseline.exam.tables.json_form import jsonl_bytes

_WRITERS = {".csv": csv_bytes, ".jsonl": jsonl_bytes}


def write_columns(columns: Mapping[str, Sequence[object]], path: str | os.PathLike[str]) -> None:
    """Write name -> cells as CSV or JSONL, each also as .gz, as a whole or not at all.

    A cell that is None is empty in CSV and left out in JSONL. Raises `InputError` for another ending, for a
    text that no encoding can hold, or where the file cannot be written.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> write_columns({"id": ["q1"], "bleu4": [None]}, file)
    >>> file.read_text("utf-8")
    'id,bleu4\\nq1,\\n'
    """
    ending = ending_of(path)
    if ending not in _WRITERS:
        raise InputError(f"{os.fspath(path)}: results are written as {' or '.join(_WRITERS)}, not {ending!r}")
    try:
        data = _WRITERS[ending](columns)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{os.fspath(path)} cannot be written: a text holds half of a surrogate pair; correct it"
        ) from error
    write_atomically(path, gzip.compress(data, mtime=0) if Path(path).suffix.lower() == ".gz" else data)
