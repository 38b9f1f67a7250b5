"""Letters of a model that saw the options in another order."""

from __future__ import annotations

import random

import pytest

from cmexam_baseline.scoring.outputs.option_order import map_back

EXAM = ["头孢拉定", "青霉素 G", "吗啡", "10mg", "10mg以上"]


def test_letters_follow_their_texts() -> None:
    shown = ["吗啡", "10mg以上", "头孢拉定", "青霉素 G", "10mg"]
    assert map_back("A", shown, EXAM).letters == "C"
    assert map_back("BCD", shown, EXAM).letters == "ABE"


def test_width_blanks_case_and_punctuation_do_not_matter() -> None:
    assert map_back("B", ["x", "青霉素Ｇ。"], EXAM).letters == "B"
    assert map_back("A", ["青霉素g"], EXAM).letters == "B"


@pytest.mark.parametrize(
    ("letters", "shown", "exam", "reason"),
    [
        ("A", ["红霉素"], EXAM, "no option of the exam reads '红霉素'"),
        ("C", ["吗啡", "头孢拉定"], EXAM, "C is beyond the 2 options that were shown"),
        ("A", ["甲"], ["甲", "甲"], "2 options of the exam read '甲'"),
    ],
)
def test_what_cannot_be_mapped_says_why(letters: str, shown: list[str], exam: list[str], reason: str) -> None:
    mapped = map_back(letters, shown, exam)
    assert mapped.letters is None
    assert mapped.reason == reason


def test_every_permutation_comes_back() -> None:
    rng = random.Random(0)
    for _ in range(50):
        order = rng.sample(range(5), 5)
        shown = [EXAM[place] for place in order]
        for place, original in enumerate(order):
            assert map_back("ABCDE"[place], shown, EXAM).letters == "ABCDE"[original]
