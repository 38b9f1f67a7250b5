"""Counts of n-grams and longest common subsequences against Counters and the table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from explanation_pairs import texts
from hypothesis import given
from hypothesis import strategies as st
from official_definition import lcs_length, ngrams

from cmexam_baseline.metrics import ngrams as counting
from cmexam_baseline.metrics.ngrams import count_pairs, lcs_lengths
from cmexam_baseline.metrics.tokens import TokenStreams, tokenize

PairsOfText = Sequence[tuple[str, str]]


def streams_of(pairs: PairsOfText) -> TokenStreams:
    return tokenize([text for pair in pairs for text in pair], "char").streams("keep")


def assert_counted_right(pairs: PairsOfText, max_order: int = 4, lcs: bool = True) -> None:
    counts = count_pairs(streams_of(pairs), max_order, lcs)
    for record, (reference, prediction) in zip(counts, pairs, strict=True):
        assert (record["reference_tokens"], record["prediction_tokens"]) == (len(reference), len(prediction))
        for order in range(1, 5):
            in_reference, in_prediction = (Counter(ngrams(side, order)) for side in (reference, prediction))
            clipped = (in_reference & in_prediction).total()
            assert record["clipped"][order - 1] == (clipped if order <= max_order else 0)
            if order <= 2:
                assert record["shared"][order - 1] == len(in_reference.keys() & in_prediction.keys())
                assert record["reference_types"][order - 1] == len(in_reference)
                assert record["prediction_types"][order - 1] == len(in_prediction)
        if len(reference) * len(prediction) < 10**6:
            assert record["lcs"] == (lcs_length(reference, prediction) if lcs else 0)


@given(pairs=st.lists(st.tuples(texts, texts), max_size=8), limit=st.sampled_from([1, 40, 1 << 16]))
def test_any_pairs_in_any_chunks(pairs: PairsOfText, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "CHUNK_TOKENS", limit)
        assert_counted_right(pairs)


@given(
    st.lists(st.tuples(st.text("ab", max_size=60), st.text("ab", max_size=60)), min_size=1, max_size=4),
    st.booleans(),
)
def test_much_repetition(pairs: PairsOfText, lcs: bool) -> None:
    assert_counted_right(pairs, 4, lcs)
    assert_counted_right(pairs, 2, lcs)


def permutation(size: int, seed: int, first: int = 0x4E00) -> str:
    characters = [chr(first + i) for i in range(size)]
    random.Random(seed).shuffle(characters)
    return "".join(characters)


@pytest.mark.parametrize("size", [213, 214, 215, 255, 256, 257, 600])
def test_many_shared_tokens_need_wider_integers(size: int) -> None:
    reference = permutation(size, seed=1)
    assert_counted_right([(reference, reference[size // 3 :] + permutation(size, seed=2)), ("a", "ab")])


def test_more_tokens_than_an_integer_holds_four_of() -> None:
    """Beyond 55,108 shared tokens four numbers do not fit 64 bits; beyond 55,295 strings meet surrogates."""
    plane_1 = 0x10000
    reference = permutation(56_000, 1, plane_1)
    prediction = reference[20_000:40_000] + permutation(56_000, 2, plane_1)
    counts = count_pairs(streams_of([(reference, prediction)]))[0]
    assert 20_000 <= counts["lcs"] < 56_000
    for order in (1, 2, 3, 4):
        in_reference, in_prediction = (set(ngrams(side, order)) for side in (reference, prediction))
        assert counts["clipped"][order - 1] >= len(in_reference & in_prediction) >= 20_001 - order
    numbers = np.arange(56_000, dtype=np.uint32)
    assert lcs_lengths(np.concatenate([numbers, numbers[::2]]), np.array([0, 56_000, 84_000]), 56_000) == [
        28_000
    ]


def test_20000_characters() -> None:
    random_numbers = random.Random(5)
    reference = "".join(random_numbers.choices("的患者心力衰竭一二三四五六七八九十，。", k=20_000))
    prediction = "".join(random_numbers.choices("的患者心力衰竭一二三四五六七八九十，。", k=20_000))
    assert_counted_right([(reference, prediction), ("甲", "乙"), ("的" * 20_000, "的" * 19_999)])


@given(
    st.lists(st.tuples(st.text("abc", max_size=20), st.text("abc", max_size=20)), max_size=5),
    st.sampled_from([1, 200, 300, 60_000]),
)
def test_lcs_of_every_kind_of_sequence(pairs: PairsOfText, offset: int) -> None:
    """Bytes, strings and lists, by the greatest number."""
    sides = [[ord(c) - 97 + offset for c in side] for pair in pairs for side in pair]
    numbers = np.array([number for side in sides for number in side], np.uint32)
    offsets = np.cumsum([0, *map(len, sides)])
    lengths = lcs_lengths(numbers, offsets, offset + 3)
    assert lengths.tolist() == [lcs_length(*pair) for pair in pairs]


@pytest.mark.parametrize("n_numbers", [255, 256, 257, 0xD7FF, 0xD800, 0xD801])
def test_lcs_at_the_borders_of_bytes_and_strings(n_numbers: int) -> None:
    greatest = np.array([n_numbers - 1, 0, n_numbers - 1], np.uint32)
    assert lcs_lengths(greatest, np.array([0, 2, 3]), n_numbers).tolist() == [1]


def test_everything_is_counted_unless_told_otherwise() -> None:
    counts = count_pairs(streams_of([("发热咳嗽", "发热咳嗽")]))
    assert counts["clipped"].tolist() == [[4, 3, 2, 1]]
    assert counts["lcs"].tolist() == [4]


def test_no_pairs() -> None:
    assert len(count_pairs(streams_of([]))) == 0
