"""Options inside a question's text: stem, "A：xxx" lines and what surrounds them, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cmexam_baseline.exam.letters import LETTERS

# A letter with a mark after it, at the start of a line; "A xxx" counts there too.
_LINE_MARK = re.compile(
    r"^[ \t\u3000]*[(（\[【]?([A-JＡ-Ｊ])(?:[)）\]】.．、:：,，]+[ \t\u3000]*|[ \t\u3000]+)", re.M
)
# The same in running text, where a bare blank after the letter says nothing ("维生素A 缺乏").
_RUNNING_MARK = re.compile(r"(?<![A-Za-z0-9Ａ-Ｚ])[(（\[【]?([A-JＡ-Ｊ])[)）\]】.．、:：]+[ \t\u3000]*")
_LEAD = re.compile(r"^\s*(?:问题|题目|题干|Question)\s*[:：]\s*", re.I)
_OPTIONS_WORD = re.compile(r"[\s,，;；]*(?:选项|备选答案|Options)\s*[:：]?\s*$", re.I)
_OPTIONS_WORD_BEFORE_A = re.compile(
    r"((?:选项|备选答案|Options)\s*[:：])[ \t\u3000]*(?=[(（\[【]?[AＡ])", re.I
)


@dataclass(frozen=True)
class TakenApart:
    """A question's text in its parts: `stem`, `options` without letters, and `rest`, the text after them."""

    stem: str
    options: list[str]
    rest: str


def take_apart(text: str) -> TakenApart | None:
    """The stem and the options of a text that holds both, or None where no two options can be found.

    Options start with A and follow the alphabet, each with a mark (`A：`, `A.`, `A、`, `(A)`) or, at the
    start of a line, a blank. A line after the last option (an instruction, say) goes to `rest`.

    >>> take_apart("缺乏可致夜盲症的是（　　）。\\nA：维生素A\\nB：维生素C\\n请回答")
    TakenApart(stem='缺乏可致夜盲症的是（　　）。', options=['维生素A', '维生素C'], rest='请回答')
    >>> take_apart("问题: 缺乏可致夜盲症的是, 选项: A. 维生素A B. 维生素C").options
    ['维生素A', '维生素C']
    """
    text = _OPTIONS_WORD_BEFORE_A.sub(r"\1\n", text.replace("\r\n", "\n"))
    for mark in (_LINE_MARK, _RUNNING_MARK):
        marks = _longest_run([(found, _plain(found.group(1))) for found in mark.finditer(text)])
        if len(marks) >= 2:
            return _cut(text, marks)
    return None


def _longest_run(found: list[tuple[re.Match[str], str]]) -> list[re.Match[str]]:
    """The last of the longest runs A, B, C, … among the marks: a stem may hold marks of its own before."""
    best: list[re.Match[str]] = []
    run: list[re.Match[str]] = []
    for match, letter in found:
        if letter == "A":
            run = [match]
        elif run and letter == LETTERS[len(run) % len(LETTERS)]:
            run.append(match)
        if len(run) >= len(best):
            best = list(run)
    return best


def _cut(text: str, marks: list[re.Match[str]]) -> TakenApart:
    ends = [match.start() for match in marks[1:]]
    last, _, rest = text[marks[-1].end() :].partition("\n")
    options = [text[match.end() : end] for match, end in zip(marks[:-1], ends, strict=True)] + [last]
    stem = _OPTIONS_WORD.sub("", _LEAD.sub("", text[: marks[0].start()]))
    return TakenApart(stem.strip(), [_one_line(option) for option in options], rest.strip())


def _one_line(option: str) -> str:
    return re.sub(r"\s*\n\s*", " ", option.strip())


def _plain(letter: str) -> str:
    return chr(ord(letter) - 0xFEE0) if letter >= "Ａ" else letter
