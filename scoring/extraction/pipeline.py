"""The rules over one reply: what of it counts, every reading, and the one that wins.

It stands apart from `extract` because its patterns take a while to compile, and files of letters need none.
"""

from __future__ import annotations

from collections.abc import Sequence

from cmexam_baseline.scoring.extraction.answer_parser import SlotReader
from cmexam_baseline.scoring.extraction.answer_phrases import declared_readings, english_readings
from cmexam_baseline.scoring.extraction.letter_rules import conclusion_readings, line_readings, stem_readings
from cmexam_baseline.scoring.extraction.option_text_rules import wording_readings
from cmexam_baseline.scoring.extraction.options import OptionTexts, without_echo
from cmexam_baseline.scoring.extraction.reply_format import reply_readings, structured_readings
from cmexam_baseline.scoring.extraction.reply_text import CleanText, Ranges, kept_ranges
from cmexam_baseline.scoring.extraction.rules import RULES, Reading, winner
from cmexam_baseline.scoring.extraction.verdicts import verdict_readings

# The highest priority that each family of rules can reach: above it the family need not be asked.
_WEAKER = (
    (stem_readings, RULES["stem"].priority),
    (verdict_readings, RULES["verdict"].priority),
    (conclusion_readings, RULES["conclusion"].priority),
    (wording_readings, RULES["conclusion-text"].priority),
)


def read(raw: str, options: Sequence[str] | None) -> tuple[CleanText, Reading | None]:
    """What of `raw` counts, and the reading in it that wins, if there is any."""
    texts = OptionTexts(options)
    kept = kept_ranges(raw)
    clean, reading = _read_ranges(raw, kept.first, texts)
    if reading is None and kept.otherwise:
        second_clean, second = _read_ranges(raw, kept.otherwise, texts)
        if second is not None:
            return second_clean, second
    return clean, reading


def _read_ranges(raw: str, ranges: Ranges, options: OptionTexts) -> tuple[CleanText, Reading | None]:
    clean = CleanText(raw, ranges)
    return clean, _best(clean.text, options, depth=0)


def _best(text: str, options: OptionTexts, depth: int) -> Reading | None:
    reader = SlotReader(without_echo(text, options), options)

    def read_value(value: str) -> int | None:
        found = _best(value, options, depth + 1) if depth == 0 else None
        return found.mask if found else None

    readings = [
        *structured_readings(reader, read_value),
        *declared_readings(reader),
        *english_readings(reader),
        *line_readings(reader),
    ]
    readings.extend(list(reply_readings(reader, readings)))
    for rules, highest in _WEAKER:
        best = winner(readings)
        if best is not None and RULES[best.rule].priority > highest:
            break
        readings.extend(rules(reader))
    return winner(readings)
