"""Answers out of free text: letters, the rule that read them, and where."""

from __future__ import annotations

from cmexam_baseline.scoring.extraction.extract import (
    Extraction,
    Overruled,
    extract,
    extract_all,
    extract_answers,
)
from cmexam_baseline.scoring.extraction.rules import NO_ANSWER, RULES, Rule

__all__ = [
    "NO_ANSWER",
    "RULES",
    "Extraction",
    "Overruled",
    "Rule",
    "extract",
    "extract_all",
    "extract_answers",
]
