"""From the whole text of a model's output to the letters that it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters, parse_letters
from cmexam_baseline.scoring.extraction.rules import NO_ANSWER, UNKNOWN_COUNT, Reading

_Entry = TypeVar("_Entry")


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
    columns = (_aligned(texts, options, "lists of options"), _aligned(texts, stems, "stems"))
    return [extract(*row) for row in zip(texts, *columns, strict=True)]


def extract_answers(
    texts: Sequence[str],
    options: Sequence[Sequence[str] | None] | None = None,
    stems: Sequence[str | None] | None = None,
) -> list[str | None]:
    """The letters (sorted, as in "ABD") that each text answers, None where it gives no answer.

    `options` (2–10 texts) and `stems` hold one entry (or None) per text. Raises `InputError` where the
    lengths differ.

    >>> extract_answers(["ABD", "The answer is (C).", "我不知道"])
    ['ABD', 'C', None]
    """
    return [found.letters for found in extract_all(texts, options, stems)]


def _aligned(texts: Sequence[str], others: Sequence[_Entry] | None, what: str) -> Sequence[_Entry | None]:
    if others is None:
        return [None] * len(texts)
    if len(others) != len(texts):
        raise InputError(f"{len(texts)} texts with {len(others)} {what}; give one per text")
    return others


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
    if len(text) > _LONGEST:
        return None
    match = _LETTERS.fullmatch(text)
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
    match = _LETTER_AND_TEXT.fullmatch(text) if options is not None and len(text) <= _LONGEST_LINE else None
    if match is None or options is None:
        return None
    index = LETTERS.index(match["letter"])
    if index >= len(options) or match["text"] != options[index].strip() or options.count(options[index]) > 1:
        return None
    return Reading("letters", 1 << index, match.start("letter"), match.end("text"))
