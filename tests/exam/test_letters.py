"""Answer sets as bit masks and as letters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.exam import (
    InputError,
    letters_to_mask,
    letters_to_masks,
    mask_to_letters,
    masks_to_letters,
)
from cmexam_baseline.exam.letters import letter_counts, parse_letters


@given(st.integers(0, 1023))
def test_masks_come_back(mask: int) -> None:
    letters = mask_to_letters(mask)
    assert letters_to_mask(letters) == mask
    assert letters == "".join(letter for bit, letter in enumerate("ABCDEFGHIJ") if mask & (1 << bit))


@pytest.mark.parametrize(
    ("written", "mask"),
    [
        ("ABD", 11),
        ("A,B", 3),
        ("a b d", 11),
        ("ＡＢ", 3),
        ("ａ、ｃ", 5),
        ("D B A", 11),
        ("A，C；E", 21),
        ("AAB", 3),
        ("(C)", 4),
        ("【A】【B】", 3),
        ("C.", 4),
        ("A/B", 3),
        (" H\n", 128),
        ("", 0),
        ("　", 0),
        ("['A', 'C']", 5),
        ("b'C'", 4),
        ("ace", 21),
        ("DAB", 11),
    ],
)
def test_answers_as_people_write_them(written: str, mask: int) -> None:
    assert letters_to_mask(written) == mask


@pytest.mark.parametrize(
    "written",
    ["F1", "AX", "维生素A", "对", "K", "12", "A对", "-", "NaN", "Å", "bad", "Dead", "fade", "BAD_REQUEST"],
)
def test_anything_else_is_no_answer_set(written: str) -> None:
    assert parse_letters(written) is None
    with pytest.raises(InputError, match="A–J"):
        letters_to_mask(written)


def test_many_at_once() -> None:
    masks = letters_to_masks(["C", None, "", "DA"])
    assert masks.dtype == np.uint16
    assert masks.tolist() == [4, 0, 0, 9]
    assert masks_to_letters(masks) == ["C", "", "", "AD"]
    assert letters_to_masks([]).shape == (0,)
    assert masks_to_letters([]) == []


def test_the_bad_one_of_many_is_named() -> None:
    with pytest.raises(InputError, match="'Z' in row 2"):
        letters_to_masks(["A", "Z", "Y"])


@pytest.mark.parametrize("mask", [-1, 1024])
def test_masks_out_of_range_are_refused(mask: int) -> None:
    with pytest.raises(InputError, match="0 and 1023"):
        mask_to_letters(mask)
    with pytest.raises(InputError, match="0 and 1023"):
        masks_to_letters([1, mask])


def test_letter_counts() -> None:
    assert letter_counts(np.arange(1024, dtype=np.uint16)).tolist() == [
        bin(mask).count("1") for mask in range(1024)
    ]
