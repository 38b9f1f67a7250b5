"""What one model put out, as its file holds it: cells by role, not yet read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.options_cell import parse_options, split_options
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.splits import stem_of
from cmexam_baseline.scoring.outputs.column_detection import ColumnChoice, Recognition, recognise
from cmexam_baseline.scoring.outputs.flatten import flatten_columns
from cmexam_baseline.scoring.outputs.joining import JoinKeys

# Options are looked for inside the question's text if so many rows have them there.
WITH_OPTIONS = 0.5


@dataclass(frozen=True, eq=False)
class SystemOutput:
    """The n rows of one model in a prediction file.

    name:          the model's, from the column of a wide file or the name of the file
    file:          where it stands
    recognition:   which column was taken for what
    keys:          what the rows say about their question
    replies:       n texts that hold the answer (a letter cell or a whole reply), or None
    raw:           n whole replies where `replies` are letter cells and the file has both, or None
    explanations:  n texts, None = no cell; or None where the file has no such column
    references:    n reference explanations that the file brings along, or None
    probabilities: float64 (n, letters) option probabilities, NaN where empty; or None
    rows:          the numbers of the n rows in the file, from 1 without the header
    damaged:       number of a row (from 1) in the file -> why it could not be read and is not among the n
    others:        further columns that were asked for, by name, n texts each
    """

    name: str
    file: str
    recognition: Recognition
    keys: JoinKeys
    replies: Sequence[str] | None = None
    raw: Sequence[str] | None = None
    explanations: Sequence[str | None] | None = None
    references: Sequence[str | None] | None = None
    probabilities: NDArray[np.float64] | None = None
    rows: Sequence[int] = ()
    damaged: dict[int, str] = field(default_factory=dict)
    others: dict[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.keys.n


def read_outputs(
    path: str | os.PathLike[str],
    chosen: ColumnChoice | None = None,
    name: str | None = None,
    keep: Iterable[str] = (),
) -> list[SystemOutput]:
    """The systems of a prediction file: one, or one for every answer column of a wide file.

    `keep` names further columns that come along as they are, where the file has them.

    CSV, TSV, JSONL, JSON, Parquet, XLSX, each also packed as .gz; "-" is standard input. Raises `InputError`
    where the file cannot be read or no column holds answers.

    >>> import tempfile
    >>> from pathlib import Path
    >>> file = Path(tempfile.mkdtemp()) / "qwen.jsonl"
    >>> _ = file.write_text('{"id": "val-1", "response": "答案：B"}\\n', "utf-8")
    >>> (output,) = read_outputs(file)
    >>> output.name, output.replies, output.recognition.describe()
    ('qwen', ['答案：B'], 'id = id; raw = response')
    """
    table = read_table(path)
    shown = "standard input" if str(path) == "-" else str(path)
    columns = flatten_columns(table.columns, shown)
    damaged = {row: problem for row, (problem, _) in table.damaged.items()}
    found = recognise(columns, shown, chosen or ColumnChoice())
    keys = _join_keys(columns, found)
    others = {column: _texts(columns[column]) for column in keep if column in columns}
    stem = name or (shown if shown == "standard input" else stem_of(shown))
    if found.systems:
        return [
            SystemOutput(
                column,
                shown,
                found,
                keys,
                replies=_texts(columns[column]),
                rows=table.rows,
                damaged=damaged,
                others=others,
            )
            for column in found.systems
        ]
    roles = found.roles
    return [
        SystemOutput(
            stem,
            shown,
            found,
            keys,
            replies=_column(columns, roles.get("answer") or roles.get("raw")),
            raw=_column(columns, roles.get("raw") if "answer" in roles else None),
            explanations=_optional(columns, roles.get("explanation")),
            references=_optional(columns, roles.get("reference")),
            probabilities=_probabilities(columns, found, shown, table.rows),
            rows=table.rows,
            damaged=damaged,
            others=others,
        )
    ]


def _join_keys(columns: dict[str, Sequence[object]], found: Recognition) -> JoinKeys:
    n = len(next(iter(columns.values()), []))
    options: Sequence[list[str]] | None = None
    if "options" in found.roles:
        options = [_option_texts(cell) for cell in columns[found.roles["options"]]]
    elif found.option_columns:
        cells = [_texts(columns[name]) for name in found.option_columns]
        options = [[text for text in row if text] for row in zip(*cells, strict=True)]
    questions = _column(columns, found.roles.get("question"))
    if options is None and questions is not None:
        questions, options = _options_taken_out(questions)
    if options is not None and not any(options):
        options = None
    return JoinKeys(n, _column(columns, found.roles.get("id")), questions, options)


def _options_taken_out(questions: Sequence[str]) -> tuple[Sequence[str], list[list[str]] | None]:
    """Stems and options of question cells that hold both, as prompts do; the cells where most do not."""
    parts = [split_options(text) for text in questions]
    if sum(part is not None for part in parts) < WITH_OPTIONS * len(parts):
        return questions, None
    stems = [text if part is None else part.stem for text, part in zip(questions, parts, strict=True)]
    return stems, [[] if part is None else part.options for part in parts]


def _option_texts(cell: object) -> list[str]:
    if isinstance(cell, list):
        return [cell_text(value) for value in cell]
    return parse_options(cell_text(cell)) or []


def _column(columns: dict[str, Sequence[object]], name: str | None) -> Sequence[str] | None:
    return None if name is None else _texts(columns[name])


def _texts(cells: Sequence[object]) -> Sequence[str]:
    return [_text(cell) for cell in cells]


def _text(cell: object) -> str:
    if isinstance(cell, list):
        # Letters as a list, or several samples of one reply: the first counts.
        return (
            "".join(map(cell_text, cell)) if all(_is_short(value) for value in cell) else cell_text(cell[0])
        )
    return cell_text(cell)


def _is_short(value: object) -> bool:
    return len(cell_text(value)) <= 1


def _optional(columns: dict[str, Sequence[object]], name: str | None) -> Sequence[str | None] | None:
    if name is None:
        return None
    cells = columns[name]
    return [_text_or_none(cell) for cell in cells]


def _text_or_none(cell: object) -> str | None:
    return None if cell is None else _text(cell)


def _probabilities(
    columns: dict[str, Sequence[object]], found: Recognition, file: str, rows: Sequence[int]
) -> NDArray[np.float64] | None:
    if not found.probabilities:
        return None
    by_letter = [
        [_number(cell, file, row, name) for row, cell in zip(rows, columns[name], strict=True)]
        for name in found.probabilities.values()
    ]
    return np.array(by_letter, dtype=np.float64).T


def _number(cell: object, file: str, row: int, column: str) -> float:
    text = cell_text(cell).strip()
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise InputError(
            f"{file}, row {row}: {column} is {text[:20]!r}; expected a probability from 0 to 1, or nothing"
        )
    return value
