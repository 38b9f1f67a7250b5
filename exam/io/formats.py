"""Exam files: which reader and writer belongs to which file ending."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import BAD_ROWS, BadRow, InputError, count_left_out, missing_path
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.columns import PUBLISHED_NAMES, add_answers, find_columns, refuse_missing
from cmexam_baseline.exam.io.file_bytes import Source, read_standard_input
from cmexam_baseline.exam.io.options_cell import option_list
from cmexam_baseline.exam.io.table import Table, read_columns
from cmexam_baseline.exam.io.table_to_exam import exam_of_table, published_options, table_of_exam
from cmexam_baseline.exam.io.text_formats import (
    csv_bytes,
    json_bytes,
    jsonl_bytes,
    read_csv,
    read_json,
    read_jsonl,
    write_pieces,
)
from cmexam_baseline.exam.splits import (
    SPLIT_NAMES,
    Split,
    ending_of,
    is_datasets_folder,
    load_splits,
    local_exam,
    split_files,
    split_of,
    stem_of,
)

_FIRST_BYTES = {b"PAR1": "x.parquet", b"PK": "x.xlsx", b"{": "x.jsonl", b"[": "x.json"}


@dataclass(frozen=True)
class Format:
    """How one kind of file is read into a table, how an exam is written to it, and the optional modules for that."""

    read: Callable[[Source], Table]
    write: Callable[[Exam], bytes]
    modules: tuple[str, ...] = ()


def read_exam(
    source: str | os.PathLike[str] | Any,
    bad_rows: str = "auto",
    *,
    split: str | None = None,
    name: str | None = None,
    need_answers: bool = True,
    key: str | os.PathLike[str] | None = None,
) -> Exam:
    """The exam in a CSV, TSV, JSONL, JSON, Parquet or XLSX file, also gzipped, or in a data frame; see
    `read_exam_with_issues`.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "val.csv"
    >>> _ = file.write_text("题目,选项,答案\\n缺乏可致夜盲症的是,A、维生素A\\\\nB、维生素C,Ａ\\n", "utf-8")
    >>> exam = read_exam(file)
    >>> exam.ids, exam.options(0), exam.letters()
    (['val-1'], ['维生素A', '维生素C'], ['A'])
    """
    return read_exam_with_issues(
        source, bad_rows, split=split, name=name, need_answers=need_answers, key=key
    )[0]


def read_exam_with_issues(
    source: str | os.PathLike[str] | Any,
    bad_rows: str = "auto",
    *,
    split: str | None = None,
    name: str | None = None,
    need_answers: bool = True,
    key: str | os.PathLike[str] | None = None,
) -> tuple[Exam, list[BadRow]]:
    """The exam in a file or a data frame, and every row of it that is not as it should be.

    source:       a path of a file or of a folder that the `datasets` library saved to disk, the name of a data set on
                  the Hugging Face hub (owner/name, with `split`), or a table in memory: a frame of pandas or polars, a
                  pyarrow table, a data set of the `datasets` library, a list of records
    bad_rows:     "auto" leaves unusable rows out up to 1% of the file, "skip" however many, "error" accepts no listed
                  row at all, "keep" keeps rows whose answer is missing or unusable as unanswered
    split:        a file of a folder
    name:         what rows without an id are called, before their number in the file; the split or the file's name
    need_answers: whether a missing answer, in a row or as a column, is a fault
    key:          the file of an answer key (id, answer) for an exam without answers

    Columns are CMExam's (Question, Options, Answer, Explanation) or one of the names in `columns.ALIASES`;
    options are a cell as `parse_options` reads it, or columns A, B, …; all other columns become annotations.
    Unusable are rows with other fields than the header, without question, with fewer than two or more than ten
    options, without answer, with letters that are none or have no option. Doubtful, listed but kept: an option
    without text, two options with the same text, a question that occurs earlier with the same options.

    Raises `InputError`, naming the file, where it cannot be read, columns are missing, ids are
    duplicates, or the rows are worse than `bad_rows` allows.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "val.csv"
    >>> _ = file.write_text("题目,A,B,答案\\n缺乏可致夜盲症的是,维生素A,碘,A\\n缺乏可致坏血病的是,铁,碘,E\\n", "utf-8")
    >>> exam, bad = read_exam_with_issues(file, "skip")
    >>> len(exam), bad[0].row, bad[0].reason
    (1, 2, 'answer E but no option E')
    """
    table, file, prefix, _ = open_exam(source, split, key, bad_rows)
    return exam_of_table(table, file, name or prefix, bad_rows, need_answers)


def open_exam(
    source: str | os.PathLike[str] | Any, split: str | None, key: str | os.PathLike[str] | None, bad_rows: str
) -> tuple[Table, str, str, list[str]]:
    """The table of an exam, the name of its file, what ids begin with where it has none, and how a key was matched.

    The arguments are those of `read_exam_with_issues`, of which `bad_rows` is only checked here.
    """
    if bad_rows not in BAD_ROWS:
        raise InputError(f"`bad_rows` must be one of {', '.join(BAD_ROWS)}; got {bad_rows!r}")
    if not isinstance(source, str | os.PathLike):
        columns = read_columns(source)
        n_rows = max(map(len, columns.values()), default=0)
        table, file, stem = Table(columns, range(1, n_rows + 1)), "data frame", "question"
    else:
        path = exam_file(source, split)
        table, file, stem = read_table(path), str(path), stem_of(path)
    notes = []
    if key is not None:
        table, how = add_answers(table, read_table(key), file, os.fspath(key))
        notes.append(how)
    return table, file, split_of(stem) or stem, notes


@dataclass(frozen=True)
class ImportedExam(Split):
    """An exam read from any form, and what was made of the form.

    `notes` are single lines for people: how answers were read, which fields and texts were left out.
    """

    notes: list[str]


def import_exam(
    path: str | os.PathLike[str],
    bad_rows: str = "auto",
    index_base: int | None = None,
    need_answers: bool = True,
    *,
    split: str | None = None,
    key: str | os.PathLike[str] | None = None,
) -> ImportedExam:
    """The exam in a file of any form: our own, or that of another exam set.

    Read are, besides what `read_exam` reads: options as an object, a list, fields of their own or lines in
    the question's text; answers as letters, as letter and text, as text or as a number (from 0 or 1:
    `index_base`, None finds out); chat turns (`messages`, `conversations`); instruction, input and output.
    Whichever reading leaves fewer rows unreadable counts, our own first. Other fields with texts or numbers
    become annotations; a model's replies and nested values are left out and named in `notes`. Questions that share a
    stem or a list of options (types A3, A4, B1) become questions of their own. `key` is the file of an answer key
    (id, answer) for an exam without answers, `split` picks a file of a folder.

    Raises `InputError` as `read_exam` does, and where numbers as answers leave their base open.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "medqa.jsonl"
    >>> line = '{"question": "缺维生素A可致\\\\nA：夜盲症\\\\nB：癞皮病", "reference_answer": "A：夜盲症"}'
    >>> _ = file.write_text(line, encoding="utf-8")
    >>> exam = import_exam(file).exam
    >>> exam.questions, exam.options(0), exam.letters()
    (['缺维生素A可致'], ['夜盲症', '癞皮病'], ['A'])
    """
    table, file, name, matched = open_exam(path, split, key, bad_rows)
    published = {PUBLISHED_NAMES["question"], PUBLISHED_NAMES["options"]} <= set(table.columns)
    own = _own_reading(table, file, name, need_answers) if published else None
    own_left_out = None if own is None else count_left_out(own[1])
    if own is not None and own_left_out == 0:
        if bad_rows == "error" and own[1]:  # the policy that accepts no doubtful row either
            own = exam_of_table(table, file, name, bad_rows, need_answers)
        return ImportedExam(*own, matched)
    # Imported late: exams in our own form need none of it.
    from cmexam_baseline.exam.foreign_exams.reader import read_other_table

    try:
        other, notes = read_other_table(table, index_base, name)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    _refuse_missing(table, other, file, need_answers)
    if own_left_out is not None:
        others = _own_reading(other, file, name, need_answers)
        if others is None or own_left_out <= count_left_out(others[1]):
            other, notes = table, []
    return ImportedExam(*exam_of_table(other, file, name, bad_rows, need_answers), matched + notes)


def import_exams(
    path: str | os.PathLike[str],
    bad_rows: str = "auto",
    index_base: int | None = None,
    need_answers: bool = True,
    key: str | os.PathLike[str] | None = None,
) -> dict[str, ImportedExam]:
    """The exams in a file, or in the split files of a folder, by the name of the split or file; see `import_exam`.

    Raises `InputError` as `import_exam` does, and where a key is given for a folder.
    """
    path = local_exam(path)
    if not path.is_dir() or is_datasets_folder(path):
        stem = stem_of(path)
        return {split_of(stem) or stem: import_exam(path, bad_rows, index_base, need_answers, key=key)}
    if key is not None:
        raise InputError(f"{path} is a folder; give the one file that `key` belongs to")
    files = split_files(path, FORMATS)
    return {name: import_exam(file, bad_rows, index_base, need_answers) for name, file in files.items()}


def _refuse_missing(table: Table, other: Table, file: str, need_answers: bool) -> None:
    """Raise `InputError` where no row has a question, options or an answer, and no column has their name."""
    found = find_columns(list(table.columns))
    wanted = ("question", "options", "answer") if need_answers else ("question", "options")
    missing = [role for role in wanted if role not in found and not any(other.columns[PUBLISHED_NAMES[role]])]
    refuse_missing(missing, list(table.columns), file)


def _own_reading(table: Table, file: str, name: str, need_answers: bool) -> tuple[Exam, list[BadRow]] | None:
    """The exam as our own form has it, unusable rows left out; None where the table cannot be read at all."""
    try:
        return exam_of_table(table, file, name, "skip", need_answers)
    except InputError:
        return None


def read_splits(
    folder: str | os.PathLike[str], bad_rows: str = "auto", *, need_answers: bool = True
) -> dict[str, Exam]:
    """The train, val and test exams of a folder, in this order, as far as they are there.

    Of test_with_annotations and test the first is read. Raises `InputError` as `load_splits` does.

    >>> from cmexam_baseline.exam.sample import SAMPLE_FOLDER
    >>> splits = read_splits(SAMPLE_FOLDER)
    >>> list(splits), len(splits["val"])
    (['train', 'val', 'test'], 200)
    """
    splits = load_splits(folder, bad_rows, need_answers=need_answers)
    return {name: split.exam for name, split in splits.items()}


def read_table(path: str | os.PathLike[str]) -> Table:
    """The columns of a file as they are, by its ending; "-" is standard input, read by its content.

    Raises `InputError` where it cannot be read.
    """
    if os.fspath(path) == "-":
        data = read_standard_input()
        return format_of(name_by_content(data)).read(Source("standard input", data))
    if is_datasets_folder(Path(path)):
        table: Table = _binary().read_datasets_folder(Path(path))
        return table
    return format_of(path).read(Source(os.fspath(path)))


def write_exam(exam: Exam, path: str | os.PathLike[str]) -> None:
    """Write an exam in the format that the ending of `path` says, as a whole or not at all.

    CSV is CMExam's published format, in UTF-8; an exam read from such a file gives the same bytes again (line ends,
    a literal backslash-n between options, the byte order mark). An id column comes first, but not in CSV where ids
    are just the numbers of the rows. JSONL, JSON and Parquet hold options as a list, XLSX as in CSV. The same exam
    gives the same bytes, also with .gz. Raises `InputError` where the ending is unknown, the file cannot be written,
    or the form cannot hold the exam so that it is read back the same.

    >>> import tempfile
    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> file = Path(tempfile.mkdtemp()) / "val.jsonl"
    >>> write_exam(sample_exam("val"), file)
    >>> read_exam(file) == sample_exam("val")
    True
    """
    kind = format_of(path)

    def pieces() -> Iterator[bytes]:
        try:
            yield kind.write(exam)
        except InputError as error:
            raise InputError(f"{os.fspath(path)} cannot be written: {error}") from error

    write_pieces(pieces(), path)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format of a file by its ending, .gz aside.

    Raises `InputError` naming the known endings, and where the extra `tables` is missing that the format needs.
    """
    ending = ending_of(path)
    if ending not in FORMATS:
        shown = f"ending {ending!r} is not known" if ending else "has no ending"
        raise InputError(f"{os.fspath(path)}: {shown}; use {', '.join(FORMATS)}, also with .gz")
    found = FORMATS[ending]
    if found.modules:
        require("tables", *found.modules, purpose=f"a {ending} file")
    return found


def name_by_content(data: bytes) -> str:
    """A name with the ending of what the bytes of a table hold."""
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((name for mark, name in _FIRST_BYTES.items() if start.startswith(mark)), "x.csv")


def exam_file(source: str | os.PathLike[str], split: str | None = None) -> Path:
    """The file of an exam: `source` itself, or the file of a split of the folder `source`.

    Raises `InputError` where it does not exist, or is a folder where a file is expected and the reverse.
    """
    path = local_exam(source)
    if os.fspath(source) != "-" and not path.exists():
        raise missing_path(path)
    if split is not None and split_of(split) is None:
        names = ", ".join(SPLIT_NAMES)
        raise InputError(f"`split` must be one of {names} (dev and validation mean val); got {split!r}")
    if not path.is_dir() or is_datasets_folder(path):
        if split is not None:
            raise InputError(f"{path} is one split; omit `split` or give the folder")
        return path
    files = split_files(path, FORMATS)
    names = ", ".join(file.name for file in files.values())
    if split is None:
        raise InputError(f"{path} is a folder; give `split` or one file of it: {names}")
    if (known := split_of(split) or split) not in files:
        raise InputError(f"{path} holds no {known} file, only {names}")
    return files[known]


def _csv_of_exam(exam: Exam, delimiter: str = ",") -> bytes:
    # Ids such as val-1, val-2, … are what a reader gives to rows without ids.
    prefix = exam.ids[0].rpartition("-")[0] if len(exam) else ""
    named = any(name != f"{prefix}-{number}" for number, name in enumerate(exam.ids, 1))
    options = partial(published_options, line_break=exam.file_format.option_break)
    return csv_bytes(table_of_exam(exam, options, with_ids=named), exam.file_format, delimiter)


def _binary() -> Any:
    """The module of the formats that need the extra `tables`, imported when one is used."""
    from cmexam_baseline.exam.io import binary_formats

    return binary_formats


def _listed(exam: Exam) -> dict[str, Sequence[object]]:
    return table_of_exam(exam, option_list, with_ids=True)


FORMATS = {
    ".csv": Format(read_csv, _csv_of_exam),
    ".tsv": Format(partial(read_csv, delimiter="\t"), partial(_csv_of_exam, delimiter="\t")),
    ".jsonl": Format(read_jsonl, lambda exam: jsonl_bytes(_listed(exam))),
    ".json": Format(read_json, lambda exam: json_bytes(_listed(exam))),
    ".parquet": Format(
        lambda source: _binary().read_parquet(source),
        lambda exam: _binary().parquet_bytes(_listed(exam)),
        ("polars",),
    ),
    ".xlsx": Format(
        lambda source: _binary().read_xlsx(source),
        lambda exam: _binary().xlsx_bytes(table_of_exam(exam, published_options, with_ids=True)),
        ("polars", "fastexcel", "xlsxwriter"),
    ),
}
