"""Explanations in CMExam's manner, which mark the options as （C对） or （A错）."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from cmexam_baseline.exam.sample.draft import Choice, Draft

LETTERS = "ABCDE"
SHARE_WITHOUT = 0.15
SHARE_SHORT = 0.2
SHARE_WITH_TOPIC_FIRST = 0.45
SHARE_WITH_TOPIC_LAST = 0.15


def explain(draft: Draft, choices: Sequence[Choice], rng: Random) -> str:
    """An explanation of `draft` with its options in the order of `choices`; empty for some."""
    if rng.random() < SHARE_WITHOUT:
        return ""
    first = f"本题考查{draft.topic}。" if rng.random() < SHARE_WITH_TOPIC_FIRST else ""
    last = f"掌握“{draft.topic}”知识点。" if not first and rng.random() < SHARE_WITH_TOPIC_LAST else ""
    if last and rng.random() < 0.3:
        last = "\n" + last
    if draft.ask.kind == "item":
        return first + f"{draft.background}{_marks_together(choices)}。" + last
    if rng.random() < SHARE_SHORT:
        return first + _short(choices) + last
    background = draft.background if rng.random() < 0.5 else ""
    return first + background + _option_by_option(choices) + last


def _option_by_option(choices: Sequence[Choice]) -> str:
    """What was chosen first, then why not each of the others."""
    clauses = {choice: choice.because + _mark(letter, choice) for letter, choice in _lettered(choices)}
    first = "；".join(clauses[choice] for choice in choices if choice.chosen)
    others = "，".join(clauses[choice] for choice in choices if not choice.chosen)
    return f"{first}。" + (f"{others}。" if others else "")


def _short(choices: Sequence[Choice]) -> str:
    """Only why what was chosen was chosen, and all marks together."""
    why = "；".join(choice.because for choice in choices if choice.chosen)
    return f"{why}{_marks_together(choices)}。"


def _marks_together(choices: Sequence[Choice]) -> str:
    """All letters in one pair of brackets: （C对ABDE错）."""
    true = "".join(letter for letter, choice in _lettered(choices) if choice.holds)
    false = "".join(letter for letter, choice in _lettered(choices) if not choice.holds)
    if any(choice.chosen and not choice.holds for choice in choices):
        return f"（{false}错，为本题正确答案）"
    return f"（{true}对{false + '错' if false else ''}）"


def _mark(letter: str, choice: Choice) -> str:
    if choice.chosen and not choice.holds:
        return f"（{letter}错，为本题正确答案）"
    return f"（{letter}{'对' if choice.holds else '错'}）"


def _lettered(choices: Sequence[Choice]) -> list[tuple[str, Choice]]:
    return list(zip(LETTERS, choices, strict=False))
