"""Many texts at once give what one text alone gives by the definition."""

from __future__ import annotations

import pytest
import slow_overlap
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmexam_baseline.exam import normalise_text, normalise_texts
from cmexam_baseline.exam.normalise import fold_texts

ANY = st.text(
    st.one_of(st.characters(), st.sampled_from("。（）Ａａ　ﬁ①Ⅱ㎎℃e\u0301\u1100\u1161\u11a8ßİ\x1e\uff9e"))
)


@settings(max_examples=150)
@given(st.lists(ANY, max_size=6))
@example(["\x1e", "a\x1eb", ""])
@example(["e", "\u0301"])
@example(["\u1100", "\u1161"])
@example(["ｶ", "\uff9e", "ｶ\uff9e"])
@example(["\ud800", "x"])
def test_many_equal_one_by_one(texts: list[str]) -> None:
    assert normalise_texts(texts) == [slow_overlap.normalise(text) for text in texts]


@settings(max_examples=100)
@given(st.lists(ANY, max_size=6))
def test_folding_touches_width_and_blanks_alone(texts: list[str]) -> None:
    expected = []
    for text in texts:
        kept = [char for char in text if not char.isspace() and char != "\x1e"]
        expected.append("".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in kept))
    assert fold_texts(texts) == expected


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("下列 关于Ｔ细胞的叙述，正确的是（　　）。", "下列关于t细胞的叙述正确的是"),
        ("Ca²⁺ ≥ 3.5mmol/L", "ca2+≥35mmoll"),
        ("ﬁ ① ℃", "fi1°c"),
        ("\u200b\ufeff\t", ""),
        ("", ""),
    ],
)
def test_what_counts(text: str, normal: str) -> None:
    assert normalise_text(text) == normal
