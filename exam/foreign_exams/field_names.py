"""Which field of a record of another exam set holds the question, the options, the answer.

The names are those of public sets (MedQA, MedMCQA, CMB, CMMLU, C-Eval, MMLU, MLEC-QA, TCMBench, CNMLEQA,
CMExam's mirrors) and of the chat and instruction forms that models are tuned with.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cmexam_baseline.exam.io.columns import ALIASES, column_key
from cmexam_baseline.exam.io.options_cell import parse_options, split_options, without_decoration
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS

ID_NAMES = [*ALIASES["id"], "uuid"]
QUESTION_NAMES = [*ALIASES["question"], "qtext", "question text", "query", "prompt", "problem", "标题"]
OPTIONS_NAMES = [*ALIASES["options"], "candidates", "备选"]
ANSWER_NAMES = [
    *("answer index", "correct index", "cop"),
    *(name for name in ALIASES["answer"] if name != "label"),
    *("reference answer", "gt answer", "answer label", "correct option", "target", "completion", "response"),
    "label",  # often something else, such as a difficulty
]
EXPLANATION_NAMES = [*ALIASES["explanation"], "explain", "exp", "reasoning", "comment"]
OPTION_NAMES = ["{}", "op{}", "opt{}", "option {}", "choice {}", "选项{}"]

# A model's reply to the question is no part of the exam.
REPLY_NAMES = {
    *("predictanswer", "prediction", "predictedanswer", "predictedexplanation", "modelresult", "modeloutput"),
    *("modelanswer", "pred", "output", "generatedtext", "reply"),
}

_CHAT_NAMES = ("messages", "conversations", "conversation")
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "model": "assistant"}
_EXPLAINED = re.compile(
    r"^(?P<answer>.*?)[\s。.,，;；]*(?:答案)?(?:解析|解释|分析|Explanation)\s*[:：]\s*(?P<why>.*)$",
    re.S | re.I,
)


@dataclass(frozen=True)
class OtherRow:
    """One record in known places; `options` are without letters, and are [] where none were found.

    answers:     the one to read, as it was found, and a second one to check it against (MedQA gives a letter
                 and the text)
    instruction: text around the question and is no part of it
    left_out:    names of fields that are no part of an exam: a model's reply, nested values
    """

    question: str
    options: list[str]
    answers: tuple[object, ...]
    explanation: str = ""
    id: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    instruction: str = ""
    left_out: tuple[str, ...] = ()


class _Fields:
    """The fields of a record by the key of their name; what is taken does not come up again."""

    def __init__(self, record: Mapping[str, object]) -> None:
        self.left: dict[str, tuple[str, object]] = {}
        for name, value in record.items():
            if value is not None:
                key = column_key(name)
                # "answer" beside "Answer": the second keeps its own name and becomes an annotation.
                self.left[name if key in self.left else key] = (name, value)

    def take(self, names: list[str]) -> object:
        """The value of the first of `names` that is there, or None."""
        for name in names:
            if column_key(name) in self.left:
                return self.left.pop(column_key(name))[1]
        return None

    def has(self, name: str) -> bool:
        return column_key(name) in self.left


def has_options(record: Mapping[str, object]) -> bool:
    """Whether a record holds options in a field or in fields of their own.

    >>> has_options({"question": "甲", "A": "一", "B": "二"}), has_options({"question": "甲"})
    (True, False)
    """
    return len(_take_options(_Fields(record))) > 1


def read_record(record: Mapping[str, object]) -> OtherRow:
    """Question, options, answer and the rest of one record of another exam set.

    >>> row = read_record({"question": "缺维生素A致", "options": {"A": "夜盲症", "B": "癞皮病"}, "cop": 0})
    >>> row.question, row.options, row.answers
    ('缺维生素A致', ['夜盲症', '癞皮病'], (0,))
    """
    fields = _Fields(_without_turns(record))
    options = _take_options(fields)
    question = cell_text(fields.take(QUESTION_NAMES))
    instruction = ""
    if not options and (apart := split_options(question)):
        question, options, instruction = apart.stem, apart.options, apart.rest
    answers = [fields.take(ANSWER_NAMES), fields.take(["answer"])]
    explanation = cell_text(fields.take(EXPLANATION_NAMES))
    if not explanation and isinstance(answers[0], str) and (match := _EXPLAINED.match(answers[0])):
        answers[0], explanation = match["answer"], match["why"].strip()
    identity = cell_text(fields.take(ID_NAMES))
    no_annotation = [
        name
        for key, (name, value) in fields.left.items()
        if key in REPLY_NAMES or not isinstance(value, str | int | float | bool)
    ]
    return OtherRow(
        question=question.strip(),
        options=options,
        answers=tuple(answer for answer in answers if answer is not None),
        explanation=explanation,
        id=identity,
        annotations={
            name: cell_text(value) for name, value in fields.left.values() if name not in no_annotation
        },
        instruction=instruction,
        left_out=tuple(no_annotation),
    )


def _without_turns(record: Mapping[str, object]) -> Mapping[str, object]:
    """Chat and instruction forms as a record with one question text and one answer text."""
    by_key = {column_key(name): name for name in record}
    for chat in _CHAT_NAMES:
        turns = record[by_key[chat]] if chat in by_key else None
        if isinstance(turns, list):
            rest = {name: value for name, value in record.items() if name != by_key[chat]}
            return {**rest, **_last_exchange(turns)}
    if "instruction" in by_key and "output" in by_key:
        parts = [cell_text(record[by_key[name]]) for name in ("instruction", "input") if name in by_key]
        rest = {
            name: value
            for name, value in record.items()
            if column_key(name) not in ("instruction", "input", "output")
        }
        return {**rest, "question": "\n".join(filter(None, parts)), "answer": record[by_key["output"]]}
    return record


def _last_exchange(turns: list[object]) -> dict[str, object]:
    turn_of = {"user": "", "assistant": ""}
    for turn in turns:
        if isinstance(turn, Mapping):
            role = _ROLES.get(cell_text(turn.get("role", turn.get("from"))).lower(), "")
            if role:
                turn_of[role] = cell_text(turn.get("content", turn.get("value")))
    return {"question": turn_of["user"], "answer": turn_of["assistant"]}


def _take_options(fields: _Fields) -> list[str]:
    cell = fields.take(OPTIONS_NAMES)
    if cell is None or cell == "":
        options = _take_option_fields(fields)
    else:
        options = parse_options(cell) or _unusual_options(cell)
    while options and not options[-1].strip():  # CMB fills the places up to F with null or ""
        options = options[:-1]
    return options


def _take_option_fields(fields: _Fields) -> list[str]:
    """Options in fields of their own: A, B, …; opa, opb, …; choice_a, choice_b, …"""
    for form in OPTION_NAMES:
        names = [form.format(letter) for letter in LETTERS]
        if fields.has(names[0]) and fields.has(names[1]):
            texts = [cell_text(fields.take([name])) for name in names]
            while texts and not texts[-1].strip():
                texts.pop()
            return without_decoration(texts)
    return []


def _unusual_options(cell: object) -> list[str]:
    """Options as ARC has them, numbered, as Python shows a list, or one a line without letters."""
    if isinstance(cell, Mapping):
        texts = cell.get("text")
        return [cell_text(text) for text in (texts if isinstance(texts, list) else cell.values())]
    if not isinstance(cell, str):
        return []
    if cell.strip()[:1] in ("[", "{"):
        try:
            return parse_options(ast.literal_eval(cell.strip()))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return []
    apart = split_options(cell)
    lines = [line.strip() for line in cell.split("\n") if line.strip()]
    return apart.options if apart and not apart.stem else lines if len(lines) > 1 else []
