"""What one model put out, as its file holds it: cells by role and the question of every row, not yet read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.letters import LETTERS, mask_to_letters, parse_letters
from cmexam_baseline.exam.splits import stem_of
from cmexam_baseline.scoring.outputs.answer_sets import find_answer_sets, index_mask, merge_flags
from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice, Columns
from cmexam_baseline.scoring.outputs.column_decision import decide
from cmexam_baseline.scoring.outputs.column_evidence import (
    are_letter_sets,
    best_option,
    letters_mask,
    seen_rows,
)
from cmexam_baseline.scoring.outputs.column_names import (
    LOGARITHM,
    first_of_role,
    leaf_key,
)
from cmexam_baseline.scoring.outputs.flatten import cut_replies, flatten_columns
from cmexam_baseline.scoring.outputs.joining import Join, Stems, places_of
from cmexam_baseline.scoring.outputs.key_columns import (
    find_condition_column,
    locate,
    optional_texts,
    texts_of_column,
)
from cmexam_baseline.scoring.outputs.recognition import Recognition
from cmexam_baseline.scoring.outputs.shapes import REPLY, is_list_of_paths, read_shape

# Columns of a system's rows.
_COLUMNS = ("replies", "raw", "explanations", "references", "rows")


@dataclass(frozen=True, eq=False)
class SystemOutput:
    """The n rows of one model in a prediction file; a question may have several, as samples or by mistake.

    name:          the model's, from a column of the file or the name of the file
    file:          its path as given, or what else it is
    recognition:   which column was taken for what
    join:          the question of every row
    options:       row -> the option texts that the model saw, where they are known and not the exam's
    replies:       n texts that hold the answer (a letter cell or a whole reply), or None
    raw:           n whole replies where `replies` are letter cells and the file has both, or None
    explanations:  n texts, None = no cell; or None where the file has no such column
    references:    n reference explanations that the file holds, or None
    probabilities: float64 (n, letters) option probabilities, NaN where empty; or None
    rows:          the numbers of the n rows in the file, from 1 without the header
    damaged:       number of a row (from 1) in the file -> why it could not be read and is not among the n
    others:        further columns that were asked for, by name, n texts each
    sampled:       whether the file itself says that a question has several replies
    condition:     column that tells the replies to each question apart and says that they are no samples, or None
    """

    name: str
    file: str
    recognition: Recognition
    join: Join
    options: dict[int, list[str]] = field(default_factory=dict)
    replies: Sequence[str] | None = None
    raw: Sequence[str] | None = None
    explanations: Sequence[str | None] | None = None
    references: Sequence[str | None] | None = None
    probabilities: NDArray[np.float64] | None = None
    rows: Sequence[int] = ()
    damaged: dict[int, str] = field(default_factory=dict)
    others: dict[str, Sequence[str]] = field(default_factory=dict)
    sampled: bool = False
    condition: str | None = None

    def __len__(self) -> int:
        return len(self.join.question_of)


def read_outputs(
    source: object,
    exam: Exam,
    columns: ColumnChoice | None = None,
    *,
    name: str | None = None,
    keep: Iterable[str] = (),
    left_out: Iterable[int] = (),
    index_base: int | None = None,
) -> list[SystemOutput]:
    """The systems of a prediction file or frame: one, or one for every model that it holds.

    source:     a path ("-" is standard input), a list of the shards of one Parquet data set, a frame or records
    exam:       the questions that were answered
    columns:    columns that are known; the others are recognised by content and name
    name:       of a single system; by default the file's name without its ending
    keep:       further columns to keep
    left_out:   numbers (from 1) of the rows of the exam's file that the exam goes without
    index_base: whether numbers as answers count options from 0 or 1; None = only if the file settles it

    Raises `InputError` where the source cannot be read, the rows do not match the exam, or it is open which column
    holds a model's answers.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> rows = [{"id": "val-1", "response": "答案：B"}, {"id": "val-2", "response": "选A"}]
    >>> (output,) = read_outputs(rows, sample_exam("val"), name="qwen")
    >>> output.name, output.replies, output.recognition.describe()
    ('qwen', ['答案：B', '选A'], 'answer = response; id = id')
    """
    choice = columns or ColumnChoice()
    file, table, flat = _read(source, choice)
    _refuse_rows_of_options(flat, file)
    stems = Stems(exam)
    _refuse_headerless(exam, stems, flat, file)
    try:
        known, met, shown = locate(exam, stems, flat, choice, places_of(exam, left_out), file)
    except InputError as error:
        if not table.damaged:
            raise
        row, (reason, _) = next(iter(table.damaged.items()))
        text = f"{error}; {len(table.damaged)} rows cannot be read (row {row}: {reason})"
        raise InputError(text) from error
    seen = seen_rows(exam, met.question_of, shown)
    keys = {*known.roles.values(), *known.option_columns, *known.probabilities.values(), *known.left_aside}

    def options_of(row: int) -> Sequence[str]:
        question = int(met.question_of[row])
        return shown.get(row) or (exam.options(question) if question >= 0 else [])

    keep = tuple(keep)
    named = {name for role in choice.__dataclass_fields__ for name in choice.named(role)}
    apart = {name: cells for name, cells in flat.items() if name in keys or name in named or name in keep}
    others = merge_flags({name: cells for name, cells in flat.items() if name not in apart}, seen.rows)
    flat = apart | others
    free = {name: cells for name, cells in flat.items() if name not in keys}
    sets = find_answer_sets(free, seen.rows, options_of)
    flat |= sets.columns
    known = replace(known, remarks=[*known.remarks, *cut_replies(flat)])
    found = decide(flat, seen, known, choice, file, index_base)
    for column in sets.ambiguous.intersection(found.systems):
        raise InputError(
            f"{file}: the lists in {column} may be several replies to a question or one answer of several options; give every "
            "reply a row of its own, or write an answer as letters such as AC"
        )
    output = SystemOutput(
        name or stem_of(file),
        file,
        found,
        met,
        shown,
        references=optional_texts(flat, found.roles.get("reference")),
        probabilities=_probabilities(flat, list(found.probabilities.values()), file, table.rows),
        explanations=optional_texts(flat, found.roles.get("explanation")) if len(found.systems) < 2 else None,
        rows=table.rows,
        damaged={row: problem for row, (problem, _) in table.damaged.items()},
        others={column: texts_of_column(flat[column]) for column in keep if column in flat},
        sampled=first_of_role("sample", flat) is not None,
    )
    systems = [_of_column(output, flat, column, exam) for column in found.systems]
    if not systems:  # the most probable option is the answer, where a file holds nothing else
        stated = output.probabilities
        systems = [output if stated is None else replace(output, replies=_best_letters(stated.tolist()))]
    if len(systems) > 1:
        systems = [replace(each, name=column) for each, column in zip(systems, found.systems, strict=True)]
    return [part for each in systems for part in _by_model(_with_condition(each, flat), flat)]


def read_pairs(
    source: object, columns: ColumnChoice | None = None, name: str | None = None
) -> SystemOutput | None:
    """A file that holds reference explanations beside a model's, to be scored without an exam; None if it is none.

    >>> output = read_pairs([{"reference": "缺乏维生素A", "prediction": "缺乏维生素A"}])
    >>> output.references, output.explanations
    (['缺乏维生素A'], ['缺乏维生素A'])
    """
    choice = columns or ColumnChoice()
    file, table, flat = _read(source, choice)
    reference = choice.reference or first_of_role("reference", flat)
    if reference is None:
        return None
    texts = list(filter(None, map(str.strip, texts_of_column(flat[reference]))))
    if choice.reference is None and sum(map(bool, map(letters_mask, texts))) > len(texts) / 2:
        return None  # right answers, no explanations
    others = [column for column in flat if column != reference]
    explanation = choice.explanation or first_of_role("explanation", others)
    replies = (*choice.named("raw"), *choice.named("answer"))
    reply = next(iter(replies), None) or first_of_role("raw", others) or first_of_role("answer", others)
    roles = {"reference": reference}
    if explanation or reply:
        roles |= {"explanation": explanation} if explanation else {"reply": reply or ""}
    return SystemOutput(
        name or stem_of(file),
        file,
        Recognition(roles),
        Join("row", np.arange(len(table.rows), dtype=np.int64)),
        explanations=optional_texts(flat, explanation or reply),
        references=optional_texts(flat, reference),
        rows=table.rows,
        damaged={row: problem for row, (problem, _) in table.damaged.items()},
    )


def _read(source: object, choice: ColumnChoice) -> tuple[str, Table, dict[str, Sequence[object]]]:
    first = source[0] if is_list_of_paths(source) else source
    file = os.fspath(first) if isinstance(first, str | os.PathLike) else "the frame"
    file = "standard input" if file == "-" else file
    table = read_shape(source)
    flat = flatten_columns(table.columns, file)
    choice.check(flat, file)
    return file, table, flat


def _of_column(output: SystemOutput, flat: Columns, column: str, exam: Exam) -> SystemOutput:
    """The system whose answers are in a column."""
    found = output.recognition
    kind = found.kinds.get(column, "text")
    cells = flat[column]
    raw = found.raw.get(column)
    single = replace(output, raw=None if raw is None else texts_of_column(flat[raw]))
    if kind == "scores":
        scores = [cell if isinstance(cell, tuple) else () for cell in cells]
        return replace(single, replies=_best_letters(scores), probabilities=_softmax(scores))
    if kind == "numbers":
        n_options = [len(exam.options(each)) if each >= 0 else 0 for each in output.join.question_of.tolist()]
        base = found.index_base or 0
        masks = [index_mask(cell, n, base) for cell, n in zip(cells, n_options, strict=True)]
        answers = [mask_to_letters(mask) or cell_text(cell) for mask, cell in zip(masks, cells, strict=True)]
        return replace(single, replies=answers)
    lists = [cell for cell in cells if isinstance(cell, list)]
    if lists and not are_letter_sets(lists):
        return _expanded(single, cells)
    if kind == "letters":
        texts = [
            "".join(map(cell_text, cell)) if isinstance(cell, list) else cell_text(cell) for cell in cells
        ]
        pairs = zip(texts, output.join.question_of.tolist(), strict=True)
        return replace(single, replies=[_letters(text, exam, question) for text, question in pairs])
    return replace(single, replies=texts_of_column(cells))


def _expanded(output: SystemOutput, cells: Sequence[object]) -> SystemOutput:
    """Rows with several replies as several rows."""
    texts = [list(map(cell_text, cell)) if isinstance(cell, list) else [cell_text(cell)] for cell in cells]
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in texts])
    replies = [text for each in texts for text in each]
    return replace(_rows_of(output, rows), replies=replies, sampled=True)


def _rows_of(output: SystemOutput, rows: NDArray[np.int64]) -> SystemOutput:
    """The output of these rows alone, which may repeat."""
    picked = rows.tolist()
    columns: dict[str, Any] = {}
    for name in _COLUMNS:
        cells = getattr(output, name)
        columns[name] = cells and [cells[row] for row in picked]
    return replace(
        output,
        join=replace(output.join, question_of=output.join.question_of[rows]),
        options={place: output.options[row] for place, row in enumerate(picked) if row in output.options},
        probabilities=None if output.probabilities is None else output.probabilities[rows],
        others={name: [cells[row] for row in picked] for name, cells in output.others.items()},
        **columns,
    )


def _by_model(output: SystemOutput, flat: Columns) -> list[SystemOutput]:
    """One system for every model that a column names, where they answer the same questions."""
    model = output.recognition.roles.get("model") or _filter_column(output, flat)
    asked = output.join.question_of[output.join.question_of >= 0]
    if model is None or len(flat[model]) != len(output) or len(np.unique(asked)) == len(asked):
        return [output]
    names = [cell_text(cell).strip() for cell in flat[model]]
    several = len(output.recognition.systems) > 1
    return [
        replace(
            _rows_of(output, np.flatnonzero(np.array(names, dtype=object) == name)),
            name=f"{name} {output.name}" if several else name,
        )
        for name in dict.fromkeys(names)
    ]


def _with_condition(output: SystemOutput, flat: Columns) -> SystemOutput:
    """The output and the column that tells its replies to each question apart, if there is one."""
    found, asked = output.recognition, output.join.question_of
    rows = np.flatnonzero(asked >= 0).tolist()
    if len(rows) == len(np.unique(asked[rows])):
        return output
    roles = {role: name for role, name in found.roles.items() if role != "id" or output.join.by == "id"}
    used = {*found.systems, *found.raw.values(), *roles.values()}
    free = {name: cells for name, cells in flat.items() if name not in used and len(cells) == len(output)}
    model = found.roles.get("model")
    names = [""] * len(output) if model is None else texts_of_column(flat[model])
    answered = [(int(asked[row]), names[row]) for row in rows]
    columns = {name: [cells[row] for row in rows] for name, cells in free.items()}
    return replace(output, condition=find_condition_column(columns, answered))


def _filter_column(output: SystemOutput, flat: Columns) -> str | None:
    """The column of filters (lm-eval) where they read different answers out of one reply."""
    column = first_of_role("filter", flat)
    if column is None or output.replies is None or len({cell_text(cell) for cell in flat[column]}) < 2:
        return None
    pairs = set(zip(output.join.question_of.tolist(), output.replies, strict=True))
    return column if len(pairs) > len({question for question, _ in pairs}) else None


def _best_letters(scores: Iterable[Sequence[float]]) -> list[str]:
    best = map(best_option, scores)
    return ["" if place is None else LETTERS[place] for place in best]


def _softmax(scores: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Probabilities of options from log-likelihoods or other scores, NaN where there is no option."""
    width = max(map(len, scores), default=0)
    padded = list(zip_longest(*scores, fillvalue=math.nan))
    table = np.array(padded, dtype=np.float64).reshape(width, len(scores)).T
    known = np.isfinite(table)
    totals = np.nansum(table, axis=1)
    if known.any() and (table[known] >= 0).all() and np.allclose(totals[known.any(axis=1)], 1.0, atol=0.01):
        return table
    logs = np.where(known, table, -np.inf)
    highest = np.max(logs, axis=1, initial=-np.inf, keepdims=True)
    powers = np.exp(logs - np.where(np.isfinite(highest), highest, 0.0))
    sums = powers.sum(axis=1, keepdims=True)
    return np.where(known, powers / np.where(sums > 0, sums, 1.0), np.nan)


def _letters(text: str, exam: Exam, question: int) -> str:
    """The letters of an answer cell as they count, however they are written ("b d", "②"); other text as it is."""
    if len(text) == 1 and text in LETTERS or question < 0:
        return text
    return mask_to_letters(letters_mask(text.strip(), exam.options(question))) or text


def _probabilities(
    flat: Columns, names: Sequence[str], file: str, rows: Sequence[int]
) -> NDArray[np.float64] | None:
    """The probabilities of options, float64 (n, letters), from a column each, which may hold their logarithms."""
    if not names:
        return None
    by_letter = [
        [_number(cell, file, row, name) for row, cell in zip(rows, flat[name], strict=True)] for name in names
    ]
    table = np.array(by_letter, dtype=np.float64).T
    return _softmax(table.tolist()) if LOGARITHM.search(names[0].lower()) else table


def _number(cell: object, file: str, row: int, column: str) -> float:
    text = cell_text(cell).strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    is_log = LOGARITHM.search(column.lower()) is not None
    if text and not (value <= 0.0 if is_log else 0.0 <= value <= 1.0):
        expected = "the logarithm of a probability" if is_log else "a probability from 0 to 1"
        raise InputError(f"{file}, row {row}: {column} is {text[:20]!r}; expected {expected}, or nothing")
    return value


def _refuse_rows_of_options(flat: Columns, file: str) -> None:
    """Raise `InputError` for HELM's files with a row for every option of a question: none of them is an answer."""
    column = next((name for name in flat if leaf_key(name) == "referenceindex"), None)
    if column is not None and len({cell for cell in flat[column] if isinstance(cell, int | str)}) > 1:
        raise InputError(
            f"{file}: by {column} a row scores one option, not a question; give a file with an answer a question"
        )


def _refuse_headerless(exam: Exam, stems: Stems, flat: Columns, file: str) -> None:
    """Raise `InputError` where the names of all columns are themselves answers, ids or questions."""
    names = [name for name in flat if not name.startswith("column ")]
    if not names or set(names) == {REPLY} or not len(flat[names[0]]):
        return
    cells = {name: cell_text(flat[name][0]).strip() for name in names}
    values = [
        name.strip().isdecimal()
        and cells[name].isdecimal()
        or bool(parse_letters(name))
        and bool(parse_letters(cells[name]))
        or name in exam.ids
        or stems.is_one(name)
        for name in names
    ]
    if all(values) or (any(values) and len(names) <= 3 and (names[0] in exam.ids or values[0])):
        raise InputError(
            f"{file} has no header: its first line ({', '.join(names)[:60]}) is a row of data; "
            "put a line with names such as id,answer above it"
        )
