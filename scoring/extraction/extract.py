"""From the whole text of a model's output to the letters that it answers, and the rules by which they are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters, parse_letters


class Rule(NamedTuple):
    """A way to read an answer. Of several that apply the highest priority wins, of equal ones the last in the text."""

    name: str
    description: str
    priority: int


WHOLE_TEXT = 100

# Priority, name and meaning. People and models that change their mind say the final answer last.
_TABLE = r"""
100 letters the whole text is letters: ABD, A,B、(C)
100 option-text the whole text is one option's text
95 boxed \boxed{B}
95 tag <answer>B</answer>
95 json a field of a JSON reply: {"answer": "B"}, {"答案": ["A", "C"]}
94 before-explanation an answer alone right before 解释： or its like, as in the official scripts' own form
90 answer-phrase 答案是B, 故选B, 【答案】B, 更正为B: a phrase that declares the answer by letter
90 answer-phrase-en the answer is B, I choose B, Correct option: (B)
90 answer-phrase-text 答案是阿托品, The answer is atropine: the same with an option's text
90 no-option 答案无法确定, none of the above, as the last word: the reply decides for no option
90 either-or 答案是A或B, the answer is (A) or (B), as the last word: the reply leaves it open
90 all-options A、B、C、D均符合题意: every option is the answer, where the stem allows it
90 all-called-right every option is called right in the same words: no answer
90 last-line the last line is letters, or a letter with its option's text
80 first-line the text begins with the letter: B. 阿托品
75 choice 休克者应选B, 首选B: a phrase that chooses by letter, for what its sentence says before it
70 stem the question's own words end in the letter: 首选药物是B, 正确的是B
70 verdict 选项B正确, B is correct, in a sentence that concludes or beside options called wrong
65 negative-stem 错误的是B: the same for a question that asks what is wrong
61 undecided 因此无法判断, therefore it cannot be determined, as the last word
60 conclusion the last concluding sentence (综上, 因此, therefore) names one option's letter
60 conclusion-text the last concluding sentence names one option's text
50 only-verdict one option alone is called right, or one alone wrong among several right
45 only-letter one option letter alone is named in the whole text
42 all-of-the-above 以上都对, where an option says so
38 choice-text 应选用阿托品, 应该是阿托品: a phrase that chooses, with an option's text
35 lead-text the first sentence ends in one option's text
30 superlative-text one option's text alone is called 首选, 最常见, 主要的
20 only-text one option's text alone is named in the whole text
"""
RULES = {
    name: Rule(name, description, int(priority))
    for priority, name, description in (line.split(" ", 2) for line in _TABLE.strip().splitlines())
}

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
    """The readings by priority, of equal ones the last in the text first (of two that end together, the longer)."""
    return sorted(readings, key=lambda reading: (-RULES[reading.rule].priority, -reading.end, reading.start))


@dataclass(frozen=True)
class Overruled:
    """Another answer that a rule read at `span` of the raw text; `letters` None says that there is none."""

    letters: str | None
    rule: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Extraction:
    """What was read from one text.

    letters:     the answer, None where the text gives none
    mask:        the same as a bit mask, 0 for none
    rule:        the name of the rule in `RULES` that decided, "" where none applied
    span:        where in the raw text it read the answer, or that there is none
    explanation: the rest of the reply
    overruled:   what other rules read, or other places say, the strongest first
    """

    letters: str | None
    mask: int
    rule: str
    span: tuple[int, int] | None
    explanation: str
    overruled: tuple[Overruled, ...] = ()


def extract(text: str, options: Sequence[str] | None = None, stem: str | None = None) -> Extraction:
    """The answer that `text`, a model's whole output, gives to a question with these option texts.

    options: 2–10 texts in the order of their letters; None where they are unknown: then letters A–H count and
        nothing is found by option text. Letters I and J count only where the question has such options
    stem: the question's own text. It decides what verdicts on options mean (错误的是, EXCEPT: the wrong ones
        are the answer) and whether all options can be the answer; None where it is unknown

    The rules and their order are `RULES`. A text that refuses, remains undecided, or affirms every option
    of a question that does not ask for several has no answer. Raises `InputError` for a number of options
    outside 2–10.

    >>> found = extract("**答案：B**\\n解析：阿托品散瞳。", ["毛果芸香碱", "阿托品", "新斯的明"])
    >>> found.letters, found.rule, found.span, found.explanation
    ('B', 'before-explanation', (2, 6), '阿托品散瞳。')
    >>> extract("不选A，应选C").letters, extract("无法判断").letters
    ('C', None)
    >>> extract("A对，B错，C对", ["甲", "乙", "丙"], stem="下列叙述错误的是").letters
    'B'
    """
    if options is not None and not 2 <= len(options) <= MAX_OPTIONS:
        raise InputError(f"a question with {len(options)} options; answers are read for 2 to {MAX_OPTIONS}")
    plain = plain_reading(text, options)
    if plain is not None:
        return Extraction(mask_to_letters(plain.mask), plain.mask, plain.rule, (plain.start, plain.end), "")
    # Imported late: files of nothing but letters need no rules, and their patterns take a while to compile.
    from cmexam_baseline.scoring.extraction.pipeline import read
    from cmexam_baseline.scoring.extraction.reply_format import explanation_of

    clean, readings = read(text, options, stem)
    if not readings:
        return Extraction(None, 0, NO_ANSWER, None, explanation_of(clean, None))
    first = readings[0]
    others: dict[int, Overruled] = {}
    for reading in readings:
        if reading.mask != first.mask and reading.mask not in others:
            span = clean.raw_span(reading.start, reading.end)
            others[reading.mask] = Overruled(mask_to_letters(reading.mask) or None, reading.rule, span)
    return Extraction(
        letters=mask_to_letters(first.mask) or None,
        mask=first.mask,
        rule=first.rule,
        span=clean.raw_span(first.start, first.end),
        explanation=explanation_of(clean, first if first.mask else None),
        overruled=tuple(others.values()),
    )


def extract_all(
    texts: Sequence[str],
    options: Sequence[Sequence[str] | None] | None = None,
    stems: Sequence[str | None] | None = None,
) -> list[Extraction]:
    """`extract` for many texts; `options` and `stems` hold one entry (or None) per text.

    Raises `InputError` where the lengths differ.

    >>> [found.letters for found in extract_all(["答案：C", "A、B"])]
    ['C', 'AB']
    """
    for others, what in ((options, "lists of options"), (stems, "stems")):
        if others is not None and len(others) != len(texts):
            raise InputError(f"{len(texts)} texts with {len(others)} {what}; give one per text")
    return list(map(extract, texts, options or repeat(None), stems or repeat(None)))


def extract_answers(
    texts: Sequence[str],
    options: Sequence[Sequence[str] | None] | None = None,
    stems: Sequence[str | None] | None = None,
) -> list[str | None]:
    """The letters (sorted, as in "ABD") that each text answers, None where it gives no answer; see `extract_all`.

    >>> extract_answers(["ABD", "The answer is (C).", "我不知道"])
    ['ABD', 'C', None]
    """
    return [found.letters for found in extract_all(texts, options, stems)]


_LONGEST = 4_096
_LONGEST_LINE = 256
_LETTERS = re.compile(
    r"\s*(?P<phrase>(?:正确|参考)?答案[:：]\s*)?[(\[【\"']?(?P<letters>(?:[A-J][\s,、;，；]*)+)[)\]】\"'.。]?\s*"
)
_LETTER_AND_TEXT = re.compile(r"\s*(?P<letter>[A-J])[.、:：．][ ]?(?P<text>[^\n]{1,200}?)[.。]?\s*")


def plain_reading(text: str, options: Sequence[str] | None) -> Reading | None:
    """The answer of a cell in one of the commonest forms, placed in the raw text; None for anything else.

    It must read what the rules would read, only sooner.

    >>> plain_reading("A,C", ["甲", "乙", "丙"])
    Reading(rule='letters', mask=5, start=0, end=3)
    """
    match = _LETTERS.fullmatch(text) if len(text) <= _LONGEST else None
    if match is not None:
        mask = parse_letters(match["letters"]) or 0
        unknown = mask >> (UNKNOWN_COUNT if options is None else len(options))
        if unknown or (options is not None and len(text) > 1 and text.strip() in options):
            return None
        if match["phrase"]:
            end = match.start("letters") + len(match["letters"].rstrip(" \n\t,、;，；"))
            return Reading("answer-phrase", mask, match.start("phrase"), end)
        start = len(text) - len(text.lstrip())
        return Reading("letters", mask, start, len(text.rstrip()))
    match = _LETTER_AND_TEXT.fullmatch(text) if options and len(text) <= _LONGEST_LINE else None
    if match is None or options is None:
        return None
    index = LETTERS.index(match["letter"])
    named = [place for place, option in enumerate(options) if option.strip() == match["text"]]
    return (
        Reading("letters", 1 << index, match.start("letter"), match.end("text")) if named == [index] else None
    )
