"""Tokenizers and treatments of whitespace against plain lists."""

from __future__ import annotations

import random

import jieba
import numpy as np
import pytest
from explanation_pairs import HARD_PAIRS, texts
from hypothesis import example, given
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh
from slow_explanations import slow_tokens

from cmexam_baseline.metrics.sacrebleu_zh import CHINESE_RANGES, zh_spans
from cmexam_baseline.metrics.tokens import Tokens, WordSpans, encode, kinds, number_words, tokenize

jieba.setLogLevel(60)
ZH = TokenizerZh()
# Strings of what sacrebleu's rules are about, next to each other.
PUNCTUATED = st.text(st.sampled_from(".,-59a癌，“[/ \n\u3000\u2001é\U00020000\ud800"), max_size=14)
TREATMENTS = ("remove", "keep", "official")


def zh_tokens(lines: list[str]) -> list[list[str]]:
    spans = zh_spans(lines)
    joined = "".join(lines)
    words = [joined[s : s + n] for s, n in zip(spans.starts.tolist(), spans.lengths.tolist(), strict=True)]
    bounds = spans.offsets.tolist()
    return [words[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]


@given(st.lists(st.one_of(PUNCTUATED, texts), max_size=5))
@example(["1.,5", "..", ".5", "5.", "-5", "5-", "a.,b", " .5 ", "1-.2", ""])
def test_zh_is_sacrebleus(lines: list[str]) -> None:
    assert zh_tokens(lines) == [ZH(line).split() for line in lines]


@pytest.mark.parametrize("middle", [".", ",", "-", "..", "/"])
def test_zh_is_sacrebleus_between_any_two_of_these(middle: str) -> None:
    beside = ["", *"0123456789aZ中，“ .,-+"]
    lines = [f"{before}{middle}{behind}" for before in beside for behind in beside]
    assert zh_tokens(lines) == [ZH(line).split() for line in lines]


def test_zh_takes_sacrebleus_characters_for_chinese() -> None:
    asked = {*range(0x10000), *range(0x10000, 0x110000, 97), 0x20000, 0x2A6D6, 0x2F800, 0x2FA1D, 0x10FFFF}
    ours = {code for first, last in CHINESE_RANGES for code in range(first, last + 1)}
    assert ours == {code for code in asked if ZH._is_chinese_char(chr(code))}


def test_kinds_of_every_code_point() -> None:
    every = np.arange(0x110000, dtype=np.uint32)
    expected = [2 if code == 32 else int(chr(code).isspace()) for code in range(0x110000)]
    assert kinds(every).tolist() == expected


@given(st.lists(texts))
def test_encoding_keeps_every_code_point(lines: list[str]) -> None:
    codes, offsets = encode(lines)
    joined = "".join(map(chr, codes.tolist()))
    assert [joined[a:b] for a, b in zip(offsets, offsets[1:], strict=False)] == lines


@given(st.lists(st.text("ab\U0010ffff", max_size=90), max_size=12))
def test_words_have_one_number_exactly_if_they_are_equal(words: list[str]) -> None:
    words = [word for word in words if word]
    codes, offsets = encode(words)
    numbers, bound = number_words(WordSpans(codes, offsets[:-1], np.diff(offsets), np.array([0, len(words)])))
    assert (
        len(set(numbers.tolist())) == len(set(words)) == len(set(zip(words, numbers.tolist(), strict=True)))
    )
    assert all(number < bound for number in numbers)


def test_words_of_a_large_alphabet() -> None:
    random_numbers = random.Random(2)
    words = [
        "".join(map(chr, random_numbers.sample(range(0xE000, 0x110000), random_numbers.randint(1, 6))))
        for _ in range(5000)
    ]
    codes, offsets = encode(words * 2)
    numbers, _ = number_words(WordSpans(codes, offsets[:-1], np.diff(offsets), np.array([0, len(words) * 2])))
    assert len(set(numbers.tolist())) == len(set(words))
    assert numbers[:5000].tolist() == numbers[5000:].tolist()


def as_patterns(tokens: Tokens, whitespace: str) -> list[list[int]]:
    """Token numbers renamed by first appearance, per text."""
    streams = tokens.streams(whitespace)
    sides = np.split(streams.ids, streams.offsets[1:-1])
    names: dict[int, int] = {}
    assert all(number < streams.n_types for number in streams.ids)
    return [[names.setdefault(number, len(names)) for number in side.tolist()] for side in sides]


@pytest.mark.parametrize("tokenizer", ["char", "jieba", "zh", str.split, "tokens"])
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=4), data=st.data())
def test_streams_are_the_treated_tokens(
    pairs: list[tuple[str, str]], tokenizer: object, data: st.DataObject
) -> None:
    sides = [text for pair in (*pairs, *HARD_PAIRS) for text in pair]
    index = np.array(data.draw(st.lists(st.integers(0, len(sides) // 2 - 1), max_size=4)), np.int64)
    chosen = [sides[2 * pair + side] for pair in index.tolist() for side in (0, 1)]
    tokens = tokenize([list(text) for text in sides] if tokenizer == "tokens" else sides, tokenizer)
    for whitespace in TREATMENTS:
        names: dict[str, int] = {}
        slow = [slow_tokens(text, tokenizer, whitespace) for text in sides]
        expected = [[names.setdefault(token, len(names)) for token in side] for side in slow]
        assert as_patterns(tokens, whitespace) == expected
        if len(index):
            names.clear()
            slow = [slow_tokens(text, tokenizer, whitespace) for text in chosen]
            expected = [[names.setdefault(token, len(names)) for token in side] for side in slow]
            assert as_patterns(tokens.pairs(index), whitespace) == expected


@pytest.mark.parametrize("tokenizer", ["char", "jieba", "zh", str.split])
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_pairs_said_to_be_treated_alike_are(pairs: list[tuple[str, str]], tokenizer: object) -> None:
    tokens = tokenize([text for pair in pairs for text in pair], tokenizer)
    for pair, alike in zip(pairs, tokens.treated_alike(), strict=True):
        if alike:
            treated = [[slow_tokens(text, tokenizer, way) for text in pair] for way in TREATMENTS]
            assert treated[0] == treated[1] == treated[2]


@pytest.mark.parametrize("result", ["ab", [1, 2], None])
def test_a_tokenizer_must_return_strings(result: object) -> None:
    with pytest.raises(TypeError, match="a tokenizer must return a list of strings"):
        tokenize(["ab", "a"], lambda text: result)
