"""Tables in the forms of other Chinese (and English) exam sets as one in the published columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.foreign_exams.records import (
    ANSWER_NAMES,
    ID_NAMES,
    OPTIONS_NAMES,
    QUESTION_NAMES,
    OtherRow,
    has_options,
    read_answers,
    read_record,
)
from cmexam_baseline.exam.io.columns import column_key, find_columns, first_named, other_keys, refuse_two_keys
from cmexam_baseline.exam.io.options_cell import option_list, parse_options, split_options
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.letters import mask_to_letters

Record = Mapping[str, Any]

_SHARED = [
    *("share content", "shared content", "shared stem", "shared options", "common stem", "common options"),
    *("共用题干", "共用备选答案", "共用选项", "病例", "case"),
]
_NESTED = ["question", "questions", "sub questions", "subquestions", "items", "小题", "子题"]
_NESTED_KEYS = frozenset(map(column_key, _NESTED))
# Around nested questions, these hold the shared stem, too.
_SHARED_AROUND = [
    *("content", "passage", "material", "context", "background", "description", "材料", "题干材料")
]
_SUB_QUESTION = ["sub question", "subquestion", "小题", *QUESTION_NAMES]
# "（1～3题共用备选答案）", with or without the numbers of its questions.
_HEADING = re.compile(
    r"(?P<open>[（(【\[])?\s*第?(?:(?P<first>\d+)\s*[-－–—~～至到]+\s*(?P<last>\d+)\s*)?题?\s*"
    r"共用(?P<what>备选答案|选项|题干|病例)(?(open)\s*[)）】\]]|(?(first)|(?=\s*[:：\n])))\s*[:：]?\s*"
)
_NUMBER = re.compile(r"^\s*(?:问题)?\s*[（(]?(?P<number>\d{1,3})\s*[)）.．、:：]+\s*")


def read_other_table(
    table: Table, index_base: int | None = None, name: str = "question"
) -> tuple[Table, list[str]]:
    """The published columns of a table in another set's form, and notes on what was made of it.

    Cells that cannot be read stay as they were, so that the checks of every exam name them. `name` is what ids of
    questions that share a record begin with.
    """
    names = list(table.columns)
    cells = zip(*table.columns.values(), strict=True)
    grouped = expand_groups([dict(zip(names, row, strict=True)) for row in cells])
    rows = [read_record(record) for _, record in grouped]
    numbers = [table.rows[index] for index, _ in grouped]
    firsts = [row.answers[0] if row.answers else None for row in rows]
    masks, answer_format = read_answers(firsts, [row.options for row in rows], index_base)
    letters = [
        mask_to_letters(mask) if mask is not None else cell_text(answer)
        for mask, answer in zip(masks, firsts, strict=True)
    ]
    if len(rows) == len(table.rows):
        _refuse_two_keys(table, rows, masks, index_base)
    _mark_contradictions(rows, masks, letters, index_base)
    columns: dict[str, list[object]] = {}
    if any(row.id for row in rows) or len(rows) > len(table.rows):
        columns["id"] = _ids(rows, numbers, name)
    columns["Question"] = [row.question for row in rows]
    columns["Options"] = [option_list(row.options) for row in rows]
    columns["Answer"] = list(letters)
    columns["Explanation"] = [row.explanation for row in rows]
    taken = list(columns)
    for column in dict.fromkeys(name for row in rows for name in row.annotations):
        # Read again, an annotation must not be taken for a question, an answer or an id.
        clashes = column in taken or find_columns([*taken, column]) != find_columns(taken)
        columns[f"source {column}" if clashes else column] = [row.annotations.get(column, "") for row in rows]
    notes = _notes(rows, answer_format)
    if len(rows) > len(table.rows):
        notes.append(f"{len(table.rows)} records with shared stems or options became {len(rows)} questions")
    return Table(columns, numbers, table.damaged), notes


def _ids(rows: Sequence[OtherRow], numbers: Sequence[int], name: str) -> list[object]:
    """The ids of the rows; of several questions in one record, those without an id are numbered within it."""
    counts = Counter(numbers)
    place: Counter[int] = Counter()
    ids: list[object] = []
    for row, number in zip(rows, numbers, strict=True):
        place[number] += 1
        ids.append(row.id or (f"{name}-{number}-{place[number]}" if counts[number] > 1 else ""))
    return ids


def _refuse_two_keys(
    table: Table, rows: Sequence[OtherRow], masks: Sequence[int | None], index_base: int | None
) -> None:
    """Raise `InputError` where another column that is named like the key contradicts it."""
    key = first_named(table.columns, ANSWER_NAMES)
    for name in other_keys(table.columns, key) if key else ():
        cells = table.columns[name]
        if column_key(name) == "label":  # numbers are as often a difficulty
            cells = [cell if isinstance(cell, str) and not cell.isdecimal() else None for cell in cells]
        try:
            others, _ = read_answers(cells, [row.options for row in rows], index_base)
        except InputError:  # numbers that leave open what they count from
            continue
        refuse_two_keys(str(key), name, table.rows, masks, others)


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


def _notes(rows: Sequence[OtherRow], answer_format: str) -> list[str]:
    notes = [f"answers read as {answer_format}"]
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


def expand_groups(records: Sequence[Record]) -> list[tuple[int, Record]]:
    """The questions among `records`, each with the index of the record that it comes from.

    A record that holds its questions in a list becomes one record per question, with the shared stem before each
    stem, or the shared options where a question has none. A heading in the text (`（1～3题共用备选答案）`) does the
    same for the records that follow. Other records are kept as they are.

    >>> group = {"share_content": "（共用备选答案）\\nA.芡实\\nB.莲子", "question": [{"sub_question": "1)．止汗的是"}]}
    >>> expand_groups([group])
    [(0, {'question': '止汗的是', 'options': ['芡实', '莲子']})]
    """
    found: list[tuple[int, Record]] = []
    heading = _Heading()
    for index, record in enumerate(records):
        nested = next(
            (name for name in record if column_key(name) in _NESTED_KEYS and _are_questions(record[name])),
            None,
        )
        if nested is not None:
            found += [(index, question) for question in _nested_questions(record, nested)]
        elif (shared := _field(record, _SHARED)) is not None and _field(record, QUESTION_NAMES) is not None:
            rest = {name: value for name, value in record.items() if name != shared}
            found.append((index, _with_shared(rest, record[shared])))
        else:
            found.append((index, heading.applied(record)))
    return found


def _nested_questions(record: Record, nested: str) -> Iterator[Record]:
    around = [
        name
        for name in (*_SHARED, *QUESTION_NAMES, *_SHARED_AROUND)
        if column_key(name) != column_key(nested)
    ]
    shared = _field(record, around)
    options = _field(record, OPTIONS_NAMES)
    identity = _field(record, ID_NAMES)
    own = {name: value for name, value in record.items() if name not in (nested, shared, options, identity)}
    for number, question in enumerate(record[nested], 1):
        fields = {**own, **question}
        asked = _field(question, _SUB_QUESTION)
        if asked is not None:
            text = cell_text(fields.pop(asked))
            fields = {"question": _NUMBER.sub("", text, count=1), **fields}
        if options is not None and not has_options(fields):
            fields["options"] = record[options]
        if identity is not None and _field(question, ID_NAMES) is None:
            fields[identity] = f"{cell_text(record[identity])}-{number}"
        yield _with_shared(fields, record[shared] if shared is not None else "")


def _with_shared(fields: Record, shared: object) -> Record:
    name = _field(fields, QUESTION_NAMES)
    if name is None:
        return fields
    if isinstance(shared, Mapping | list):
        return fields if has_options(fields) else {**fields, "options": shared}
    text = _HEADING.sub("", cell_text(shared), count=1).strip()
    split = split_options(text)
    options = split.options if split is not None else []
    if not options and len(parse_options(text)) > 1:
        options, text = parse_options(text), ""
    stem = "\n".join(filter(None, [split.stem if split is not None else text, cell_text(fields[name])]))
    without = not has_options(fields) and split_options(cell_text(fields[name])) is None
    return {**fields, name: stem} | ({"options": options} if options and without else {})


class _Heading:
    """A heading in the text of a record, and the records that it counts for."""

    def __init__(self) -> None:
        self.last = 0
        self.stem = ""
        self.options: list[str] = []

    def applied(self, record: Record) -> Record:
        """The record with what the last heading shares; a record with a heading begins a new group."""
        name = _field(record, QUESTION_NAMES)
        text = cell_text(record[name]) if name is not None else ""
        match = _HEADING.match(text.lstrip())
        if name is None or (match is None and not self.last):
            return record
        if match is not None:
            self.last = int(match["last"] or 0)
            return self._begun(record, name, text.lstrip()[match.end() :], match)
        number = _NUMBER.match(text)
        if number is None or int(number["number"]) > self.last:
            self.last = 0
            return record
        fields = {**record, name: "\n".join(filter(None, [self.stem, text[number.end() :]]))}
        return fields | ({} if has_options(record) or not self.options else {"options": self.options})

    def _begun(self, record: Record, name: str, text: str, match: re.Match[str]) -> Record:
        self.stem, self.options = "", []
        if match["what"] in ("题干", "病例"):
            asked = (
                re.search(rf"(?:^|[\s。])\s*{match['first']}\s*[.．、)）]\s*", text)
                if match["first"]
                else None
            )
            if asked is None:
                return {**record, name: text}
            self.stem = text[: asked.start()].strip() + ("。" if text[asked.start()] == "。" else "")
            return {**record, name: f"{self.stem}\n{text[asked.end() :]}"}
        split = split_options(text)
        if split is None or not split.rest:
            return record
        self.options = split.options
        return {**record, name: _NUMBER.sub("", split.rest, count=1), "options": self.options}


def _are_questions(value: object) -> bool:
    parts = value if isinstance(value, list) else []
    asked = [isinstance(part, Mapping) and _field(part, _SUB_QUESTION) is not None for part in parts]
    return bool(asked) and all(asked)


def _field(record: Record, names: Sequence[str]) -> str | None:
    """The name in `record` of the first of `names` that has a value there."""
    return first_named((name for name, value in record.items() if value not in (None, "")), names)
