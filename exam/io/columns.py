"""Which column of a file holds what: names that people use for questions, options, answers."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence

from cmexam_baseline.exam.bad_rows import excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS

PUBLISHED_NAMES = {
    "id": "id",
    "question": "Question",
    "options": "Options",
    "answer": "Answer",
    "explanation": "Explanation",
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

# Some files give every option a column of its own.
_OPTION_COLUMNS = [
    [pattern.format(letter) for pattern in ("{}", "option {}", "opt {}", "选项{}")] for letter in LETTERS
]


def find_columns(names: Sequence[str]) -> dict[str, str]:
    """Role -> column for the roles id, question, options, answer and explanation that `names` hold.

    What is not found is left out.

    >>> find_columns(["题目", "选项", "正确答案", "difficulty"])
    {'question': '题目', 'options': '选项', 'answer': '正确答案'}
    """
    found = {}
    for role, aliases in ALIASES.items():
        published = PUBLISHED_NAMES[role]
        column = published if published in names else first_named(names, aliases)
        if column is not None:
            found[role] = column
    return found


def find_option_columns(names: Sequence[str]) -> list[str]:
    """The columns "A", "B", … (or "option A", "选项A") in order, as far as they go.

    >>> find_option_columns(["Question", "A", "B", "C", "Answer"])
    ['A', 'B', 'C']
    """
    columns = []
    for aliases in _OPTION_COLUMNS:
        column = first_named(names, aliases)
        if column is None:
            break
        columns.append(column)
    return columns


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
    """The column that has the first of `names` that any has, by `column_key`; of several columns the first.

    >>> first_named(["Model_Answer", "id"], ["prediction", "model answer"])
    'Model_Answer'
    """
    by_key = _by_key(columns)
    return next((by_key[key] for key in map(column_key, names) if key in by_key), None)


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
