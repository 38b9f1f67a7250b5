"""The rows of a table become the questions of an exam, and an exam becomes a table again.

Reading goes one way: columns are named, their cells become rows, rows are checked, sound rows become an exam.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.bad_rows import BadRow, excerpt_of, refuse_bad_rows
from cmexam_baseline.exam.duplicates import first_copies, option_sets
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, offsets_of
from cmexam_baseline.exam.io.columns import PUBLISHED_NAMES, find_columns, find_option_columns, refuse_missing
from cmexam_baseline.exam.io.options_cell import format_options, parse_options, without_decoration
from cmexam_baseline.exam.io.table import FileForm, Table, cell_text, pieces
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters, parse_letters
from cmexam_baseline.exam.normalise import fold_texts


@dataclass(frozen=True)
class _NamedColumns:
    """The columns of a table by what they hold; `letters` are those of single options, where each has its own."""

    by_role: Mapping[str, str]
    letters: Sequence[str]
    annotations: Sequence[str]


@dataclass
class _Rows:
    """The rows of a table, read and checked; the lists run in parallel, options are flat between `bounds`.

    faults: row -> why the exam goes without it; doubts: row -> what is odd about it
    """

    numbers: Sequence[int]
    ids: list[str]
    questions: list[str]
    option_texts: list[str]
    bounds: list[int]
    answers: list[str]
    masks: list[int | None]
    faults: dict[int, str] = field(default_factory=dict)
    doubts: dict[int, list[str]] = field(default_factory=dict)

    def options(self, row: int) -> list[str]:
        return self.option_texts[self.bounds[row] : self.bounds[row + 1]]


def exam_of_table(
    table: Table, file: str, name: str, bad_rows: str, need_answers: bool
) -> tuple[Exam, list[BadRow]]:
    """The exam in a table and what was wrong with its rows, in the order of the file.

    `name` is what ids begin with where the table has none. Raises `InputError` for missing columns and
    duplicate ids, and where the policy `bad_rows` does not allow the rows found.
    """
    named = _name_columns(table, file, need_answers)
    rows = _read_rows(table, named, name)
    _check_rows(rows, bad_rows == "keep", need_answers)
    kept = [row for row in range(len(rows.numbers)) if row not in rows.faults]
    _check_ids(rows, kept, file)
    exam = _exam_of_rows(table, named, rows, kept)
    bad = _listed(table, rows, file) + _copies(exam, [rows.numbers[row] for row in kept], file)
    bad.sort(key=lambda row: row.row)
    refuse_bad_rows(bad, len(table.rows) + len(table.damaged), file, bad_rows)
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
        plain = plain and texts[0][0] not in "AＡ(（[【" and texts[0][-1] not in ";；"
        if not plain and parse_options(cell) != list(texts):
            raise InputError(
                f"options {excerpt_of(cell)!r} would be read back differently, because a text is empty or "
                "has lines of its own; write JSONL or Parquet"
            )
        return cell

    return options_cell


def _name_columns(table: Table, file: str, need_answers: bool) -> _NamedColumns:
    names = list(table.columns)
    by_role = find_columns(names)
    letters = [] if "options" in by_role else find_option_columns(names)
    wanted = ["question"] + ["options"] * (len(letters) < 2) + ["answer"] * need_answers
    refuse_missing([role for role in wanted if role not in by_role], names, file)
    taken = {*by_role.values(), *letters}
    return _NamedColumns(by_role, letters, [name for name in names if name not in taken])


def _read_rows(table: Table, named: _NamedColumns, name: str) -> _Rows:
    n = len(table.rows)
    option_texts: list[str] = []
    bounds = [0]
    if named.letters:
        cells = zip(*(table.columns[column] for column in named.letters), strict=True)
        read = map(_options_of_cells, cells)
    else:
        read = map(parse_options, table.columns[named.by_role["options"]])
    for options in read:
        option_texts += options
        bounds.append(len(option_texts))
    given = _texts(table, named, "id")
    rows = _Rows(
        numbers=table.rows,
        ids=[one or f"{name}-{number}" for one, number in zip(given or [""] * n, table.rows, strict=True)],
        questions=_texts(table, named, "question"),
        option_texts=option_texts,
        bounds=bounds,
        answers=_texts(table, named, "answer") or [""] * n,
        masks=[],
    )
    masks = {answer: parse_letters(answer) for answer in set(rows.answers)}
    rows.masks = [masks[answer] for answer in rows.answers]
    for row, mask in enumerate(rows.masks):
        if mask is None and rows.options(row).count(rows.answers[row]) == 1:
            # The answer is the very text of one option.
            place = rows.options(row).index(rows.answers[row])
            rows.masks[row] = 1 << place if place < len(LETTERS) else None
    return rows


def _texts(table: Table, named: _NamedColumns, role: str) -> list[str]:
    if role not in named.by_role:
        return []
    return [
        "".join(map(cell_text, cell)) if isinstance(cell, list) else cell_text(cell)
        for cell in table.columns[named.by_role[role]]
    ]


def _options_of_cells(cells: Sequence[object]) -> list[str]:
    texts = [cell_text(cell) for cell in cells]
    while texts and not texts[-1].strip():
        texts.pop()
    return without_decoration(texts)


def _check_rows(rows: _Rows, keep_unanswered: bool, need_answers: bool) -> None:
    """Fill in what makes rows unusable (`faults`) and what makes them doubtful (`doubts`)."""
    for piece in pieces(len(rows.numbers)):
        first, last = rows.bounds[piece.start], rows.bounds[piece.stop]
        folded = fold_texts(rows.option_texts[first:last])
        counts = np.diff(rows.bounds[piece.start : piece.stop + 1])
        masks = np.array([mask or 0 for mask in rows.masks[piece]], dtype=np.int64)
        asked = np.array([bool(question.strip()) for question in rows.questions[piece]], dtype=np.bool_)
        plain = asked & (masks > 0) & (masks >> np.minimum(counts, 62) == 0) & _plain_options(folded, counts)
        for place in np.flatnonzero(~plain).tolist():
            row = piece.start + place
            options = folded[rows.bounds[row] - first : rows.bounds[row + 1] - first]
            _check_row(rows, row, options, keep_unanswered, need_answers)


def _check_row(
    rows: _Rows, row: int, folded: Sequence[str], keep_unanswered: bool, need_answers: bool
) -> None:
    options, mask = rows.options(row), rows.masks[row]
    fault = _options_fault(options) if rows.questions[row].strip() else "no question"
    if fault is not None:
        rows.faults[row] = fault
        return
    doubts = _options_doubts(options, folded)
    fault = _answer_fault(rows.answers[row], mask, options)
    if fault is not None and (need_answers or mask != 0):
        rows.masks[row] = 0
        if not keep_unanswered:
            rows.faults[row] = fault
            return
        doubts.insert(0, fault)
    if doubts:
        rows.doubts[row] = doubts


def _options_fault(options: Sequence[str]) -> str | None:
    """Why options cannot be used, or None."""
    if len(options) > MAX_OPTIONS:
        return f"{len(options)} options; at most {MAX_OPTIONS} are possible"
    if sum(1 for text in options if text.strip()) < 2:
        return "options cannot be read: expected one a line, as in 'A xxx'"
    return None


def _answer_fault(answer: str, mask: int | None, options: Sequence[str]) -> str | None:
    """Why an answer cannot be scored, or None; `mask` is what the letters of `answer` say."""
    if mask is None:
        return f"answer {excerpt_of(answer, 20)!r} is not a set of letters"
    if mask == 0:
        return "no answer"
    without_option = [
        letter
        for place, letter in enumerate(LETTERS)
        if mask >> place & 1 and not (place < len(options) and options[place].strip())
    ]
    return (
        f"answer {mask_to_letters(mask)} but no option {', '.join(without_option)}"
        if without_option
        else None
    )


def _options_doubts(options: Sequence[str], folded: Sequence[str]) -> list[str]:
    """What is odd about options that can still be used: no text, or twice the same but for width and blanks."""
    doubts = []
    letters_of: dict[str, list[str]] = {}
    for letter, text in zip(LETTERS, folded, strict=False):
        letters_of.setdefault(text, []).append(letter)
    empty = [letter for letter, text in zip(LETTERS, options, strict=False) if not text.strip()]
    if empty:
        doubts.append(f"option {', '.join(empty)} has no text")
    return doubts + [
        f"options {' and '.join(letters)} are the same"
        for text, letters in letters_of.items()
        if text and len(letters) > 1
    ]


def _plain_options(folded: Sequence[str], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each question's options have neither fault nor doubt, bool (n,): two to ten different texts.

    folded: the options of all questions, flat, as `fold_texts` gives them; counts: int64 (n,)
    """
    number_of = {"": 0}
    numbers = np.fromiter(
        (number_of.setdefault(text, len(number_of)) for text in folded), dtype=np.int64, count=len(folded)
    )
    rows = np.repeat(np.arange(len(counts)), counts)
    keys = np.sort(rows * len(number_of) + numbers)
    plain = (counts >= 2) & (counts <= MAX_OPTIONS)
    plain[rows[numbers == 0]] = False
    plain[keys[1:][keys[1:] == keys[:-1]] // len(number_of)] = False
    return plain


def _check_ids(rows: _Rows, kept: Sequence[int], file: str) -> None:
    first: dict[str, int] = {}
    for row in kept:
        name = rows.ids[row]
        other = first.setdefault(name, row)
        if other != row:
            raise InputError(
                f"{file}, row {rows.numbers[row]}: id {name!r} occurs in row {rows.numbers[other]} already; "
                "make ids unique, or remove the column"
            )


def _exam_of_rows(table: Table, named: _NamedColumns, rows: _Rows, kept: Sequence[int]) -> Exam:
    whole = len(kept) == len(rows.numbers)

    def column(cells: Sequence[object]) -> list[str]:
        return [cell_text(cell) for cell in (cells if whole else [cells[row] for row in kept])]

    explanations = _texts(table, named, "explanation") or [""] * len(rows.numbers)
    return Exam(
        ids=column(rows.ids),
        questions=column(rows.questions),
        option_texts=rows.option_texts if whole else [text for row in kept for text in rows.options(row)],
        option_offsets=offsets_of([rows.bounds[row + 1] - rows.bounds[row] for row in kept]),
        answers=np.array([rows.masks[row] or 0 for row in kept], dtype=np.uint16),
        explanations=column(explanations),
        annotations={name: column(table.columns[name]) for name in named.annotations},
        form=_form(table, named.by_role),
    )


def _listed(table: Table, rows: _Rows, file: str) -> list[BadRow]:
    listed = [
        BadRow(file, number, reason, excerpt_of(beginning), left_out=True)
        for number, (reason, beginning) in table.damaged.items()
    ]
    reasons = [(row, reason, True) for row, reason in rows.faults.items()]
    reasons += [(row, reason, False) for row, doubts in rows.doubts.items() for reason in doubts]
    return listed + [
        BadRow(file, rows.numbers[row], reason, excerpt_of(rows.questions[row]), left_out)
        for row, reason, left_out in reasons
    ]


def _copies(exam: Exam, numbers: Sequence[int], file: str) -> list[BadRow]:
    def right_options(row: int) -> tuple[str, ...]:
        mask = int(exam.answers[row])
        return option_sets([[text for place, text in enumerate(exam.options(row)) if mask >> place & 1]])[0]

    listed = []
    for row, first in first_copies(exam).items():
        reason = f"same question and options as row {numbers[first]}"
        if right_options(first) != right_options(row):
            reason += ", but another answer"
        listed.append(BadRow(file, numbers[row], reason, excerpt_of(exam.questions[row]), left_out=False))
    return listed


def _form(table: Table, found: Mapping[str, str]) -> FileForm:
    cells = table.columns[found["options"]] if "options" in found else []
    first = next((cell for cell in cells if isinstance(cell, str)), "")
    option_break = next((mark for mark in ("\r\n", "\n", "\\n") if mark in first), table.form.option_break)
    return replace(table.form, option_break=option_break)
