"""The rows of a table become the questions of an exam, and an exam becomes a table again.

Reading goes one way: columns are named, their cells become rows, rows are checked, sound rows become an exam.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cmexam_baseline.exam.duplicates import first_copies, option_sets
from cmexam_baseline.exam.errors import BadRow, InputError, excerpt_of, refuse_bad_rows
from cmexam_baseline.exam.exam import Exam, refuse_repeated
from cmexam_baseline.exam.io.columns import (
    PUBLISHED_NAMES,
    find_columns,
    find_option_columns,
    other_keys,
    refuse_missing,
    refuse_two_keys,
)
from cmexam_baseline.exam.io.options_cell import format_options, options_of_cells, parse_options
from cmexam_baseline.exam.io.table import FileFormat, Table, cell_text
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters, parse_letters
from cmexam_baseline.exam.normalise import fold_texts
from cmexam_baseline.metrics.ragged import offsets_of

# What `fold_texts` changes.
_WIDE_OR_BLANK = re.compile(r"[\s\uff01-\uff5e]").search


@dataclass
class _Rows:
    """The rows of a table, its columns named; the lists run in parallel, options are flat between `bounds`.

    faults: row -> why the exam goes without it; doubts: row -> what is odd about it
    """

    table: Table
    by_role: Mapping[str, str]
    annotations: Sequence[str]
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
    rows = _read_rows(table, file, name, need_answers)
    key = rows.by_role.get("answer", "")
    for other in other_keys(rows.annotations, key) if key else ():
        try:
            refuse_two_keys(
                key, other, table.rows, rows.masks, list(map(parse_letters, _texts(table.columns[other])))
            )
        except InputError as error:
            raise InputError(f"{file}: {error}") from error
    for row, (question, mask) in enumerate(zip(rows.questions, rows.masks, strict=True)):
        options = rows.options(row)
        if not (mask and not mask >> len(options) and question.strip() and _are_plain(options)):
            _check_row(rows, row, bad_rows == "keep", need_answers)
    kept = [row for row in range(len(table.rows)) if row not in rows.faults]
    ids, numbers = [rows.ids[row] for row in kept], [table.rows[row] for row in kept]
    refuse_repeated(ids, numbers, file, "make ids unique, or remove the column")
    exam = _exam_of_rows(rows, kept)
    bad = _bad_rows(rows, exam, kept, file)
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


def published_options(texts: Sequence[str], line_break: str = "\n") -> str:
    """The options cell in the published form, with this break between options.

    Raises `InputError` for texts that would not be read back as they are.
    """
    cell = format_options(texts, line_break)
    plain = all(texts) and not any("\n" in text or "\\" in text or "\r" in text for text in texts)
    plain = plain and texts[0][0] not in "AＡ(（[【" and texts[0][-1] not in ";；"
    if not plain and parse_options(cell) != list(texts):
        raise InputError(
            f"options {excerpt_of(cell)!r} would be read back differently, because a text is empty or "
            "has lines of its own; write JSONL or Parquet"
        )
    return cell


def _read_rows(table: Table, file: str, name: str, need_answers: bool) -> _Rows:
    names = list(table.columns)
    by_role = find_columns(names)
    letters = [] if "options" in by_role else find_option_columns(names)
    wanted = ["question"] + ["options"] * (len(letters) < 2) + ["answer"] * need_answers
    refuse_missing([role for role in wanted if role not in by_role], names, file)
    option_texts: list[str] = []
    bounds = [0]
    if letters:
        read = map(options_of_cells, zip(*(table.columns[column] for column in letters), strict=True))
    else:
        read = map(parse_options, table.columns[by_role["options"]])
    for options in read:
        option_texts += options
        bounds.append(len(option_texts))
    empty = [""] * len(table.rows)
    texts = {
        role: _texts(table.columns[column])
        for role, column in by_role.items()
        if role not in ("options", "explanation")
    }
    answers = texts.get("answer", empty)
    mask_of = {answer: parse_letters(answer) for answer in set(answers)}
    rows = _Rows(
        table,
        by_role,
        annotations=[name for name in names if name not in {*by_role.values(), *letters}],
        ids=[
            one or f"{name}-{number}" for one, number in zip(texts.get("id", empty), table.rows, strict=True)
        ],
        questions=texts["question"],
        option_texts=option_texts,
        bounds=bounds,
        answers=answers,
        masks=[mask_of[answer] for answer in answers],
    )
    for row, mask in enumerate(rows.masks):
        if mask is None and rows.options(row).count(answers[row]) == 1:
            # The answer is the very text of one option.
            place = rows.options(row).index(answers[row])
            rows.masks[row] = 1 << place if place < len(LETTERS) else None
    return rows


def _texts(cells: Sequence[object]) -> list[str]:
    return ["".join(map(cell_text, cell)) if isinstance(cell, list) else cell_text(cell) for cell in cells]


def _are_plain(options: Sequence[str]) -> bool:
    """Whether options have neither fault nor doubt: two to ten different texts, also without width and blanks."""
    if _WIDE_OR_BLANK("".join(options)):
        options = fold_texts(options)
    return 2 <= len(options) <= MAX_OPTIONS and all(options) and len(set(options)) == len(options)


def _check_row(rows: _Rows, row: int, keep_unanswered: bool, need_answers: bool) -> None:
    """Note what makes a row unusable (`faults`) or doubtful (`doubts`)."""
    options, mask = rows.options(row), rows.masks[row]
    fault = _options_fault(options) if rows.questions[row].strip() else "no question"
    if fault is not None:
        rows.faults[row] = fault
        return
    doubts = _options_doubts(options)
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
    there = {letter for letter, text in zip(LETTERS, options, strict=False) if text.strip()}
    missing = [letter for letter in mask_to_letters(mask) if letter not in there]
    return f"answer {mask_to_letters(mask)} but no option {', '.join(missing)}" if missing else None


def _options_doubts(options: Sequence[str]) -> list[str]:
    """What is odd about options that can still be used: no text, or twice the same but for width and blanks."""
    letters_of: dict[str, list[str]] = {}
    for letter, text in zip(LETTERS, fold_texts(options), strict=False):
        letters_of.setdefault(text, []).append(letter)
    empty = letters_of.pop("", [])
    doubts = [f"option {', '.join(empty)} has no text"] if empty else []
    same = [letters for letters in letters_of.values() if len(letters) > 1]
    return doubts + [f"options {' and '.join(letters)} are the same" for letters in same]


def _exam_of_rows(rows: _Rows, kept: Sequence[int]) -> Exam:
    columns = rows.table.columns
    whole = len(kept) == len(rows.ids)

    def of_kept(cells: Sequence[Any]) -> list[Any]:
        return list(cells) if whole else [cells[row] for row in kept]

    explanations = (
        columns[rows.by_role["explanation"]] if "explanation" in rows.by_role else [""] * len(rows.ids)
    )
    return Exam(
        ids=of_kept(rows.ids),
        questions=of_kept(rows.questions),
        option_texts=rows.option_texts if whole else [text for row in kept for text in rows.options(row)],
        option_offsets=offsets_of([rows.bounds[row + 1] - rows.bounds[row] for row in kept]),
        answers=np.array([rows.masks[row] or 0 for row in kept], dtype=np.uint16),
        explanations=_texts(of_kept(explanations)),
        annotations={name: [cell_text(cell) for cell in of_kept(columns[name])] for name in rows.annotations},
        file_format=_file_format(rows.table, rows.by_role),
    )


def _bad_rows(rows: _Rows, exam: Exam, kept: Sequence[int], file: str) -> list[BadRow]:
    """What is wrong with the rows, in the order of the file."""
    listed = [
        BadRow(file, number, reason, excerpt_of(beginning), left_out=True)
        for number, (reason, beginning) in rows.table.damaged.items()
    ]
    reasons = [(row, reason, True) for row, reason in rows.faults.items()]
    reasons += [(row, reason, False) for row, doubts in rows.doubts.items() for reason in doubts]
    for copy, first in first_copies(exam).items():
        right = option_sets([exam[first].right_options, exam[copy].right_options])
        other = "" if right[0] == right[1] else ", but another answer"
        number = rows.table.rows[kept[first]]
        reasons.append((kept[copy], f"same question and options as row {number}{other}", False))
    listed += [
        BadRow(file, rows.table.rows[row], reason, excerpt_of(rows.questions[row]), left_out)
        for row, reason, left_out in reasons
    ]
    return sorted(listed, key=lambda row: row.row)


def _file_format(table: Table, found: Mapping[str, str]) -> FileFormat:
    cells = table.columns[found["options"]] if "options" in found else []
    first = next((cell for cell in cells if isinstance(cell, str)), "")
    marks = (mark for mark in ("\r\n", "\n", "\\n") if mark in first)
    return replace(table.file_format, option_break=next(marks, table.file_format.option_break))
