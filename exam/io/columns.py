"""Which column of a file holds what: names that people use for questions, options, answers; and answer keys."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile

from cmexam_baseline.exam.errors import InputError, excerpt_of
from cmexam_baseline.exam.io.table import Table, cell_text
from cmexam_baseline.exam.letters import LETTERS, mask_to_letters

PUBLISHED_NAMES = {"id": "id"} | {
    name.lower(): name for name in ("Question", "Options", "Answer", "Explanation")
}

# Names that people use, the more telling first; case, width, blanks, "_" and "-" do not matter.
# The published name itself always goes first. MedQA's `answer_idx` holds the letter, its `answer` the text.
ALIASES = {
    "id": ["id", "question id", "qid", "uid", "编号", "题号", "序号"],
    "question": ["question", "questions", "stem", "question stem", "题目", "题干", "问题", "试题"],
    "options": ["options", "option", "choices", "choice", "选项", "备选答案", "备选项"],
    "answer": [
        *("answer idx", "answer", "answers", "correct answer", "gold", "gold answer", "label"),
        *("答案", "正确答案", "参考答案", "标准答案"),
    ],
    "explanation": ["explanation", "explanations", "rationale", "analysis", "解析", "答案解析", "解释"],
}

# Columns of these names hold the key, too; a second one may be a model's answers.
_KEYS = [
    *(name for name in ALIASES["answer"] if name != "answer idx"),
    *(
        "answer key",
        "right answer",
        "true answer",
        "reference answer",
        "gold label",
        "ground truth",
        "gt",
        "gt answer",
    ),
    *("correct", "correct option", "correct index", "correct idx", "target", "key"),
]

# Some files give every option a column of its own.
_OPTION_COLUMNS = [
    [pattern.format(letter) for pattern in ("{}", "option {}", "opt {}", "选项{}")] for letter in LETTERS
]


def find_columns(names: Sequence[str]) -> dict[str, str]:
    """Role -> column for the roles id, question, options, answer and explanation that `names` hold.

    What is not found is left out.
    """
    found = {
        role: PUBLISHED_NAMES[role] if PUBLISHED_NAMES[role] in names else first_named(names, aliases)
        for role, aliases in ALIASES.items()
    }
    return {role: column for role, column in found.items() if column is not None}


def find_option_columns(names: Sequence[str]) -> list[str]:
    """The columns "A", "B", … (or "option A", "选项A") in order, as far as they go.

    >>> find_option_columns(["Question", "A", "B", "C", "Answer"])
    ['A', 'B', 'C']
    """
    columns = (first_named(names, aliases) for aliases in _OPTION_COLUMNS)
    return list(filter(None, takewhile(bool, columns)))


def other_keys(names: Iterable[str], key: str) -> list[str]:
    """The columns beside `key` that are named like an answer key; not an answer's text beside its number or letter.

    >>> other_keys(["question", "answer", "correct_answer"], "answer"), other_keys(["answer_idx", "answer"], "answer_idx")
    (['correct_answer'], [])
    """
    paired = {"answer"} if re.search("i(nde|d)x$|^cop$", column_key(key)) else set()
    others = set(map(column_key, _KEYS)) - paired - {column_key(key)}
    return [name for name in names if column_key(name) in others]


def refuse_two_keys(
    key: str, name: str, numbers: Sequence[int], masks: Sequence[int | None], others: Sequence[int | None]
) -> None:
    """Raise `InputError` where two columns that are named like the key give different answers in any of the numbered rows."""
    pairs = [(row, *pair) for row, *pair in zip(numbers, masks, others, strict=True) if all(pair)]
    differ = [(row, one, other) for row, one, other in pairs if one != other]
    if differ:
        row, one, other = differ[0]
        letters = " and ".join(mask_to_letters(mask or 0) for mask in (one, other))
        raise InputError(
            f"{key} and {name} are both named like the answer key and differ in {len(differ)} of {len(pairs)} rows (first: row "
            f"{row}, {letters}); rename the column that is not the key, for example to model_answer"
        )


def refuse_missing(roles: Iterable[str], names: Sequence[str], file: str) -> None:
    """Raise `InputError` if `roles` is not empty: these columns were not found among `names`."""
    missing = [PUBLISHED_NAMES[role] for role in roles]
    if not missing:
        return
    found = excerpt_of(", ".join(names), 200)
    raise InputError(
        f"{file} has no column {' and no column '.join(missing)}{_hint(roles, names)}; found: {found}; "
        f"rename the header to {', '.join(name for role, name in PUBLISHED_NAMES.items() if role != 'id')}"
    )


def _hint(roles: Iterable[str], names: Sequence[str]) -> str:
    by_key = _by_key(names)
    for role in roles:
        for alias in ALIASES[role]:
            close = difflib.get_close_matches(column_key(alias), list(by_key), n=1, cutoff=0.75)
            if close:
                return f" (did you mean {by_key[close[0]]!r} as {PUBLISHED_NAMES[role]}?)"
    return ""


def first_named(columns: Iterable[str], names: Iterable[str]) -> str | None:
    """The column that has the first of `names` that any has, by `column_key`; of several columns the first."""
    by_key = _by_key(columns)
    return next((by_key[key] for key in map(column_key, names) if key in by_key), None)


@lru_cache(maxsize=4096)
def column_key(name: str) -> str:
    """What a column's name is compared by: without case, width, blanks, "_" and "-".

    >>> column_key("Ｑuestion_ID")
    'questionid'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if not (char.isspace() or char in "_-"))


def _by_key(columns: Iterable[str]) -> dict[str, str]:
    by_key: dict[str, str] = {}
    for column in columns:
        by_key.setdefault(column_key(column), column)
    return by_key


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
        Table({**columns, "Answer": matched}, table.rows, table.damaged, table.file_format),
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
