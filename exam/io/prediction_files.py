"""Prediction files in their own form, read back."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.bad_rows import excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import offsets_of
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.letters import parse_letters
from cmexam_baseline.exam.predictions import PROBABILITY_COLUMNS, Predictions


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Predictions in their own form: columns id, answer and where given explanation, probability_A, … (CSV,
    JSONL).

    Raises `InputError`, naming file and row, where the file cannot be read, a column is missing, an id is
    empty or duplicate, an answer is not a set of letters, or a probability is not a number between 0 and 1 or
    leaves a gap.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "predictions.csv"
    >>> Predictions(["q1"], [1], [0.75, 0.25], [0, 2], ["因为……"]).write(file)
    >>> print(file.read_text("utf-8"), end="")
    id,answer,explanation,probability_A,probability_B
    q1,A,因为……,0.75,0.25
    >>> read_predictions(file).option_scores.tolist()
    [0.75, 0.25]
    """
    file = os.fspath(path)
    table = read_table(path)
    for number, (reason, _) in table.damaged.items():
        raise InputError(f"{file}, row {number}: {reason}; correct the row")
    missing = [name for name in ("id", "answer") if name not in table.columns]
    if missing:
        raise InputError(
            f"{file} has no column {' and no column '.join(missing)}; "
            f"found: {excerpt_of(', '.join(table.columns), 200)}; "
            "predictions have the columns id, answer, explanation, probability_A, …"
        )
    ids = [cell_text(cell) for cell in table.columns["id"]]
    _refuse_unusable_ids(ids, table, file)
    scores, offsets = _read_scores(table, file)
    explanations = table.columns.get("explanation")
    try:
        return Predictions(
            ids=ids,
            answers=_read_answers(table, file),
            option_scores=scores,
            option_offsets=offsets,
            explanations=None if explanations is None else [cell_text(cell) for cell in explanations],
        )
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def _read_answers(table: Table, file: str) -> NDArray[np.uint16]:
    texts = [cell_text(cell) for cell in table.columns["answer"]]
    masks = {text: parse_letters(text) for text in set(texts)}
    for number, text in zip(table.rows, texts, strict=True):
        if masks[text] is None:
            raise InputError(
                f"{file}, row {number}: answer {text[:40]!r} is not a set of letters; "
                "write it as in 'C' or 'ABD'"
            )
    return np.array([masks[text] for text in texts], dtype=np.uint16)


def _read_scores(table: Table, file: str) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    names = [name for name in PROBABILITY_COLUMNS if name in table.columns]
    if not names:
        return None, None
    if names != PROBABILITY_COLUMNS[: len(names)]:
        raise InputError(
            f"{file} has {', '.join(names)}; expected probability_A, probability_B, … without a gap"
        )
    scores: list[float] = []
    counts: list[int] = []
    for number, *cells in zip(table.rows, *(table.columns[name] for name in names), strict=True):
        texts = [cell_text(cell).strip() for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        counts.append(len(texts))
        scores += [
            _probability(text, f"{file}, row {number}, {name}")
            for name, text in zip(names, texts, strict=False)
        ]
    return np.array(scores, dtype=np.float64), offsets_of(counts)


def _probability(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(
            f"{where}: {text[:40]!r} is not a number; expected a probability from 0 to 1"
        ) from error
    if not 0 <= value <= 1:
        raise InputError(f"{where}: {text[:40]} is not a probability; expected a number from 0 to 1")
    return value


def _refuse_unusable_ids(ids: Sequence[str], table: Table, file: str) -> None:
    first: dict[str, int] = {}
    for number, name in zip(table.rows, ids, strict=True):
        if not name:
            raise InputError(f"{file}, row {number}: no id; give every prediction its question's id")
        if name in first:
            raise InputError(
                f"{file}, row {number}: id {name!r} occurs in row {first[name]} already; remove one"
            )
        first[name] = number
