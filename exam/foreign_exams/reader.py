"""Exams in the forms of other Chinese (and English) exam sets, read into the published columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cmexam_baseline.exam.bad_rows import BadRow, count_left_out
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.foreign_exams.question_groups import expand_groups
from cmexam_baseline.exam.foreign_exams.records import OtherRow, read_answers, read_record
from cmexam_baseline.exam.io.columns import PUBLISHED_NAMES, find_columns, refuse_missing
from cmexam_baseline.exam.io.formats import FORMATS, open_exam
from cmexam_baseline.exam.io.hub import local_exam
from cmexam_baseline.exam.io.options_cell import option_list
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.io.table_to_exam import exam_of_table
from cmexam_baseline.exam.letters import mask_to_letters
from cmexam_baseline.exam.splits import Split, is_datasets_folder, split_files, split_of, stem_of


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
    own = _own_reading(table, file, name, need_answers) if _has_published_names(table) else None
    own_left_out = None if own is None else count_left_out(own[1])
    if own is not None and own_left_out == 0:
        if bad_rows == "error" and own[1]:  # the policy that accepts no doubtful row either
            own = exam_of_table(table, file, name, bad_rows, need_answers)
        return ImportedExam(*own, matched)
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

    >>> from cmexam_baseline.exam.sample import SAMPLE_FOLDER
    >>> {name: len(imported.exam) for name, imported in import_exams(SAMPLE_FOLDER).items() if name != "train"}
    {'val': 200, 'test': 200}
    """
    path = local_exam(path)
    if not path.is_dir() or is_datasets_folder(path):
        stem = stem_of(path)
        return {split_of(stem) or stem: import_exam(path, bad_rows, index_base, need_answers, key=key)}
    if key is not None:
        raise InputError(f"{path} is a folder; give the one file that `key` belongs to")
    files = split_files(path, FORMATS)
    return {name: import_exam(file, bad_rows, index_base, need_answers) for name, file in files.items()}


def read_other_table(
    table: Table, index_base: int | None = None, name: str = "question"
) -> tuple[Table, list[str]]:
    """The published columns of a table in another set's form, and notes on what was made of it.

    Cells that cannot be read stay as they were, so that the checks of every exam name them. `name` is what ids of
    questions that share a record begin with.
    """
    names = list(table.columns)
    cells = zip(*table.columns.values(), strict=True)
    grouped = expand_groups([dict(zip(names, row, strict=True)) for row in cells])
    rows = [read_record(record) for _, record in grouped]
    numbers = [table.rows[index] for index, _ in grouped]
    firsts = [row.answers[0] if row.answers else None for row in rows]
    masks, answer_format = read_answers(firsts, [row.options for row in rows], index_base)
    letters = [
        mask_to_letters(mask) if mask is not None else cell_text(answer)
        for mask, answer in zip(masks, firsts, strict=True)
    ]
    _mark_contradictions(rows, masks, letters, index_base)
    columns: dict[str, list[object]] = {}
    if any(row.id for row in rows) or len(rows) > len(table.rows):
        columns["id"] = _ids(rows, numbers, name)
    columns["Question"] = [row.question for row in rows]
    columns["Options"] = [option_list(row.options) for row in rows]
    columns["Answer"] = list(letters)
    columns["Explanation"] = [row.explanation for row in rows]
    columns.update(_annotation_columns(rows, list(columns)))
    notes = _notes(rows, answer_format)
    if len(rows) > len(table.rows):
        notes.append(f"{len(table.rows)} records with shared stems or options became {len(rows)} questions")
    return Table(columns, numbers, table.damaged), notes


def _ids(rows: Sequence[OtherRow], numbers: Sequence[int], name: str) -> list[object]:
    """The ids of the rows; of several questions in one record, those without an id are numbered within it."""
    counts = Counter(numbers)
    place: Counter[int] = Counter()
    ids: list[object] = []
    for row, number in zip(rows, numbers, strict=True):
        place[number] += 1
        several = f"{name}-{number}-{place[number]}" if counts[number] > 1 else ""
        ids.append(row.id or several)
    return ids


def _has_published_names(table: Table) -> bool:
    return {PUBLISHED_NAMES[role] for role in ("question", "options")} <= set(table.columns)


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


def _mark_contradictions(
    rows: Sequence[OtherRow], masks: Sequence[int | None], letters: list[str], index_base: int | None
) -> None:
    """Where a second answer says something else than the first, put both into the cell: no set of letters."""
    with_second = [place for place, row in enumerate(rows) if len(row.answers) > 1]
    seconds, _ = read_answers(
        [rows[place].answers[1] for place in with_second],
        [rows[place].options for place in with_second],
        index_base,
    )
    for place, second in zip(with_second, seconds, strict=True):
        if masks[place] and second and second != masks[place]:
            letters[place] = f"{letters[place]} and {mask_to_letters(second)} at once"


def _annotation_columns(rows: Sequence[OtherRow], taken: Sequence[str]) -> Mapping[str, list[object]]:
    names = dict.fromkeys(name for row in rows for name in row.annotations)
    columns: dict[str, list[object]] = {}
    for name in names:
        # Read again, an annotation must not be taken for a question, an answer or an id.
        clashes = name in taken or find_columns([*taken, name]) != find_columns(taken)
        columns[f"source {name}" if clashes else name] = [row.annotations.get(name, "") for row in rows]
    return columns


def _notes(rows: Sequence[OtherRow], answer_format: str) -> list[str]:
    notes = [f"answers read as {answer_format}"]
    left_out = Counter(name for row in rows for name in row.left_out)
    notes += [f"field {name!r} left out in {count} of {len(rows)} rows" for name, count in left_out.items()]
    instructions = Counter(row.instruction for row in rows if row.instruction)
    if instructions:
        text, count = instructions.most_common(1)[0]
        total = sum(instructions.values())
        notes.append(
            f"text after the options taken off in {total} of {len(rows)} rows, most often ({count} times) "
            f"{text[:40]!r}"
        )
    return notes
