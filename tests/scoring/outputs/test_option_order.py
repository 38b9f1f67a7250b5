"""Letters of a model that saw the options in another order."""

from __future__ import annotations

import random

import pytest

from cmexam_baseline.exam.letters import letters_to_mask, mask_to_letters
from cmexam_baseline.scoring.outputs.joining import map_back

EXAM = ["头孢拉定", "青霉素 G", "吗啡", "10mg", "10mg以上"]


def mapped(letters: str, shown: list[str], exam: list[str]) -> str:
    return mask_to_letters(map_back(letters_to_mask(letters), shown, exam))


def test_letters_follow_their_texts() -> None:
    shown = ["吗啡", "10mg以上", "头孢拉定", "青霉素 G", "10mg"]
    assert mapped("A", shown, EXAM) == "C"
    assert mapped("BCD", shown, EXAM) == "ABE"


def test_width_blanks_case_and_punctuation_do_not_matter() -> None:
    assert mapped("B", ["x", "青霉素Ｇ。"], EXAM) == "B"
    assert mapped("A", ["青霉素g"], EXAM) == "B"


@pytest.mark.parametrize(
    ("letters", "shown", "exam"),
    [
        ("A", ["红霉素"], EXAM),
        ("C", ["吗啡", "头孢拉定"], EXAM),
        ("A", ["甲"], ["甲", "甲"]),
        ("AB", ["吗啡", "红霉素"], EXAM),
    ],
    ids=["no such option", "beyond the options", "twice in the exam", "one of two"],
)
def test_what_cannot_be_mapped_is_no_answer(letters: str, shown: list[str], exam: list[str]) -> None:
    assert mapped(letters, shown, exam) == ""


def test_every_permutation_comes_back() -> None:
    rng = random.Random(0)
    for _ in range(50):
        order = rng.sample(range(5), 5)
        shown = [EXAM[place] for place in order]
        for place, original in enumerate(order):
            assert mapped("ABCDE"[place], shown, EXAM) == "ABCDE"[original]
