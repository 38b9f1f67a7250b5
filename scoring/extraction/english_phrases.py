"""English phrases that declare the answer: the answer is …, I choose …, Correct option: …"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.patterns import any_of, holds_any
from cmexam_baseline.scoring.extraction.rules import Reading

# What may stand between the phrase and the answer; as in Chinese, nothing follows the repetition.
_FILLER_WORDS = any_of(
    "is was are would should must be will has_to most more likely probably therefore thus clearly"
    " definitely indeed"
    " options? choices? letters? answers? the correct best right appropriate final single one following"
    " here actually text"
)
_FILLER = (
    r"(?:[\s:=\-\"'“”‘’\[\](){}<>#|\\]"
    r"|(?:to|for|of)[ \t]+(?:this|the|your)[ \t]+(?:given[ \t]+)?(?:question|problem|case|patient|scenario)"
    rf"|\b{_FILLER_WORDS}\b)*"
)
_CHOICE = "_(?:options?|choices?|selection|pick)"
# Searched in lower-case text; they begin with plain characters, so that they are searched fast.
_ANSWER_CUE = re.compile(
    any_of(
        "answers? ans"
        f" correct{_CHOICE} best{_CHOICE} right{_CHOICE} final{_CHOICE}"
        f" chosen{_CHOICE} selected{_CHOICE} my{_CHOICE}"
    )
    + rf"\b(?![ \t]+(?:key|choices)\b){_FILLER}"
    + rf"|(?:correct|final)[ \t]?:{_FILLER}"
    + rf"|(?:output|response|prediction|pred|result)[ \t]?[:=]{_FILLER}"
)
_CHOOSE_CUE = re.compile(
    any_of(
        "correction conclusion choose chose choosing select(?:ed|ing)? pick(?:ed|ing)? go(?:ing)?_with"
        " opt_for settle_on"
        " vote_for i'd_say i_would_say leads?_(?:me_|us_)?to points?_to pointing_to left_with leaving"
    )
    + rf"\b{_FILLER}"
)
_CONCLUDE_CUE = re.compile(
    any_of("thus therefore hence so finally but it_is it's must_be should_be by_elimination")
    + r"\b[,:]?\s?(?:it is|it's|option|choice)?\s?(?=[(\[\"']?[a-h][)\]\"']?(?:[ \t]*(?:[.,;\n]|$)|[ \t]it[ \t]is\b))"
)
# Each pattern with the rule for option texts behind it, and marks of which one must occur.
_CUES = (
    (
        _ANSWER_CUE,
        "answer-phrase-text",
        (
            "ans",
            "correct",
            "final",
            "option",
            "choice",
            "selection",
            "pick",
            "output",
            "response",
            "pred",
            "result",
        ),
    ),
    (
        _CHOOSE_CUE,
        "choice-text",
        (
            "correction",
            "conclusion",
            "cho",
            "select",
            "pick",
            "with",
            "for",
            "settle",
            "say",
            "to",
            "leaving",
        ),
    ),
    (
        _CONCLUDE_CUE,
        "choice-text",
        (
            "thus",
            "therefore",
            "hence",
            "so",
            "finally",
            "but",
            "it is",
            "it's",
            "must be",
            "should be",
            "elimination",
        ),
    ),
)
_NEGATED_BEFORE = re.compile(
    r"(?<![a-z])"
    + any_of(
        "not [a-z]+n't never cannot if whether unless suppose rather_than instead_of eliminate exclude"
        " rule_out why"
        r" wrong incorrect other each all possible many some might tempt\w* please"
    )
    + r"[ \t]+(?:"
    + any_of("the we you i one may would were_to be people students")
    + r"[ \t]+)*$"
)
_LOOK_BACK = 40


def english_readings(reader: SlotReader) -> Iterator[Reading]:
    """Every answer that an English phrase of the text declares."""
    text = reader.lowered
    for cue, text_rule, marks in _CUES:
        if not holds_any(text, marks):
            continue
        for match in cue.finditer(text):
            start = match.start()
            slot = None if text[start - 1 : start].isalnum() else reader.read(match.end())
            if slot is not None and not _NEGATED_BEFORE.search(text, max(0, start - _LOOK_BACK), start):
                yield Reading(text_rule if slot.by_text else "answer-phrase-en", slot.mask, start, slot.end)
