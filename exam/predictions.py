"""What a model answered: letters, and where known a probability for every option and an explanation; its files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.errors import InputError, excerpt_of
from cmexam_baseline.exam.exam import Exam, check_columns, freeze_array, refuse_repeated
from cmexam_baseline.exam.io.columns import column_key
from cmexam_baseline.exam.io.formats import read_table
from cmexam_baseline.exam.io.table import Table, cell_text, to_frame
from cmexam_baseline.exam.io.text_formats import write_columns
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, masks_to_letters, parse_letters
from cmexam_baseline.metrics.ragged import offsets_of

# Names of a model's answers in other files than those of `Predictions`, where `answer` is often the exam's.
_OTHER_ANSWERS = {
    "pred",
    "prediction",
    "predicted",
    "predictedanswer",
    "modelanswer",
    "predanswer",
    "response",
}
PROBABILITY_COLUMNS = [f"probability_{letter}" for letter in LETTERS]


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """The answers of one model to n questions.

    ids:            n different strings, those of the exam
    answers:        uint16 (n,) bit masks, 0 = no answer
    option_scores:  float64, the probability (0–1) of every option of every question, flat; or None
    option_offsets: int64 (n+1,), bounds of the questions in `option_scores`; given together with it
    explanations:   n texts, or None where the model gives none

    The arrays are copied and read-only. Raises `InputError` where the columns do not fit.

    >>> predictions = Predictions(["q1", "q2"], [1, 6])
    >>> predictions
    Predictions(2 answers 'q1' to 'q2', 50.0% multi-answer, 0.0% unanswered)
    >>> predictions.letters()
    ['A', 'BC']
    """

    ids: Sequence[str]
    answers: NDArray[np.uint16]
    option_scores: NDArray[np.float64] | None = None
    option_offsets: NDArray[np.int64] | None = None
    explanations: list[str] | None = None

    def __post_init__(self) -> None:
        freeze_array(self, "answers", np.uint16)
        if (self.option_scores is None) != (self.option_offsets is None):
            raise InputError("option_scores and option_offsets belong together; give both or neither")
        if self.option_scores is not None:
            freeze_array(self, "option_scores", np.float64)
            freeze_array(self, "option_offsets", np.int64)
        check_columns("a set of predictions", self, {"explanations": self.explanations})
        _check_scores(self)

    def letters(self) -> list[str]:
        """The answers as letters in order, "" where there is none."""
        return masks_to_letters(self.answers)

    def join(self, exam: Exam, missing: str = "error", extra: str = "error") -> Predictions:
        """The predictions for an exam's questions, in their order, matched by id.

        Questions without a prediction and predictions without a question are an `InputError` that counts and
        names them, unless `missing` is "empty" (no answer, equal probabilities, no explanation) or `extra` is
        "drop"; so is another number of options than of probabilities.

        >>> from cmexam_baseline.exam.exam import Question
        >>> exam = Exam.from_questions([Question("q1", "甲", ("一", "二"), "A")])
        >>> Predictions(["q0", "q1"], [1, 2]).join(exam, extra="drop").letters()
        ['B']
        """
        for name, value, other in (("missing", missing, "empty"), ("extra", extra, "drop")):
            if value not in ("error", other):
                raise InputError(f"`{name}` must be 'error' or {other!r}; got {value!r}")
        row_of = {name: row for row, name in enumerate(self.ids)}
        rows = [row_of.get(name, -1) for name in exam.ids]
        absent = [name for name, row in zip(exam.ids, rows, strict=True) if row < 0]
        if absent and missing == "error":
            raise InputError(
                f"{_some(absent)} of the exam without prediction; add them or count them as wrong"
            )
        unknown = sorted(set(self.ids) - set(exam.ids))
        if unknown and extra == "error":
            raise InputError(
                f"{_some(unknown)} of the predictions not in the exam; give the exam they belong to"
            )
        return Predictions(
            ids=list(exam.ids),
            answers=np.array([self.answers[row] if row >= 0 else 0 for row in rows], dtype=np.uint16),
            option_scores=None if self.option_scores is None else self._joined_scores(exam, rows),
            option_offsets=None if self.option_scores is None else exam.option_offsets,
            explanations=self.explanations and [self.explanations[row] if row >= 0 else "" for row in rows],
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write CSV or JSONL (also .gz) with the columns id, answer, explanation and probability_A, probability_B, …

        What the model does not give, or a question has no option for, is left out. Probabilities are read back
        exactly; the same predictions give the same bytes. Raises `InputError` where the file cannot be written.
        """
        write_columns([self._columns()], path)

    @staticmethod
    def write_parts(
        parts: Iterable[Predictions], path: str | os.PathLike[str], most_options: int | None = None
    ) -> None:
        """What `write` writes of all parts together; `most_options` of any question where there are probabilities."""
        write_columns((part._columns(most_options) for part in parts), path)

    def to_frame(self, library: str | None = None) -> Any:
        """A data frame with the columns that `write` writes; see `Exam.to_frame` for the library.

        >>> Predictions(["q1"], [1], [0.75, 0.25], [0, 2]).to_frame().shape
        (1, 4)
        """
        return to_frame(self._columns(), library)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface, by which polars and pyarrow take predictions for a table."""
        return self.to_frame("polars").__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Predictions):
            return NotImplemented
        return (
            self.ids == other.ids
            and self.explanations == other.explanations
            and np.array_equal(self.answers, other.answers)
            and _same(self.option_scores, other.option_scores)
            and _same(self.option_offsets, other.option_offsets)
        )

    def __repr__(self) -> str:
        if not len(self):
            return "Predictions(0 answers)"
        ids = f"{self.ids[0]!r}" + (f" to {self.ids[-1]!r}" if len(self) > 1 else "")
        sizes = np.bitwise_count(self.answers)
        parts = [
            f"{len(self):,} answer{'s' if len(self) > 1 else ''} {ids}",
            f"{(sizes > 1).mean():.1%} multi-answer",
            f"{(sizes == 0).mean():.1%} unanswered",
        ]
        parts += ["probabilities"] * (self.option_scores is not None)
        parts += ["explanations"] * (self.explanations is not None)
        return f"Predictions({', '.join(parts)})"

    def _columns(self, most_options: int | None = None) -> dict[str, Sequence[object]]:
        columns: dict[str, Sequence[object]] = {"id": self.ids, "answer": self.letters()}
        if self.explanations is not None:
            columns["explanation"] = self.explanations
        if self.option_scores is not None and self.option_offsets is not None:
            scores, bounds = self.option_scores.tolist(), self.option_offsets.tolist()
            counts = np.diff(self.option_offsets).tolist()
            for place, name in enumerate(PROBABILITY_COLUMNS[: most_options or max(counts, default=0)]):
                columns[name] = [
                    scores[start + place] if place < count else None
                    for start, count in zip(bounds, counts, strict=False)
                ]
        return columns

    def _joined_scores(self, exam: Exam, rows: Sequence[int]) -> NDArray[np.float64]:
        if self.option_scores is None or self.option_offsets is None:
            raise ValueError("no option_scores to join")
        parts = []
        for name, row, count in zip(exam.ids, rows, exam.n_options.tolist(), strict=True):
            scores = np.full(count, 1 / count)
            if row >= 0:
                scores = self.option_scores[self.option_offsets[row] : self.option_offsets[row + 1]]
            if len(scores) != count:
                raise InputError(
                    f"prediction {name!r} has {len(scores)} probabilities for {count} options; "
                    "give the exam that was predicted"
                )
            parts.append(scores)
        return np.concatenate([np.zeros(0), *parts])


def _check_scores(predictions: Predictions) -> None:
    scores, offsets = predictions.option_scores, predictions.option_offsets
    if scores is None or offsets is None:
        return
    counts = np.diff(offsets)
    if scores.ndim != 1 or offsets[0] != 0 or offsets[-1] != len(scores) or (counts < 0).any():
        raise InputError(f"predictions: option_offsets must rise from 0 to the {scores.size} option_scores")
    if (counts > MAX_OPTIONS).any():
        raise InputError(
            f"predictions: a question has {counts.max()} probabilities; at most {MAX_OPTIONS} are possible"
        )
    unfit = np.flatnonzero(~((scores >= 0) & (scores <= 1)))
    if unfit.size:
        raise InputError(
            f"predictions: option_scores must be probabilities from 0 to 1; found {scores[unfit[0]]} "
            f"for {predictions.ids[int(np.searchsorted(offsets, unfit[0], side='right')) - 1]!r}"
        )
    beyond = np.flatnonzero((predictions.answers.astype(np.int64) >> counts > 0) & (counts > 0))
    if beyond.size:
        row = int(beyond[0])
        raise InputError(
            f"predictions: answer {predictions.letters()[row]} to {predictions.ids[row]!r} names a letter "
            f"beyond its {counts[row]} options"
        )


def _same(first: ArrayLike | None, second: ArrayLike | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(map(repr, ids[:3])) + (", …" if len(ids) > 3 else "")
    return f"{len(ids):,} question{'s' if len(ids) > 1 else ''} ({shown})"


def read_predictions(path: str | os.PathLike[str]) -> Predictions:
    """Predictions in their own form: columns id, answer and where given explanation, probability_A, … (CSV,
    JSONL).

    Raises `InputError`, naming file and row, where something is missing, an id is empty or duplicate, an answer is
    not a set of letters, or a probability is not a number between 0 and 1 or leaves a gap.

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
    others = [name for name in table.columns if column_key(name) in _OTHER_ANSWERS]
    if others:
        raise InputError(
            f"{file} has answers in answer and in {others[0]}, and one may be the exam's; remove one, or score the file as it is"
        )
    ids = [cell_text(cell) for cell in table.columns["id"]]
    if "" in ids:
        number = table.rows[ids.index("")]
        raise InputError(f"{file}, row {number}: no id; give every prediction its question's id")
    refuse_repeated(ids, table.rows, file, "remove one")
    scores, offsets = _read_scores(table, file)
    answers = _read_answers(table, file)
    explanations = table.columns.get("explanation")
    try:
        return Predictions(
            ids=ids,
            answers=answers,
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
