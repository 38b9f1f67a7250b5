"""The rules over one reply: what of it counts, every reading, and the one that wins.

Apart from `extract`, because its patterns take a while to compile and files of letters need none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from cmexam_baseline.exam.stem_wording import Stem, read_stem
from cmexam_baseline.scoring.extraction.answer_parser import AnswerParser
from cmexam_baseline.scoring.extraction.answer_phrases import declared_readings
from cmexam_baseline.scoring.extraction.extract import RULES, WHOLE_TEXT, Reading, ranked
from cmexam_baseline.scoring.extraction.letter_rules import conclusion_readings, line_readings, stem_readings
from cmexam_baseline.scoring.extraction.option_text_rules import wording_readings
from cmexam_baseline.scoring.extraction.options import OptionTexts, next_question, without_echo
from cmexam_baseline.scoring.extraction.reply_format import reply_readings, structured_readings
from cmexam_baseline.scoring.extraction.reply_text import CleanText, is_error_message, kept_ranges
from cmexam_baseline.scoring.extraction.undecided import undecided_readings
from cmexam_baseline.scoring.extraction.verdicts import all_called_right, verdict_readings

# The highest priority that each family of rules can reach: above it the family need not be asked.
_WEAKER = (
    (undecided_readings, RULES["no-option"].priority),
    (all_called_right, RULES["all-called-right"].priority),
    (stem_readings, RULES["stem"].priority),
    (verdict_readings, RULES["verdict"].priority),
    (conclusion_readings, RULES["conclusion"].priority),
    (wording_readings, RULES["conclusion-text"].priority),
)


def read(raw: str, options: Sequence[str] | None, stem: str | None = None) -> tuple[CleanText, list[Reading]]:
    """What of `raw` counts, and the readings in it, the one that wins first."""
    texts, asked = _option_texts(None if options is None else tuple(options)), read_stem(stem)
    first, otherwise = kept_ranges(raw)
    clean = CleanText(raw, first)
    if is_error_message(raw) and not texts.mentions(raw.lower()):
        return clean, []
    for place in next_question(clean.text, texts):
        cut = clean.raw_span(place, place + 1)[0]
        reply = CleanText(raw, [(start, min(end, cut)) for start, end in first if start < cut])
        found = _ranked(reply.text, texts, asked)
        answers = found and found[0].mask and RULES[found[0].rule].priority >= _ANSWERS_ITSELF
        if answers and (asked.several or found[0].mask != texts.everything):
            return reply, found
    readings = _ranked(clean.text, texts, asked)
    if not readings and otherwise:
        second = CleanText(raw, otherwise)
        if found := _ranked(second.text, texts, asked):
            return second, found
    return clean, readings


# The least priority of an answer in front of what may be another question.
_ANSWERS_ITSELF = RULES["conclusion"].priority
# Several models answer the same exam.
_option_texts = lru_cache(maxsize=8192)(OptionTexts)


def _ranked(text: str, options: OptionTexts, stem: Stem, nested: bool = False) -> list[Reading]:
    reader = AnswerParser(_with_answer_mark(without_echo(text, options), options), options, stem)

    def read_value(value: str) -> int | None:
        found = [] if nested else _ranked(value, options, stem, nested=True)
        return found[0].mask if found else None

    readings = list(line_readings(reader))
    if _strongest(readings) < WHOLE_TEXT:
        readings += structured_readings(reader, read_value)
        readings += declared_readings(reader)
        readings += list(reply_readings(reader, readings))
    strongest = _strongest(readings)
    for rules, highest in _WEAKER:
        if strongest > highest:
            break
        found = list(rules(reader))
        readings += found
        strongest = max(strongest, _strongest(found))
    return ranked(readings)


_ANSWER_MARK = re.compile(r"^A(?=[ \t]?:[ \t]?(?P<answer>[A-J]{1,6}(?:[、,.。;\s]|$)))", re.MULTILINE)


def _with_answer_mark(text: str, options: OptionTexts) -> str:
    """The text with 答 for the A of "Q: …\\nA: C", of the same length, where no list of options begins so."""
    begins = text.lstrip()[:1] in "AQ问题"  # else it may be a question that follows
    marks = list(_ANSWER_MARK.finditer(text)) if begins else []
    if len(marks) != 1 or "\nB:" in text or options.own_text_at(text.lower(), 0, marks[0].start("answer")):
        return text
    return f"{text[: marks[0].start()]}答{text[marks[0].end() :]}"


def _strongest(readings: list[Reading]) -> int:
    return max([RULES[reading.rule].priority for reading in readings]) if readings else 0
