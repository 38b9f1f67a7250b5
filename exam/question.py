"""One question, for people."""

from __future__ import annotations

from dataclasses import dataclass, field

from cmexam_baseline.exam.letters import LETTERS


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
