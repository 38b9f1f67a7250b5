"""An answer key in a file of its own, for an exam file that comes without answers."""

from __future__ import annotations

from collections.abc import Sequence

from cmexam_baseline.exam.bad_rows import excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.columns import ALIASES, find_columns, first_named
from cmexam_baseline.exam.io.table import Table, cell_text


def add_answers(table: Table, key: Table, file: str, key_file: str) -> tuple[Table, str]:
    """The table with the answers of a key in its column Answer, and how they were matched, in one line.

    Rows are matched by id where both tables have one, else by position where they are equally long. A question that
    the key lacks stays without an answer.

    Raises `InputError` where the exam has answers of its own, where the key has no answers or two for one id, or where
    no row matches.

    >>> exam = Table({"id": [1, 2], "question": ["甲", "乙"]}, range(1, 3))
    >>> table, how = add_answers(exam, Table({"id": [2, 1], "answer": ["B", "A"]}, range(1, 3)), "exam", "key")
    >>> table.columns["Answer"], how
    (['A', 'B'], 'key: 2 of 2 questions answered, matched by id')
    """
    roles, key_roles = find_columns(list(table.columns)), find_columns(list(key.columns))
    own = roles.get("answer")
    if own is not None and any(cell_text(cell).strip() for cell in table.columns[own]):
        raise InputError(f"{file} has answers of its own in column {own!r}; omit `key`")
    if "answer" not in key_roles:
        found = excerpt_of(", ".join(key.columns), 200)
        raise InputError(f"{key_file} has no column of answers (found: {found}); name it Answer")
    answers = key.columns[key_roles["answer"]]
    ids = _ids(table, roles), _ids(key, key_roles)
    if ids[0] is not None and ids[1] is not None:
        matched = _by_id(ids[0], ids[1], answers, file, key_file)
        how = "id"
    elif len(table.rows) == len(key.rows):
        matched, how = list(answers), "position"
    else:
        raise InputError(
            f"{key_file} has {len(key.rows)} answers for {len(table.rows)} questions of {file}, and no column id to "
            "match them by; give both an id"
        )
    columns = {name: cells for name, cells in table.columns.items() if name != own}
    n_answered = sum(1 for answer in matched if cell_text(answer).strip())
    return (
        Table({**columns, "Answer": matched}, table.rows, table.damaged, table.form),
        f"{key_file}: {n_answered} of {len(matched)} questions answered, matched by {how}",
    )


def _ids(table: Table, roles: dict[str, str]) -> list[str] | None:
    name = roles.get("id") or first_named(table.columns, [*ALIASES["id"], "uuid", "index", "idx"])
    return None if name is None else [cell_text(cell).strip() for cell in table.columns[name]]


def _by_id(
    ids: Sequence[str], key_ids: Sequence[str], answers: Sequence[object], file: str, key_file: str
) -> list[object]:
    answer_of: dict[str, object] = {}
    for name, answer in zip(key_ids, answers, strict=True):
        if name in answer_of and answer_of[name] != answer:
            raise InputError(f"{key_file} has two answers for id {name!r}; remove one")
        answer_of[name] = answer
    if not any(name in answer_of for name in ids):
        raise InputError(
            f"no id of {file} ({', '.join(ids[:3])}, …) is in {key_file} ({', '.join(key_ids[:3])}, …); give the key of "
            "this exam"
        )
    return [answer_of.get(name) for name in ids]
