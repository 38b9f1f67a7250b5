"""Exams in the forms of other Chinese (and English) exam sets, read into the published columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmexam_baseline.exam.bad_rows import BadRow, count_left_out, known_policy
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.foreign_exams.answers import read_answers
from cmexam_baseline.exam.foreign_exams.field_names import OtherRow, read_record
from cmexam_baseline.exam.io.columns import PUBLISHED_NAMES, find_columns
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.options_cell import option_list
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.io.table_to_exam import exam_of_table
from cmexam_baseline.exam.letters import mask_to_letters
from cmexam_baseline.exam.splits import split_of, stem_of


@dataclass(frozen=True)
class OtherExam:
    """An exam read from any form: the questions, what was wrong with rows, and what was made of the form.

    `notes` are single lines for people: how answers were read, which fields and texts were left out.
    """

    exam: Exam
    bad_rows: list[BadRow]
    notes: list[str]


def read_any_exam(
    path: str | os.PathLike[str],
    bad_rows: str = "auto",
    index_base: int | None = None,
    need_answers: bool = True,
) -> OtherExam:
    """The exam in a file of any form: our own, or that of another exam set.

    Read are, besides what `read_exam` reads: options as an object, a list, fields of their own or lines in
    the question's text; answers as letters, as letter and text, as text or as a number (from 0 or 1:
    `index_base`, None finds out); chat turns (`messages`, `conversations`); instruction, input and output.
    Whichever reading leaves fewer rows unreadable counts, our own first. Other fields with texts or numbers
    become annotations; a model's replies and nested values are left out and named in `notes`.

    Raises `InputError` as `read_exam` does, and where numbers as answers leave their base open.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "medqa.jsonl"
    >>> line = '{"question": "缺维生素A可致\\\\nA：夜盲症\\\\nB：癞皮病", "reference_answer": "A：夜盲症"}'
    >>> _ = file.write_text(line, encoding="utf-8")
    >>> exam = read_any_exam(file).exam
    >>> exam.questions, exam.options(0), exam.letters()
    (['缺维生素A可致'], ['夜盲症', '癞皮病'], ['A'])
    """
    known_policy(bad_rows)
    file = Path(path)
    table = read_table(file)
    name = split_of(stem_of(file)) or stem_of(file)
    own = _own_reading(table, str(file), name, need_answers) if _has_published_names(table) else None
    own_left_out = None if own is None else count_left_out(own[1])
    if own is not None and own_left_out == 0:
        if bad_rows == "error" and own[1]:  # the policy that accepts no doubtful row either
            own = exam_of_table(table, str(file), name, bad_rows, need_answers)
        return OtherExam(*own, [])
    try:
        other, notes = read_other_table(table, index_base)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    if own_left_out is not None:
        others = _own_reading(other, str(file), name, need_answers)
        if others is None or own_left_out <= count_left_out(others[1]):
            other, notes = table, []
    return OtherExam(*exam_of_table(other, str(file), name, bad_rows, need_answers), notes)


def read_other_table(table: Table, index_base: int | None = None) -> tuple[Table, list[str]]:
    """The published columns of a table in another set's form, and notes on what was made of it.

    Cells that cannot be read stand as they were, so that the checks of every exam name them.
    """
    names = list(table.columns)
    cells = zip(*table.columns.values(), strict=True)
    rows = [read_record(dict(zip(names, row, strict=True))) for row in cells]
    firsts = [row.answers[0] if row.answers else None for row in rows]
    masks, form = read_answers(firsts, [row.options for row in rows], index_base)
    letters = [
        mask_to_letters(mask) if mask is not None else cell_text(answer)
        for mask, answer in zip(masks, firsts, strict=True)
    ]
    _mark_contradictions(rows, masks, letters, index_base)
    columns: dict[str, list[object]] = {}
    if any(row.id for row in rows):
        columns["id"] = [row.id for row in rows]
    columns["Question"] = [row.question for row in rows]
    columns["Options"] = [option_list(row.options) for row in rows]
    columns["Answer"] = list(letters)
    columns["Explanation"] = [row.explanation for row in rows]
    columns.update(_annotation_columns(rows, list(columns)))
    return Table(columns, table.rows, table.damaged), _notes(rows, form)


def _has_published_names(table: Table) -> bool:
    return {PUBLISHED_NAMES[role] for role in ("question", "options")} <= set(table.columns)


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


def _notes(rows: Sequence[OtherRow], form: str) -> list[str]:
    notes = [f"answers read as {form}"]
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
