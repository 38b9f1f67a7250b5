"""The rows of a table become the questions of an exam, and an exam becomes a table again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.bad_rows import BadRow, excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, offsets_of
from cmexam_baseline.exam.io.columns import PUBLISHED_NAMES, find_columns, find_option_columns, refuse_missing
from cmexam_baseline.exam.io.options_cell import format_options, parse_options
from cmexam_baseline.exam.io.packed_column import ColumnPacking, pieces, texts_of
from cmexam_baseline.exam.io.table import FileForm, Table, cell_text
from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.exam.normalise import fold_texts, normalise_texts
from cmexam_baseline.exam.validation import (
    answer_fault,
    first_copies,
    options_doubt,
    options_fault,
    plain_options,
    question_fault,
    refuse_bad_rows,
)


@dataclass
class _Rows:
    """The cells of all rows, read but not judged; the lists run in parallel."""

    numbers: Sequence[int]
    ids: list[str]
    questions: list[str]
    options: list[list[str]]
    answers: list[str]
    masks: list[int | None]
    faults: dict[int, str] = field(default_factory=dict)
    doubts: dict[int, list[str]] = field(default_factory=dict)


class _Kept:
    """The rows that become questions: their places in the table, and what is not a column of it."""

    def __init__(self) -> None:
        self.ids, self.option_texts = ColumnPacking[str](), ColumnPacking[str]()
        self.places, self.counts, self.masks = array("q"), array("B"), array("B")

    def add(self, rows: _Rows, first: int) -> None:
        """Add the rows without a fault; the first row has the place `first`."""
        places = [place for place in range(len(rows.numbers)) if place not in rows.faults]
        self.ids.extend(rows.ids[place] for place in places)
        self.option_texts.extend(text for place in places for text in rows.options[place])
        self.places.extend(first + place for place in places)
        self.counts.extend(len(rows.options[place]) for place in places)
        self.masks.extend(rows.masks[place] or 0 for place in places)


def exam_of_table(
    table: Table, file: str, name: str, bad_rows: str, need_answers: bool
) -> tuple[Exam, list[BadRow]]:
    """The exam in a table and what was wrong with its rows, in the order of the file.

    `name` is what ids begin with where the table has none. Raises `InputError` for missing columns and
    doubled ids, and where the policy `bad_rows` does not allow the rows found.
    """
    kept = _Kept()
    bad = [
        BadRow(file, number, reason, excerpt_of(beginning), left_out=True)
        for number, (reason, beginning) in table.damaged.items()
    ]
    for piece in pieces(len(table.rows)):
        part = Table({column: cells[piece] for column, cells in table.columns.items()}, table.rows[piece])
        rows = _read(part, file, name, need_answers)
        _judge(rows, bad_rows, need_answers)
        bad += _listed(rows, file)
        kept.add(rows, piece.start)
    places = None if len(kept.places) == len(table.rows) else kept.places
    names = find_columns(list(table.columns))
    questions = texts_of(cell_text, table.columns[names["question"]], places)
    ids, option_texts = kept.ids.column(), kept.option_texts.column()
    numbers = np.array(table.rows, dtype=np.int64)[kept.places]
    option_offsets = offsets_of(kept.counts)
    answers = np.array(kept.masks, dtype=np.uint16)
    copies = first_copies(
        questions, lambda row: option_texts[int(option_offsets[row]) : int(option_offsets[row + 1])]
    )

    def right_options(row: int) -> list[str]:
        options = option_texts[int(option_offsets[row]) : int(option_offsets[row + 1])]
        return sorted(
            normalise_texts([text for place, text in enumerate(options) if answers[row] >> place & 1])
        )

    for row, first in copies.items():
        reason = f"same question and options as row {numbers[first]}"
        if right_options(first) != right_options(row):
            reason += ", but another answer"
        bad.append(BadRow(file, int(numbers[row]), reason, excerpt_of(questions[row]), left_out=False))
    bad.sort(key=lambda row: row.row)
    refuse_bad_rows(bad, len(table.rows) + len(table.damaged), file, bad_rows)
    _refuse_doubled_ids(ids, numbers, file)
    exam = Exam(
        ids=ids,
        questions=questions,
        option_texts=option_texts,
        option_offsets=option_offsets,
        answers=answers,
        explanations=(
            texts_of(cell_text, table.columns[names["explanation"]], places)
            if "explanation" in names
            else [""] * len(numbers)
        ),
        annotations={
            column: texts_of(cell_text, cells, places)
            for column, cells in table.columns.items()
            if column not in names.values() and column not in _letter_columns(table, names)
        },
        form=_form(table, names),
    )
    return exam, bad


def table_of_exam(
    exam: Exam, options: Callable[[Sequence[str]], object], with_ids: bool
) -> dict[str, Sequence[object]]:
    """The published columns of an exam, an id column before them on demand; `options` makes the options cell.

    Raises `InputError` where an annotation has a name that would be read as another column.
    """
    bounds = exam.option_offsets.tolist()
    texts = exam.option_texts
    columns: dict[str, Sequence[object]] = {"id": exam.ids} if with_ids else {}
    columns["Question"] = exam.questions
    columns["Options"] = [
        options(texts[start:end]) for start, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    columns["Answer"] = exam.letters()
    columns["Explanation"] = exam.explanations
    wanted = {role: column for role, column in PUBLISHED_NAMES.items() if column in columns}
    for column, values in exam.annotations.items():
        if column in columns or find_columns([*columns, column]) != wanted or not column.strip():
            raise InputError(f"annotation {column!r} would be read as another column; rename it")
        columns[column] = values
    return columns


def published_options(form: FileForm) -> Callable[[Sequence[str]], str]:
    """The function that makes the options cell in the published form, with this file's break between options.

    The function raises `InputError` for texts that would not be read back as they are.
    """

    def options_cell(texts: Sequence[str]) -> str:
        cell = format_options(texts, form.option_break)
        plain = all(texts) and not any("\n" in text or "\\" in text or "\r" in text for text in texts)
        if not plain and parse_options(cell) != list(texts):
            raise InputError(
                f"options {excerpt_of(cell)!r} would be read back differently, because a text is empty or "
                "has lines of its own; write JSONL or Parquet"
            )
        return cell

    return options_cell


def _read(table: Table, file: str, name: str, need_answers: bool) -> _Rows:
    found = find_columns(list(table.columns))
    letter_columns = _letter_columns(table, found)
    wanted = ["question"] + ["options"] * (len(letter_columns) < 2) + ["answer"] * need_answers
    refuse_missing([role for role in wanted if role not in found], list(table.columns), file)
    n = len(table.rows)
    options = (
        [parse_options(cell) for cell in table.columns[found["options"]]]
        if "options" in found
        else _options_of_columns([table.columns[column] for column in letter_columns])
    )
    answers = _texts(table, found, "answer", n, joined=True)
    return _Rows(
        numbers=table.rows,
        ids=[
            given or f"{name}-{number}"
            for given, number in zip(_texts(table, found, "id", n), table.rows, strict=True)
        ],
        questions=_texts(table, found, "question", n),
        options=options,
        answers=answers,
        masks=_masks(answers, options),
    )


def _letter_columns(table: Table, found: dict[str, str]) -> list[str]:
    return [] if "options" in found else find_option_columns(list(table.columns))


def _texts(table: Table, found: dict[str, str], role: str, n: int, joined: bool = False) -> list[str]:
    if role not in found:
        return [""] * n
    cells = table.columns[found[role]]
    if joined:
        cells = ["".join(map(cell_text, cell)) if isinstance(cell, list) else cell for cell in cells]
    return [cell_text(cell) for cell in cells]


def _options_of_columns(columns: Sequence[Sequence[object]]) -> list[list[str]]:
    options = []
    for cells in zip(*columns, strict=True):
        texts = [cell_text(cell) for cell in cells]
        while texts and not texts[-1].strip():
            texts.pop()
        options.append(texts)
    return options


def _masks(answers: Sequence[str], options: Sequence[Sequence[str]]) -> list[int | None]:
    """The letters of every answer, or where it is the very text of one option, that option's."""
    masks = {answer: parse_letters(answer) for answer in set(answers)}
    found = [masks[answer] for answer in answers]
    for place, mask in enumerate(found):
        if mask is None and options[place].count(answers[place]) == 1:
            option = options[place].index(answers[place])
            found[place] = 1 << option if option < 8 else None
    return found


def _judge(rows: _Rows, bad_rows: str, need_answers: bool) -> None:
    """Fill in what makes rows unusable (`faults`) and what makes them doubtful (`doubts`)."""
    folded = fold_texts([text for texts in rows.options for text in texts])
    counts = np.array([len(texts) for texts in rows.options], dtype=np.int64)
    masks = np.array([mask or 0 for mask in rows.masks], dtype=np.int64)
    asked = np.array([bool(question.strip()) for question in rows.questions], dtype=np.bool_)
    sound = asked & (masks > 0) & (masks >> counts == 0) & plain_options(folded, counts)
    bounds = offsets_of(counts)
    for place in np.flatnonzero(~sound).tolist():
        _judge_row(rows, place, folded[bounds[place] : bounds[place + 1]], bad_rows, need_answers)


def _judge_row(rows: _Rows, place: int, folded: Sequence[str], bad_rows: str, need_answers: bool) -> None:
    options, mask = rows.options[place], rows.masks[place]
    fault = question_fault(rows.questions[place]) or options_fault(options)
    if fault is not None:
        rows.faults[place] = fault
        return
    doubts = options_doubt(options, folded)
    fault = answer_fault(rows.answers[place], mask, options)
    if fault is not None and (need_answers or mask != 0):
        rows.masks[place] = 0
        if bad_rows == "keep":
            doubts.insert(0, fault)
        else:
            rows.faults[place] = fault
            return
    if doubts:
        rows.doubts[place] = doubts


def _listed(rows: _Rows, file: str) -> list[BadRow]:
    reasons = [(place, reason, True) for place, reason in rows.faults.items()]
    reasons += [(place, reason, False) for place, doubts in rows.doubts.items() for reason in doubts]
    return [
        BadRow(file, rows.numbers[place], reason, excerpt_of(rows.questions[place]), left_out)
        for place, reason, left_out in reasons
    ]


def _refuse_doubled_ids(ids: Sequence[str], numbers: NDArray[np.int64], file: str) -> None:
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for row, name in enumerate(ids):
        other = first.setdefault(name, row)
        if other != row:
            raise InputError(
                f"{file}, row {numbers[row]}: id {name!r} stands in row {numbers[other]} already; "
                "make ids unique, or remove the column"
            )


def _form(table: Table, found: dict[str, str]) -> FileForm:
    cells = table.columns[found["options"]] if "options" in found else []
    first = next((cell for cell in cells if isinstance(cell, str)), "")
    option_break = next((mark for mark in ("\r\n", "\n", "\\n") if mark in first), table.form.option_break)
    return replace(table.form, option_break=option_break)
