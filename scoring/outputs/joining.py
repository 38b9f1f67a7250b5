"""Rows and letters of a prediction file as the exam has them: the question of every row, the options that letters mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.normalise import fold_texts, normalise_texts
from cmexam_baseline.scoring.outputs.row_ids import (
    are_of_server,
    count_up,
    numbers_of,
    plain_id,
    position_base,
    restarts,
    split_named,
)

# Ids or positions that fewer of the rows agree with than this contradict the question texts.
AGREEING = 0.98
# A column is one of question texts if this share of its cells holds a question of the exam.
ENOUGH_STEMS = 0.5
# A stem is looked for inside a longer prompt by its first characters; shorter ones occur by chance.
_ANCHOR = 8


@dataclass(frozen=True)
class JoinKeys:
    """What a prediction file says about the question of each of its n rows; None = nothing.

    ids:       n ids as written
    questions: n texts, a stem or a prompt that holds one
    options:   n lists of option texts
    groups:    n values that tell the systems of the file, and their samples, apart; each may answer every question
    id_column: the name of the column of ids
    """

    n: int
    ids: Sequence[str] | None = None
    questions: Sequence[str] | None = None
    options: Sequence[Sequence[str]] | None = None
    groups: Sequence[str] | None = None
    id_column: str | None = None


@dataclass(frozen=True, eq=False)
class Join:
    """The question of every row.

    by:          what told: "question", "question and options", "id", "position" or "row number"
    question_of: int64 (rows,), the 0-based question of every row, -1 for a row of no question
    by_order:    questions with a row that share their stem with others and were told apart by order alone
    remarks:     single lines on what was assumed
    """

    by: str
    question_of: NDArray[np.int64]
    by_order: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Places:
    """Where the questions were in their file of n rows: int64, 0-based; rows that were left out keep their place."""

    rows: NDArray[np.int64]
    n: int


def places_of(exam: Exam, left_out: Iterable[int] = ()) -> Places:
    """The places of an exam's questions in its file.

    left_out: numbers (from 1) of the rows that the exam goes without. Where none is given, ids that a reader made
    of the rows' numbers tell them.
    """
    missing = np.array(sorted(set(left_out)), dtype=np.int64) - 1
    if missing.size:
        n = len(exam) + len(missing)
        kept = np.setdiff1d(np.arange(max(n, int(missing[-1]) + 1)), missing)
        return Places(kept[: len(exam)], n)
    prefixes = {name.rpartition("-")[0] for name in exam.ids}
    numbers = [name.rpartition("-")[2] for name in exam.ids]
    if len(prefixes) == 1 and "" not in prefixes and all(number.isdecimal() for number in numbers):
        places = np.array([int(number) - 1 for number in numbers], dtype=np.int64)
        if len(places) and places[0] >= 0 and places[-1] < 2 * len(places) and (np.diff(places) > 0).all():
            return Places(places, int(places[-1]) + 1)
    return Places(np.arange(len(exam), dtype=np.int64), len(exam))


def join(exam: Exam, keys: JoinKeys, places: Places | None = None, stems: Stems | None = None) -> Join:
    """Find every row's question: by its text, else by id, position, or the order of the rows.

    Question texts outrank ids that contradict them. Questions with the same stem are told apart by their options,
    else by consistent ids, else by order. `places` are those of `places_of`, `stems` the exam's. Raises `InputError`
    where nothing fits.
    """
    places = places_of(exam) if places is None else places
    by_id = _by_id(exam, keys, places)
    by_place = by_id or _by_order(exam, keys, places)
    if keys.questions is not None:
        stems = stems or Stems(exam)
        found = stems.find(keys.questions)
        n_asked = sum(bool(text.strip()) for text in keys.questions)
        n_found = int((found >= 0).sum())
        # A file for a larger exam holds most questions of this one.
        n_answered = len(np.unique(found[found >= 0]))
        if n_found and (n_found >= ENOUGH_STEMS * n_asked or n_answered >= ENOUGH_STEMS * len(exam)):
            return _by_question(exam, keys, stems, found, by_place)
        if by_place is not None and n_asked >= ENOUGH_STEMS * keys.n:
            shown = next(text for text in keys.questions if text.strip())[:30]
            raise InputError(
                f"the {by_place.by}s fit the exam, but {n_asked - n_found} of {n_asked} question texts are not its own "
                f"(first: {shown!r}); give the exam that was answered, or decide with `id_column`"
            )
    if by_place is None:
        raise InputError(_why_not(exam, keys, places))
    return by_place


class Stems:
    """The stems of an exam, to be found in texts that are a stem or hold one."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._stems = exam.normalised_questions
        self._question_of = {stem: row for row, stem in reversed(list(enumerate(self._stems)))}
        self._short = {stem for stem in self._question_of if 0 < len(stem) < _ANCHOR}

    @cached_property
    def _anchors(self) -> dict[str, list[int]]:
        """First characters -> the questions whose stems begin with them."""
        anchors: dict[str, list[int]] = {}
        for stem, row in self._question_of.items():
            if len(stem) >= _ANCHOR:
                anchors.setdefault(stem[:_ANCHOR], []).append(row)
        return anchors

    def is_one(self, text: str) -> bool:
        """Whether a text is one of the stems."""
        return normalise_texts([text])[0] in self._question_of

    def find(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The first question with the stem of each text, -1 where there is none."""
        normal = normalise_texts(texts)
        found = [self._question_of.get(text, -1) if len(text) < 4 else self._found(text) for text in normal]
        for row, text in enumerate(texts):
            short = self._short_line(text) if "\n" in text.strip() else None
            if short is not None:
                found[row] = short
        return np.array(found, dtype=np.int64)

    def _short_line(self, text: str) -> int | None:
        """The question whose short stem is a line of a prompt, unless a longer stem comes after it."""
        if not self._short:
            return None
        lines = text.splitlines()
        for place in range(len(lines) - 1, -1, -1):
            if len(lines[place]) > 4 * _ANCHOR:
                continue
            parts = normalise_texts([lines[place], re.split("[:：]", lines[place], maxsplit=1)[-1]])
            stem = next((part for part in parts if part in self._short), None)
            if stem is not None:
                after = normalise_texts(["".join(lines[place + 1 :])])[0]
                return None if self._found(after) >= 0 else self._question_of[stem]
        return None

    def shares(self, texts: Sequence[str]) -> tuple[float, float]:
        """The share of the texts that hold a stem, and of those that are one."""
        whole = sum(text in self._question_of for text in normalise_texts(texts))
        return float(np.mean(self.find(texts) >= 0)), whole / len(texts)

    def groups(self) -> dict[int, list[int]]:
        """First question -> all questions with its stem, where there are several."""
        groups: dict[int, list[int]] = {}
        for row, stem in enumerate(self._stems):
            first = self._question_of[stem]
            if first != row:
                groups.setdefault(first, [first]).append(row)
        return groups

    def _found(self, text: str) -> int:
        exact = self._question_of.get(text)
        if exact is not None:
            return exact
        # Of stems inside a prompt the last one counts, after few-shot examples; where one holds another, the longer.
        best, best_end = -1, (-1, 0)
        for place in range(len(text) - _ANCHOR + 1):
            for row in self._anchors.get(text[place : place + _ANCHOR], ()):
                stem = self._stems[row]
                if text.startswith(stem, place) and (place + len(stem), len(stem)) > best_end:
                    best, best_end = row, (place + len(stem), len(stem))
        return best


def _by_question(
    exam: Exam, keys: JoinKeys, stems: Stems, found: NDArray[np.int64], by_place: Join | None
) -> Join:
    remarks: list[str] = []
    question_of = found.copy()
    groups = stems.groups()
    consistent = None
    if by_place is not None:
        both = (found >= 0) & (by_place.question_of >= 0)
        first_of = np.arange(len(exam))
        for first, rows in groups.items():
            first_of[rows] = first
        same = first_of[by_place.question_of[both]] == found[both]
        if both.any() and float(np.mean(same)) >= AGREEING:
            consistent = by_place
            question_of[found < 0] = by_place.question_of[found < 0]
        elif keys.ids is not None and both.any():
            remarks.append(
                f"the {by_place.by}s contradict {int((~same).sum())} question texts; the texts decide"
            )
    by_order: list[int] = []
    by = "question"
    if groups and np.isin(found, list(groups)).any():
        by = "question and options" if keys.options is not None else by
        by_order = _tell_apart(exam, keys, question_of, groups, consistent)
    return Join(by, question_of, by_order, remarks)


def _tell_apart(
    exam: Exam,
    keys: JoinKeys,
    question_of: NDArray[np.int64],
    groups: dict[int, list[int]],
    by_id: Join | None,
) -> list[int]:
    """Give the rows of a shared stem to its questions: by options, ids or order; the questions told by order."""
    options_of: dict[int, frozenset[str]] = {
        row: frozenset(normalise_texts(exam.options(row))) for rows in groups.values() for row in rows
    }
    counts: dict[tuple[int, frozenset[str] | None, str], int] = {}
    by_order = set()
    for row in np.flatnonzero(np.isin(question_of, list(groups))).tolist():
        members = groups[int(question_of[row])]
        if by_id is not None and int(by_id.question_of[row]) in members:
            question_of[row] = by_id.question_of[row]
            continue
        shown = frozenset(normalise_texts(keys.options[row])) if keys.options is not None else frozenset()
        fitting = [member for member in members if options_of[member] == shown] if shown else []
        fitting = fitting or members
        if len(fitting) > 1:
            key = (int(question_of[row]), shown or None, keys.groups[row] if keys.groups is not None else "")
            place = counts.get(key, 0)
            counts[key] = place + 1
            question_of[row] = fitting[place % len(fitting)]
            by_order.add(int(question_of[row]))
        else:
            question_of[row] = fitting[0]
    return sorted(by_order)


def _by_id(exam: Exam, keys: JoinKeys, places: Places) -> Join | None:
    """By the exam's ids or their numbers, or by positions where the ids count the rows of the exam's file."""
    if keys.ids is None:
        return None
    ids = [plain_id(value) for value in keys.ids]
    own = [plain_id(name) for name in exam.ids]
    question_of = _places_among(ids, own)
    if (question_of >= 0).all():
        return Join("id", question_of)
    known = Join("id", question_of) if (question_of >= 0).any() else None
    numbers = None if are_of_server(ids, keys.id_column) or _other_split(exam, ids) else numbers_of(ids)
    if numbers is None or (known is not None and not all(value.isdecimal() for value in ids)):
        return known
    if restarts(numbers, keys.groups, places.n):
        raise InputError(
            f"every id from {min(numbers)} to {max(numbers)} occurs several times and {places.n - len(set(numbers))} "
            "questions have none: an index that restarts, or several replies to the first questions; give the exam's "
            f"ids ({exam.ids[0]}, …) or the question texts"
        )
    by_position = by_number = None
    base = position_base(numbers, places.n)
    if base is not None:
        question_at = np.full(places.n, -1, dtype=np.int64)
        question_at[places.rows] = np.arange(len(exam))
        remark = f"the ids count the exam's rows from {base}"
        by_position = Join("position", question_at[np.array(numbers) - base], remarks=[remark])
    own_numbers = numbers_of(own)
    if known is None and own_numbers is not None and sorted(set(numbers)) == sorted(own_numbers):
        found = _places_among(numbers, own_numbers)
        remark = f"ids are joined by their numbers ({keys.ids[0]} is {exam.ids[int(found[0])]})"
        by_number = Join("id", found, remarks=[remark])
    if by_position and by_number and (by_position.question_of != by_number.question_of).any():
        raise InputError(
            f"ids such as {keys.ids[0]!r} may be positions or the numbers of the exam's ids "
            f"({exam.ids[0]}, …); give the exam's ids as they are"
        )
    return by_position or by_number or known


def _other_split(exam: Exam, ids: Sequence[str]) -> tuple[str, str] | None:
    """The split that ids name and the exam's, where these differ; numbers are no positions then."""
    names = split_named(ids), split_named(exam.ids)
    return (names[0], names[1]) if names[0] and names[1] and names[0] != names[1] else None


def _places_among(values: Sequence[object], known: Sequence[object]) -> NDArray[np.int64]:
    place_of = {value: place for place, value in enumerate(known)}
    return np.array([place_of.get(value, -1) for value in values], dtype=np.int64)


def _by_order(exam: Exam, keys: JoinKeys, places: Places) -> Join | None:
    ids = list(map(plain_id, keys.ids or ()))
    of_server = bool(ids) and are_of_server(ids, keys.id_column)
    if not (count_up(ids) or of_server) or keys.n not in (len(exam), places.n):
        return None
    remarks = []
    if of_server:
        remarks.append(
            f"warning: ids such as {ids[0][:20]} are a server's and name no question; the rows are assumed to be in the "
            "exam's order"
        )
    if keys.n == len(exam):
        return Join("row number", np.arange(len(exam), dtype=np.int64), remarks=remarks)
    question_of = np.full(keys.n, -1, dtype=np.int64)
    question_of[places.rows] = np.arange(len(exam))
    remarks.append(f"{keys.n - len(exam)} rows belong to questions that the exam goes without")
    return Join("row number", question_of, remarks=remarks)


def _why_not(exam: Exam, keys: JoinKeys, places: Places) -> str:
    other = _other_split(exam, list(map(plain_id, keys.ids or ())))
    if other is not None and keys.ids:
        return (
            f"ids such as {keys.ids[0]!r} are of the split {other[0]}, but the exam is {other[1]} ({exam.ids[0]}, …); give "
            f"the questions of {other[0]} as `exam` or with `split={other[0]!r}`, or a column with the question texts"
        )
    left_out = f" ({places.n} rows in its file)" if places.n != len(exam) else ""
    found = [f"{keys.n} rows for {len(exam)} questions{left_out}"]
    if keys.ids is not None and keys.n:
        found.append(f"ids such as {str(keys.ids[0])!r} where the exam has {exam.ids[0]!r}")
    if keys.questions is not None and keys.n:
        found.append(f"no question of the exam in its question column (first: {keys.questions[0][:30]!r})")
    return (
        f"the rows do not match the exam: {'; '.join(found)}; "
        "give a column with the exam's ids, the question texts, or one row a question in order"
    )


def map_back(mask: int, shown: Sequence[str], options: Sequence[str]) -> int:
    """A bit mask over the options as shown as one over the exam's, by their texts.

    Texts are compared without blanks and full-width forms, and where that finds nothing without punctuation and case
    too. 0 where a letter is beyond the shown options, or its text is not exactly one of the exam's options.

    >>> map_back(0b101, ["青霉素", "吗啡", "头孢拉定"], ["头孢拉定", "青霉素", "吗啡"])
    3
    >>> map_back(1, ["维生素"], ["头孢拉定", "青霉素"])
    0
    """
    mapped = 0
    for place in (place for place in range(len(LETTERS)) if mask >> place & 1):
        found = places_of_text(shown[place], options) if place < len(shown) else []
        if len(found) != 1:
            return 0
        mapped |= 1 << found[0]
    return mapped


def places_of_text(text: str, options: Sequence[str]) -> list[int]:
    """The places of the options with this text, compared as `map_back` does."""
    for alike in (fold_texts, normalise_texts):
        wanted, *texts = alike([text, *options])
        places = [place for place, each in enumerate(texts) if each == wanted and wanted]
        if places:
            return places
    return []


def same_options(shown: Iterable[str], options: Sequence[str]) -> bool:
    """Whether two lists hold the same texts in any order, punctuation and repetition aside."""
    return set(normalise_texts(list(shown))) == set(normalise_texts(options))
