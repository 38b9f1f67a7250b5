"""The exam: questions as columns, so that a million rows stay a handful of lists and arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload
from weakref import finalize

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.table import PUBLISHED_FORMAT, FileFormat, pieces, to_frame
from cmexam_baseline.exam.letters import (
    LETTERS,
    MAX_MASK,
    MAX_OPTIONS,
    letter_counts,
    letters_to_masks,
    mask_to_letters,
    masks_to_letters,
)
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.metrics.ragged import offsets_of

if TYPE_CHECKING:
    from cmexam_baseline.exam.predictions import Predictions

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Question:
    """One question for people to look at: what `exam[3]` and `for question in exam` give.

    `options` are without their letters, `answer` is letters in order ("" = unknown),
    `annotations` maps a column ("Difficulty level") to this question's value.

    >>> Question("q1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A").right_options
    ['维生素A']
    """

    id: str
    question: str
    options: tuple[str, ...]
    answer: str = ""
    explanation: str = ""
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def right_options(self) -> list[str]:
        """The texts of the options that the answer names."""
        return [text for letter, text in zip(LETTERS, self.options, strict=False) if letter in self.answer]


@dataclass(frozen=True, eq=False, repr=False)
class Exam:
    """n questions with their options and, where known, answers, explanations and annotations.

    ids:            n different strings
    questions:      n stems
    option_texts:   all options of all questions without their letters, one flat list
    option_offsets: int64 (n+1,); the options of question i are
                    `option_texts[option_offsets[i]:option_offsets[i+1]]`; 2–10 a question
    answers:        uint16 (n,) bit masks, bit 0 is A; 0 = unknown
    explanations:   n texts, "" = none
    annotations:    column name -> n values
    file_format:    how the CSV file was written that this was read from, for writing it again; not compared

    The arrays are copied and read-only. Raises `InputError` where the columns do not fit together.

    >>> exam = Exam.from_questions([Question("q1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A")])
    >>> exam
    Exam(1 question 'q1', 2 options each, 0.0% multi-answer, 0.0% explained, no annotations)
    >>> exam.options(0)
    ['维生素A', '维生素C']
    >>> exam[0].answer, exam.answers.tolist()
    ('A', [1])
    """

    ids: Sequence[str]
    questions: Sequence[str]
    option_texts: Sequence[str]
    option_offsets: NDArray[np.int64]
    answers: NDArray[np.uint16]
    explanations: Sequence[str]
    annotations: Mapping[str, Sequence[str]] = field(default_factory=dict)
    file_format: FileFormat = PUBLISHED_FORMAT

    def __post_init__(self) -> None:
        freeze_array(self, "option_offsets", np.int64)
        freeze_array(self, "answers", np.uint16)
        annotations = {f"annotations[{name!r}]": values for name, values in self.annotations.items()}
        columns = {"questions": self.questions, "explanations": self.explanations, **annotations}
        check_columns("an exam", self, columns)
        _check_options(self)

    @classmethod
    def from_questions(cls, questions: Iterable[Question]) -> Exam:
        """An exam of single questions; a question without an id gets "question-<row>".

        An annotation that only some questions have is "" in the others. Raises `InputError` as `Exam` does.

        >>> len(Exam.from_questions([Question("", "下列属于口服降糖药的是", ("二甲双胍", "胰岛素"), "A")]))
        1
        """
        rows = list(questions)
        columns = dict.fromkeys(name for row in rows for name in row.annotations)
        return cls(
            ids=[row.id or f"question-{number}" for number, row in enumerate(rows, 1)],
            questions=[row.question for row in rows],
            option_texts=[text for row in rows for text in row.options],
            option_offsets=offsets_of([len(row.options) for row in rows]),
            answers=letters_to_masks(row.answer for row in rows),
            explanations=[row.explanation for row in rows],
            annotations={name: [row.annotations.get(name, "") for row in rows] for name in columns},
        )

    @classmethod
    def concatenate(cls, exams: Sequence[Exam]) -> Exam:
        """One exam after the other; an annotation that only some of them have is "" in the others.

        Raises `InputError` for no exam at all or for ids that occur in more than one.
        """
        if not exams:
            raise InputError("no exam to concatenate; give at least one")
        columns = dict.fromkeys(name for exam in exams for name in exam.annotations)
        return cls(
            ids=[value for exam in exams for value in exam.ids],
            questions=[value for exam in exams for value in exam.questions],
            option_texts=[value for exam in exams for value in exam.option_texts],
            option_offsets=offsets_of(np.concatenate([exam.n_options for exam in exams])),
            answers=np.concatenate([exam.answers for exam in exams]),
            explanations=[value for exam in exams for value in exam.explanations],
            annotations={
                name: [value for exam in exams for value in exam.annotations.get(name, [""] * len(exam))]
                for name in columns
            },
            file_format=exams[0].file_format,
        )

    @property
    def n_options(self) -> NDArray[np.int64]:
        """Number of options of each question, int64 (n,)."""
        return np.diff(self.option_offsets)

    @property
    def is_multi(self) -> NDArray[np.bool_]:
        """Whether the answer of each question has two letters or more, bool (n,)."""
        return letter_counts(self.answers) > 1

    @cached_property
    def normalised_questions(self) -> list[str]:
        """`normalise_text` of each question, by which questions are recognised."""
        return normalise_texts(self.questions)

    def options(self, index: int) -> list[str]:
        """The option texts of one question, in order; negative indices count from the end."""
        row = self._row(index)
        return list(self.option_texts[self.option_offsets[row] : self.option_offsets[row + 1]])

    def letters(self) -> list[str]:
        """The answers as letters in order, "" where unknown."""
        return masks_to_letters(self.answers)

    def fingerprint(self) -> str:
        """Hex SHA-256 of everything that `==` compares, the same on every machine and for every file format."""
        digest = hashlib.sha256(b"cmexam-baseline exam 1\0")
        columns = [self.ids, self.questions, self.option_texts, self.letters(), self.explanations]
        for column in [*columns, list(self.annotations), *self.annotations.values()]:
            digest.update(np.array([len(column)], dtype="<i8").tobytes())
            # Texts are encoded again, not kept: all lengths come before the first text.
            for piece in pieces(len(column)):
                lengths = [len(text.encode("utf-8", "surrogatepass")) for text in column[piece]]
                digest.update(np.array(lengths, dtype="<i8").tobytes())
            for piece in pieces(len(column)):
                digest.update("".join(column[piece]).encode("utf-8", "surrogatepass"))
        digest.update(self.option_offsets.astype("<i8").tobytes())
        return digest.hexdigest()

    def to_frame(self, library: str | None = None) -> Any:
        """A data frame with the columns id, question, options (lists), answer (letters), explanation, and one
        column per annotation; `read_exam` reads it back.

        library: "pandas" or "polars"; None takes pandas where it is installed, else polars

        Raises `InputError` where the library is missing, or an annotation has the name of another column.

        >>> exam = Exam.from_questions([Question("q1", "缺乏可致夜盲症的是", ("维生素A", "维生素C"), "A")])
        >>> list(exam.to_frame().columns)
        ['id', 'question', 'options', 'answer', 'explanation']
        """
        columns: dict[str, Sequence[object]] = {
            "id": self.ids,
            "question": self.questions,
            "options": [self.options(row) for row in range(len(self))],
            "answer": self.letters(),
            "explanation": self.explanations,
        }
        if taken := sorted(columns.keys() & self.annotations.keys()):
            raise InputError(f"annotation {taken[0]!r} has the name of another column; rename it")
        return to_frame({**columns, **self.annotations}, library)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface, by which polars and pyarrow take an exam for a table."""
        return self.to_frame("polars").__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Question]:
        return (self[row] for row in range(len(self)))

    @overload
    def __getitem__(self, key: int | np.integer) -> Question: ...
    @overload
    def __getitem__(self, key: slice | ArrayLike) -> Exam: ...
    def __getitem__(self, key: int | np.integer | slice | ArrayLike) -> Question | Exam:
        """`exam[3]` is a `Question`; a slice, an integer array or a bool array gives an `Exam`."""
        if isinstance(key, int | np.integer):
            return self._question(self._row(int(key)))
        return self._take(self._rows(key))

    def __add__(self, other: Exam) -> Exam:
        return Exam.concatenate([self, other]) if isinstance(other, Exam) else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Exam):
            return NotImplemented
        columns = ("ids", "questions", "option_texts", "explanations")
        return (
            all(getattr(self, name) == getattr(other, name) for name in columns)
            and np.array_equal(self.option_offsets, other.option_offsets)
            and np.array_equal(self.answers, other.answers)
            and list(self.annotations.items()) == list(other.annotations.items())
        )

    def __repr__(self) -> str:
        if not len(self):
            return "Exam(0 questions)"
        ids = f"{self.ids[0]!r}" + (f" to {self.ids[-1]!r}" if len(self) > 1 else "")
        fewest, most = int(self.n_options.min()), int(self.n_options.max())
        parts = [
            f"{len(self):,} question{'s' if len(self) > 1 else ''} {ids}",
            f"{fewest} options each" if fewest == most else f"{fewest}–{most} options",
            f"{self.is_multi.mean():.1%} multi-answer",
            f"{sum(map(bool, self.explanations)) / len(self):.1%} explained",
            f"annotations {', '.join(self.annotations)}" if self.annotations else "no annotations",
        ]
        unanswered = int((self.answers == 0).sum())
        if unanswered:
            parts.insert(3, f"{unanswered:,} without answer")
        return f"Exam({', '.join(parts)})"

    def _row(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"question {index} of an exam of {len(self)}")
        return index % len(self)

    def _rows(self, key: slice | ArrayLike) -> NDArray[np.int64]:
        rows = np.arange(len(self), dtype=np.int64)
        if isinstance(key, slice):
            return rows[key]
        wanted = np.asarray(key)
        if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iub"):
            raise TypeError(f"an exam is indexed by int, slice, or a 1-d int or bool array; got {key!r}")
        return rows[wanted if wanted.size else slice(0)]

    def _question(self, row: int) -> Question:
        return Question(
            id=self.ids[row],
            question=self.questions[row],
            options=tuple(self.options(row)),
            answer=mask_to_letters(int(self.answers[row])),
            explanation=self.explanations[row],
            annotations={name: values[row] for name, values in self.annotations.items()},
        )

    def _take(self, rows: NDArray[np.int64]) -> Exam:
        picked = rows.tolist()
        starts, ends = self.option_offsets[rows].tolist(), self.option_offsets[rows + 1].tolist()
        return Exam(
            ids=[self.ids[row] for row in picked],
            questions=[self.questions[row] for row in picked],
            option_texts=[
                text for start, end in zip(starts, ends, strict=True) for text in self.option_texts[start:end]
            ],
            option_offsets=offsets_of(self.n_options[rows]),
            answers=self.answers[rows],
            explanations=[self.explanations[row] for row in picked],
            annotations={name: [values[row] for row in picked] for name, values in self.annotations.items()},
            file_format=self.file_format,
        )


def freeze_array(owner: Exam | Predictions, name: str, dtype: type[np.generic]) -> None:
    """Replace an array of a frozen dataclass by a read-only copy; `InputError` where it holds something else."""
    array = np.asarray(getattr(owner, name))
    is_float = dtype is np.float64
    if array.size and array.dtype.kind not in ("fiu" if is_float else "iu"):
        raise InputError(
            f"{name} must be an array of {'numbers' if is_float else 'integers'}; got {array.dtype}"
        )
    if dtype is np.uint16 and array.size and not 0 <= int(array.min()) <= int(array.max()) <= MAX_MASK:
        raise InputError(f"{name} must be bit masks between 0 and {MAX_MASK}")
    copy = array.astype(dtype, copy=True)
    copy.flags.writeable = False
    object.__setattr__(owner, name, copy)


def check_columns(what: str, owner: Exam | Predictions, columns: Mapping[str, Sequence[str] | None]) -> None:
    """Raise `InputError` for columns of other lengths than the ids, and naming the rows of the first duplicate id."""
    n = len(owner.ids)
    known = {**columns, "answers": owner.answers, "option_offsets": owner.option_offsets}
    wrong = []
    for name, values in known.items():
        shape = np.shape(values) if isinstance(values, np.ndarray) else (len(values or ()),)
        size = n + (name == "option_offsets")
        if values is not None and shape != (size,):
            wrong.append(f"{name} has {shape[0] if len(shape) == 1 else shape}, not {size}")
    if wrong:
        raise InputError(f"{what} of {n} ids needs {n} values in every column; {'; '.join(wrong)}")
    refuse_repeated(owner.ids, range(1, n + 1), what)


def remembered(function: Callable[[Exam], _Result]) -> Callable[[Exam], _Result]:
    """`function`, called once for each exam; its results are forgotten with the exam."""
    known: dict[int, _Result] = {}

    @wraps(function)
    def call(exam: Exam) -> _Result:
        if id(exam) not in known:
            known[id(exam)] = function(exam)
            finalize(exam, known.pop, id(exam), None)
        return known[id(exam)]

    return call


def refuse_repeated(
    ids: Sequence[str],
    numbers: Sequence[int],
    where: str,
    remedy: str = "make ids unique",
    unit: str = "rows",
) -> None:
    """Raise `InputError` for the first id that occurs twice, with the numbers of both rows."""
    if len(set(ids)) == len(ids):
        return
    first: dict[str, int] = {}
    for name, number in zip(ids, numbers, strict=True):
        if first.setdefault(name, number) != number:
            raise InputError(f"{where}: id {name!r} occurs in {unit} {first[name]} and {number}; {remedy}")


def _check_options(exam: Exam) -> None:
    offsets = exam.option_offsets
    if offsets[0] != 0 or offsets[-1] != len(exam.option_texts):
        raise InputError(
            f"option_offsets must run from 0 to the {len(exam.option_texts)} option_texts; "
            f"got {offsets[0]} to {offsets[-1]}"
        )
    counts = exam.n_options
    wrong = np.flatnonzero((counts < 2) | (counts > MAX_OPTIONS))
    if wrong.size:
        row = int(wrong[0])
        raise InputError(
            f"question {exam.ids[row]!r} has {counts[row]} options; 2 to {MAX_OPTIONS} are possible"
        )
    beyond = np.flatnonzero(exam.answers.astype(np.int64) >> counts)
    if beyond.size:
        row = int(beyond[0])
        raise InputError(
            f"answer {mask_to_letters(int(exam.answers[row]))} of question {exam.ids[row]!r} "
            f"names a letter beyond its {counts[row]} options"
        )
