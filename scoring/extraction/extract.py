"""From the whole text of a model's output to the letters that it answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS, mask_to_letters, parse_letters
from cmexam_baseline.scoring.extraction.rules import NO_ANSWER, Reading


@dataclass(frozen=True)
class Extraction:
    """What was read from one text.

    `letters` is None and `mask` 0 where no answer was given; `rule` names the rule of `RULES` ("" without an
    answer); `span` is where it stands in the raw text; `explanation` is the rest of the reply.
    """

    letters: str | None
    mask: int
    rule: str
    span: tuple[int, int] | None
    explanation: str


def extract(text: str, options: Sequence[str] | None = None) -> Extraction:
    """The answer that `text`, a model's whole output, gives to a question with these option texts.

    `options` are 2–10 texts in the order of their letters; None where they are unknown: then letters A–J
    count and nothing is found by option text. The rules and their order are `RULES`. A text that commits
    itself to nothing, refuses, or affirms every option has no answer. Raises `InputError` for a number of
    options outside 2–10.

    >>> found = extract("**答案：B**\\n解析：阿托品散瞳。", ["毛果芸香碱", "阿托品", "新斯的明"])
    >>> found.letters, found.rule, found.span, found.explanation
    ('B', 'before-explanation', (2, 6), '阿托品散瞳。')
    >>> extract("不选A，应选C").letters, extract("无法判断").letters
    ('C', None)
    """
    _check(options)
    plain = plain_reading(text, options)
    if plain is not None:
        return Extraction(mask_to_letters(plain.mask), plain.mask, plain.rule, (plain.start, plain.end), "")
    return _extract_by_rules(text, options)


def _extract_by_rules(text: str, options: Sequence[str] | None) -> Extraction:
    # Late, because files of nothing but letters need no rules, and their patterns take a while to compile.
    from cmexam_baseline.scoring.extraction.pipeline import read
    from cmexam_baseline.scoring.extraction.reply_format import explanation_of

    clean, reading = read(text, options)
    explanation = explanation_of(clean, reading)
    if reading is None:
        return Extraction(None, 0, NO_ANSWER, None, explanation)
    span = clean.raw_span(reading.start, reading.end)
    return Extraction(mask_to_letters(reading.mask), reading.mask, reading.rule, span, explanation)


def extract_all(
    texts: Sequence[str], options: Sequence[Sequence[str] | None] | None = None
) -> list[Extraction]:
    """`extract` for many texts; `options` holds one list of option texts (or None) a text.

    Raises `InputError` where the two differ in length.

    >>> [found.letters for found in extract_all(["答案：C", "A、B"])]
    ['C', 'AB']
    """
    return [extract(text, of_one) for text, of_one in zip(texts, _aligned(texts, options), strict=True)]


def extract_answers(
    texts: Sequence[str], options: Sequence[Sequence[str] | None] | None = None
) -> list[str | None]:
    """The letters (sorted, as in "ABD") that each text answers, None where it gives no answer.

    `options` holds one list of 2–10 option texts (or None) a text. Raises `InputError` where the two differ
    in length.

    >>> extract_answers(["ABD", "The answer is (C).", "我不知道"])
    ['ABD', 'C', None]
    """
    return [_answer(text, of_one) for text, of_one in zip(texts, _aligned(texts, options), strict=True)]


def _answer(text: str, options: Sequence[str] | None) -> str | None:
    _check(options)
    reading = plain_reading(text, options)
    if reading is None:
        from cmexam_baseline.scoring.extraction.pipeline import read

        reading = read(text, options)[1]
    return mask_to_letters(reading.mask) if reading is not None else None


def _aligned(
    texts: Sequence[str], options: Sequence[Sequence[str] | None] | None
) -> Sequence[Sequence[str] | None]:
    if options is None:
        return [None] * len(texts)
    if len(options) != len(texts):
        raise InputError(f"{len(texts)} texts with {len(options)} lists of options; give one list a text")
    return options


def _check(options: Sequence[str] | None) -> None:
    if options is not None and not 2 <= len(options) <= MAX_OPTIONS:
        raise InputError(f"a question with {len(options)} options; answers are read for 2 to {MAX_OPTIONS}")


_LONGEST = 4_096
_LETTERS = re.compile(
    r"\s*(?P<phrase>(?:正确|参考)?答案[:：]\s*)?[(\[【\"']?(?P<letters>(?:[A-H][\s,、;，；]*)+)[)\]】\"'.。]?\s*"
)
_LETTER_AND_TEXT = re.compile(r"\s*(?P<letter>[A-H])[.、:：．][ ]?(?P<text>[^\n]{1,200}?)[.。]?\s*")


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
        return _letters(text, match, options)
    match = _LETTER_AND_TEXT.fullmatch(text) if options is not None else None
    if match is None or options is None:
        return None
    index = LETTERS.index(match["letter"])
    if index >= len(options) or match["text"] != options[index].strip() or options.count(options[index]) > 1:
        return None
    return Reading("letters", 1 << index, match.start("letter"), match.end("text"))


def _letters(text: str, match: re.Match[str], options: Sequence[str] | None) -> Reading | None:
    mask = parse_letters(match["letters"]) or 0
    if options is not None and (mask >> len(options) or (len(text) > 1 and text.strip() in options)):
        return None
    if match["phrase"]:
        end = match.start("letters") + len(match["letters"].rstrip(" \n\t,、;，；"))
        return Reading("answer-phrase", mask, match.start("phrase"), end)
    start = len(text) - len(text.lstrip())
    return Reading("letters", mask, start, start + len(text.strip()))
