"""The rules by which an answer can be read, as one table: what each means, and which one wins.

Among several readings of one text the highest priority wins, and of equal ones the last in the text:
people and models that change their mind say the final answer last.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """A way to read an answer; of two rules that apply, the one with the higher priority wins."""

    name: str
    description: str
    priority: int


WHOLE_TEXT = 100

_TABLE = (
    Rule("letters", "the whole text is letters: ABD, A,B、(C)", WHOLE_TEXT),
    Rule("option-text", "the whole text is one option's text", WHOLE_TEXT),
    Rule("boxed", r"\boxed{B}", 95),
    Rule("tag", "<answer>B</answer>", 95),
    Rule("json", 'a field of a JSON reply: {"answer": "B"}, {"答案": ["A", "C"]}', 95),
    Rule(
        "before-explanation",
        "an answer alone right before 解释： or its like, as in the official scripts' own form",
        94,
    ),
    Rule(
        "answer-phrase", "答案是B, 故选B, 【答案】B, 更正为B: a phrase that declares the answer by letter", 90
    ),
    Rule("answer-phrase-en", "the answer is B, I choose B, Correct option: (B)", 90),
    Rule("answer-phrase-text", "答案是阿托品, The answer is atropine: the same with an option's text", 90),
    Rule(
        "no-option", "答案无法确定, none of the above, as the last word: the reply decides for no option", 90
    ),
    Rule("either-or", "答案是A或B, the answer is (A) or (B), as the last word: the reply leaves it open", 90),
    Rule("all-options", "A、B、C、D均符合题意: every option is the answer, where the stem allows it", 90),
    Rule("all-called-right", "every option is called right in the same words: no answer", 90),
    Rule("last-line", "the last line is letters, or a letter with its option's text", 90),
    Rule("first-line", "the text begins with the letter: B. 阿托品", 80),
    Rule(
        "choice",
        "休克者应选B, 首选B: a phrase that chooses by letter, for what its sentence says before it",
        75,
    ),
    Rule("stem", "the question's own words end in the letter: 首选药物是B, 正确的是B", 70),
    Rule(
        "verdict", "选项B正确, B is correct, in a sentence that concludes or beside options called wrong", 70
    ),
    Rule("negative-stem", "错误的是B: the same for a question that asks what is wrong", 65),
    Rule("undecided", "因此无法判断, therefore it cannot be determined, as the last word", 61),
    Rule("conclusion", "the last concluding sentence (综上, 因此, therefore) names one option's letter", 60),
    Rule("conclusion-text", "the last concluding sentence names one option's text", 60),
    Rule("only-verdict", "one option alone is called right, or one alone wrong among several right", 50),
    Rule("only-letter", "one option letter alone is named in the whole text", 45),
    Rule("all-of-the-above", "以上都对, where an option says so", 42),
    Rule("choice-text", "应选用阿托品, 应该是阿托品: a phrase that chooses, with an option's text", 38),
    Rule("lead-text", "the first sentence ends in one option's text", 35),
    Rule("superlative-text", "one option's text alone is called 首选, 最常见, 主要的", 30),
    Rule("only-text", "one option's text alone is named in the whole text", 20),
)

RULES = {rule.name: rule for rule in _TABLE}

UNKNOWN_COUNT = 8
"""Letters A–H count where the options are unknown: I may be the pronoun."""

NO_ANSWER = ""
"""The rule name of an extraction that found no answer."""


class Reading(NamedTuple):
    """One possible answer: a mask, the rule that read it, and where in the clean text."""

    rule: str
    mask: int
    start: int
    end: int


def ranked(readings: list[Reading]) -> list[Reading]:
    """The readings by priority, of equal ones the last in the text first (of two that end together, the longer).

    >>> first, last = Reading("answer-phrase", 1, 0, 4), Reading("answer-phrase", 2, 9, 13)
    >>> ranked([last, first, Reading("only-text", 4, 20, 22)])[0].mask
    2
    """
    return sorted(readings, key=lambda reading: (-RULES[reading.rule].priority, -reading.end, reading.start))
