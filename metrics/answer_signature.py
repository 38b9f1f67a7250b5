"""What figures of answers mean, as one line, and the way back from it."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PART = "answers:exact"
_SECOND_PART = "no-answer:wrong"
_NUMBERS = ("questions", "unanswered")


@dataclass(frozen=True)
class AnswerSignature:
    """What stands behind figures of answers: `str()` writes it as one line.

    Whole answers are compared letter for letter, and an answer that is missing is wrong.

    >>> print(AnswerSignature(n_questions=6811, n_unanswered=12, version="0.1.0"))
    answers:exact|no-answer:wrong|questions:6811|unanswered:12|version:0.1.0
    """

    n_questions: int
    n_unanswered: int
    version: str

    def __str__(self) -> str:
        numbers = f"questions:{self.n_questions}|unanswered:{self.n_unanswered}"
        return f"{FIRST_PART}|{_SECOND_PART}|{numbers}|version:{self.version}"


def parse_answer_signature(text: str) -> AnswerSignature:
    """Read what `str(AnswerSignature)` wrote; raises `ValueError` for any other text.

    >>> parse_answer_signature("answers:exact|no-answer:wrong|questions:9|unanswered:0|version:0.1.0")
    AnswerSignature(n_questions=9, n_unanswered=0, version='0.1.0')
    """
    first, _, rest = text.strip().partition("|")
    second, _, rest = rest.partition("|")
    parts = dict(part.partition(":")[::2] for part in rest.split("|"))
    is_known = (first, second) == (FIRST_PART, _SECOND_PART) and tuple(parts) == (*_NUMBERS, "version")
    if not is_known or not all(parts[key].isdecimal() for key in _NUMBERS) or not parts["version"]:
        example = AnswerSignature(6811, 12, "0.1.0")
        raise ValueError(f"not a signature of answers: {text!r}; one looks like {str(example)!r}")
    return AnswerSignature(int(parts["questions"]), int(parts["unanswered"]), parts["version"])
