"""Which column of a prediction file holds the answer, the explanation, the id."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cmexam_baseline.exam.bad_rows import excerpt_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.columns import column_key, find_option_columns, first_named
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, parse_letters

# Role -> names, the more telling first. Case, width, blanks, "_" and "-" do not matter.
NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "custom id", "question id", "qid", "uid", "idx", "index", "doc id", "row",
        "编号", "题号", "序号",
    ),
    "question": ("question", "question text", "stem", "题目", "题干", "问题", "doc.question", "query"),
    "options": ("options", "choices", "选项", "doc.options"),
    "answer": (
        "predicted answer", "predict answer", "prediction answer", "model answer", "answer prediction",
        "pred answer", "extracted answer", "parsed answer", "prediction", "predictions", "pred", "preds",
        "predicted", "model prediction", "预测答案", "模型答案", "choice", "answer letter",
    ),
    "raw": (
        "model result", "raw output", "model output", "output", "outputs", "response", "responses",
        "model response", "generated text", "generation", "generated", "completion", "reply", "llm output",
        "model reply", "text", "content", "resps", "filtered resps", "raw prediction", "raw", "result",
        "response.body.choices.0.message.content", "response.choices.0.message.content",
        "choices.0.message.content", "message.content", "模型输出", "模型回答", "回答", "回复", "输出",
    ),
    "explanation": (
        "predicted explanation", "predict explanation", "model explanation", "explanation prediction",
        "generated explanation", "explanation", "rationale", "reasoning",
        "解析", "答案解析", "模型解析", "解释",
    ),
    "reference": (
        "reference", "references", "reference explanation", "gold explanation", "参考解析",
    ),
}  # fmt: skip
# A file of our own, or one that says no more: "answer" is then what the model said.
LAST_RESORT = {"answer": ("answer", "answers", "答案", "选择", "letter", "label")}
GOLD = re.compile(
    r"gold|^answer|^correct|answer$|label|target|reference|ground ?truth|正确|标准|参考|^答案", re.IGNORECASE
)
# Names under which an explanation may be the model's or the exam's own.
EITHER_EXPLANATION = ("explanation", "rationale", "解析", "答案解析", "解释")
PROBABILITY = re.compile(r"(?:probability|prob|p|概率)[ _\-.]?([A-J])", re.IGNORECASE)

# A column is one of letters if so many of its filled cells are; free text never comes near.
LETTER_SHARE = 0.8
SAMPLE = 400


@dataclass(frozen=True)
class ColumnChoice:
    """Columns named by the user; None = recognise."""

    id: str | None = None
    question: str | None = None
    options: str | None = None
    answer: str | None = None
    raw: str | None = None
    explanation: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Recognition:
    """What was taken for what: role -> column, letter -> column of its probability, one column a system.

    `systems` is filled for a wide file only: its columns hold the answers of one model each.
    `explanation_may_be_gold`: the right answers stand beside the model's, so that a column called just
    "explanation" may be either's; its content will tell.
    """

    roles: dict[str, str]
    option_columns: list[str] = field(default_factory=list)
    probabilities: dict[str, str] = field(default_factory=dict)
    systems: list[str] = field(default_factory=list)
    explanation_may_be_gold: bool = False

    def describe(self) -> str:
        """One line for people.

        >>> Recognition({"answer": "pred", "id": "question_id"}).describe()
        'answer = pred; id = question_id'
        """
        parts = [f"{role} = {column}" for role, column in self.roles.items()]
        if self.probabilities:
            parts.append(f"probabilities = {', '.join(self.probabilities.values())}")
        if self.systems:
            parts.append(f"one system a column = {', '.join(self.systems)}")
        return "; ".join(parts)


def recognise(columns: Mapping[str, Sequence[object]], file: str, chosen: ColumnChoice) -> Recognition:
    """Find the columns of a prediction file by their names, and systems of a wide file by their content.

    columns: name -> cells. Raises `InputError` where a named column is missing or nothing holds answers.

    >>> recognise({"qid": ["1"], "generated_text": ["答案是B"]}, "a.csv", ColumnChoice()).roles
    {'id': 'qid', 'raw': 'generated_text'}
    >>> wide = {"question": ["甲？"], "gold": ["A"], "gpt": ["A"], "qwen": ["BC"]}
    >>> recognise(wide, "a.csv", ColumnChoice()).systems
    ['gpt', 'qwen']
    """
    roles = _roles_by_name(columns, file, chosen)
    probabilities = _probability_columns(columns)
    option_columns = [] if "options" in roles else _option_columns(columns)
    may_be_gold = chosen.explanation is None and _has_gold_beside(columns, roles)
    found = Recognition(roles, option_columns, probabilities, explanation_may_be_gold=may_be_gold)
    if {"answer", "raw"} & set(roles):
        return found
    systems = _letter_columns(columns, taken=set(roles.values()) | set(option_columns))
    if systems:
        roles.pop("explanation", None)
        return Recognition(roles, option_columns, {}, systems)
    last_resort = first_named(columns, LAST_RESORT["answer"])
    if last_resort is not None:
        return Recognition(roles | {"answer": last_resort}, option_columns, probabilities)
    if probabilities or "explanation" in roles:
        return found
    shown = ", ".join(list(columns)[:12]) + (", …" if len(columns) > 12 else "")
    raise InputError(
        f"{file} has no column that looks like a model's answers (found: {excerpt_of(shown, 300)}); "
        "name it with --answer-column or --raw-column"
    )


def _roles_by_name(
    columns: Mapping[str, Sequence[object]], file: str, chosen: ColumnChoice
) -> dict[str, str]:
    roles = {}
    taken: set[str] = set()
    for role in NAMES:
        named = getattr(chosen, role)
        if named is not None:
            if named not in columns:
                raise InputError(f"{file} has no column {named!r}{_did_you_mean(named, columns)}")
            roles[role] = named
            taken.add(named)
    for role, names in NAMES.items():
        # Whoever names the answer does not want another column to be read beside it.
        if role in roles or (role in ("answer", "raw") and {"answer", "raw"} & {*_named(chosen)}):
            continue
        column = first_named({name: columns[name] for name in columns if name not in taken}, names)
        if column is not None:
            roles[role] = column
            taken.add(column)
    if "answer" in roles and not _named(chosen) & {"answer"} and not _holds_letters(columns[roles["answer"]]):
        # "prediction" may hold a whole reply as well as a letter.
        roles.setdefault("raw", roles["answer"])
        del roles["answer"]
    return roles


def _has_gold_beside(columns: Mapping[str, object], roles: Mapping[str, str]) -> bool:
    if column_key(roles.get("explanation", "")) not in map(column_key, EITHER_EXPLANATION):
        return False
    others = [name for name in columns if name not in roles.values()]
    plain = {column_key(name) for name in LAST_RESORT["answer"]}
    return any(column_key(name) in plain or GOLD.search(name) for name in others)


def _named(chosen: ColumnChoice) -> set[str]:
    return {role for role in NAMES if getattr(chosen, role) is not None}


def _probability_columns(columns: Mapping[str, Sequence[object]]) -> dict[str, str]:
    found = {}
    for name in columns:
        match = PROBABILITY.fullmatch(name.strip())
        if match:
            found[match.group(1).upper()] = name
    in_order = {letter: found[letter] for letter in LETTERS if letter in found}
    # One lone "p_C" says nothing; a run from A on does.
    return in_order if len(in_order) > 1 and list(in_order) == list(LETTERS[: len(in_order)]) else {}


def _option_columns(columns: Mapping[str, Sequence[object]]) -> list[str]:
    found = find_option_columns(list(columns))
    return found if len(found) > 1 and not all(_holds_letters(columns[name]) for name in found) else []


def _letter_columns(columns: Mapping[str, Sequence[object]], taken: set[str]) -> list[str]:
    return [
        name
        for name, cells in columns.items()
        if name not in taken and not GOLD.search(name) and _holds_letters(cells)
    ]


def _holds_letters(cells: Sequence[object]) -> bool:
    sample = [text for text in (cell_text(cell).strip() for cell in cells[:SAMPLE]) if text]
    letters = [text for text in sample if len(text) <= 15 and parse_letters(text)]
    return bool(sample) and len(letters) >= LETTER_SHARE * len(sample)


def _did_you_mean(named: str, columns: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(named, list(columns), n=1)
    return (
        f"; did you mean {close[0]!r}?"
        if close
        else f"; it has {excerpt_of(', '.join(list(columns)[:12]), 300)}"
    )
