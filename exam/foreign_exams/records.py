"""Records of other exam sets: which field holds the question, the options, the answer; and how answers are read.

The names are those of public sets (MedQA, MedMCQA, CMB, CMMLU, C-Eval, MMLU, MLEC-QA, TCMBench, CNMLEQA,
CMExam's mirrors) and of the chat and instruction forms that models are tuned with.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.columns import ALIASES, column_key
from cmexam_baseline.exam.io.options_cell import any_options, options_of_cells, split_options
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, parse_letters

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

# Answers: letters, letter with text, text alone, or a number.
_LEAD = re.compile(r"^\s*(?:正确)?(?:答案|answer)\s*(?:是|为|is)?\s*[:：]?\s*", re.I)
_COLUMN_NAME = re.compile(r"^(?:op|option|choice|选项)[ _]?([a-j])$", re.I)
_LETTER_AND_TEXT = re.compile(r"^\s*[(（\[【]?([A-JＡ-Ｊ])[)）\]】.．、:：\s]+(?=\S)")


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
    """Whether a record holds options in a field or in fields of their own."""
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
        used = {by_key.get(name) for name in ("instruction", "input", "output")}
        rest = {name: value for name, value in record.items() if name not in used}
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
    options = _take_option_fields(fields) if cell in (None, "") else any_options(cell)
    while options and not options[-1].strip():  # CMB fills the places up to F with null or ""
        options = options[:-1]
    return options


def _take_option_fields(fields: _Fields) -> list[str]:
    """Options in fields of their own: A, B, …; opa, opb, …; choice_a, choice_b, …"""
    for pattern in OPTION_NAMES:
        names = [pattern.format(letter) for letter in LETTERS]
        if fields.has(names[0]) and fields.has(names[1]):
            return options_of_cells([fields.take([name]) for name in names])
    return []


# What reads one answer, given the options and the number that the first option has; None where it does not fit.
Reader = Callable[[object, Sequence[str], "int | None"], "int | None"]


def read_answers(
    answers: Sequence[Any], options: Sequence[Sequence[str]], index_base: int | None = None
) -> tuple[list[int | None], str]:
    """The bit masks of many answers, and the name of the format that reads most of them.

    answers: n values as the file has them: "C", "A,B", ["A", "B"], "E：24小时内", the option's text, 2
    options: n lists of option texts
    index_base: whether numbers count from 0 or from 1; None finds out

    A mask is 0 where there is no answer and None where no format reads it. Formats are tried on all rows, and a
    row that several can read is read as most rows are: "AB" among blood groups is a text where the others
    are texts. Raises `InputError` where numbers leave open whether they count from 0 or from 1.

    >>> read_answers(["A型", "B", "AB"], [["A型", "B型"], ["A", "B", "AB"], ["A", "AB"]])
    ([1, 2, 2], 'text')
    >>> read_answers([0, 1], [["甲", "乙"], ["甲", "乙"]])
    ([1, 2], 'number')
    """
    base = _find_base(answers, options) if index_base is None else index_base
    readings = [
        {name: _read(read, answer, texts, base) for name, read in FORMATS.items()}
        for answer, texts in zip(answers, options, strict=True)
    ]
    counts = Counter(name for row in readings for name, mask in row.items() if mask)
    # Between equals the order of FORMATS decides.
    formats = sorted(FORMATS, key=lambda name: -counts[name])
    masks = [
        0 if is_missing(answer) else next((row[name] for name in formats if row[name] is not None), None)
        for answer, row in zip(answers, readings, strict=True)
    ]
    return masks, formats[0] if counts else "none"


def is_missing(answer: Any) -> bool:
    """Whether this is how sets say that there is no answer: null, "", [], NaN, or MedMCQA's -1."""
    if isinstance(answer, str):
        return answer.strip() in ("", "-1")
    if isinstance(answer, list | tuple):
        return all(is_missing(part) for part in answer)
    return answer is None or answer != answer or answer == -1


def _read(read: Reader, answer: object, options: Sequence[str], base: int | None) -> int | None:
    parts = answer if isinstance(answer, list | tuple) else [answer]
    union = 0
    for part in parts:
        mask = read(part, options, base)
        if mask is None:
            return None
        union |= mask
    return union or None


def _text_of(answer: object) -> str:
    return _LEAD.sub("", answer).strip() if isinstance(answer, str) else ""


def _comparable(text: str) -> str:
    """A text for comparison: one width, no blanks, no closing mark, no case; all other marks count."""
    return re.sub(r"\s+|[.。;；,，]+$", "", unicodedata.normalize("NFKC", text)).casefold()


def _read_letters(answer: object, options: Sequence[str], base: int | None) -> int | None:
    text = _text_of(answer)
    column = _COLUMN_NAME.match(text)
    mask = parse_letters(column.group(1) if column else text)
    return mask if mask and not mask >> len(options) else None


def _read_letter_and_text(answer: object, options: Sequence[str], base: int | None) -> int | None:
    text = _text_of(answer)
    match = _LETTER_AND_TEXT.match(text)
    if match is None:
        return None
    position = LETTERS.index(unicodedata.normalize("NFKC", match.group(1)))
    wanted = _comparable(options[position]) if position < len(options) else ""
    return 1 << position if wanted and _comparable(text[match.end() :]) == wanted else None


def _read_text(answer: object, options: Sequence[str], base: int | None) -> int | None:
    wanted = _comparable(_text_of(answer))
    same = [position for position, option in enumerate(options) if _comparable(option) == wanted]
    return 1 << same[0] if wanted and len(same) == 1 else None


def _read_number(answer: object, options: Sequence[str], base: int | None) -> int | None:
    number = _as_number(answer)
    place = -1 if number is None or base is None else number - base
    return 1 << place if 0 <= place < len(options) else None


FORMATS: dict[str, Reader] = {
    "letters": _read_letters,
    "letter and text": _read_letter_and_text,
    "text": _read_text,
    "number": _read_number,
}


def _as_number(answer: object) -> int | None:
    text = "" if isinstance(answer, bool) else cell_text(answer).strip()
    return (
        int(text) if re.fullmatch(r"-?\d+" if isinstance(answer, int | float) else r"\d{1,2}", text) else None
    )


def _find_base(answers: Sequence[Any], options: Sequence[Sequence[str]]) -> int | None:
    """0 or 1 by the numbers that only one of them explains; None where there are no numbers."""
    pairs = []
    for answer, texts in zip(answers, options, strict=True):
        parts = answer if isinstance(answer, list | tuple) else [answer]
        numbers = [] if is_missing(answer) else [_as_number(part) for part in parts]
        as_text = isinstance(answer, str) and _read_text(answer, texts, None)
        pairs += [(number, len(texts)) for number in numbers if number is not None and not as_text]
    if not pairs:
        return None
    if any(number == 0 for number, _ in pairs):
        return 0
    if any(number == count for number, count in pairs):
        return 1
    raise InputError(
        f"the answers are numbers from {min(pairs)[0]} to {max(pairs)[0]}, which may count options from 0 or "
        "from 1; say which with `index_base`"
    )
