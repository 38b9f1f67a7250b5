"""Tokenizers: pairs of texts to token streams, under each treatment of whitespace.

| whitespace | effect on the tokens |
|---|---|
| remove | tokens of nothing but whitespace, and empty ones, are dropped |
| keep | every token stays as it is |
| official | the tokens are joined by blanks and split at them, as CMExam's scripts do before ROUGE: a blank becomes two empty tokens, a text without tokens one, and a newline stays |
"""  # noqa: E501 - a table row has no line breaks

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import offsets_of
from cmexam_baseline.metrics.sacrebleu_zh import zh_spans
from cmexam_baseline.metrics.token_streams import (
    BLANK,
    TokenStreams,
    WordSpans,
    encode,
    kinds,
    number_code_points,
    number_words,
    take_pairs,
)

Tokenizer = str | Callable[[str], Sequence[str]]
"""A name of `TOKENIZERS`, or a function from a text to its tokens."""

GIVEN = "tokens"
"""The tokenizer of input that is already lists of tokens."""


class Tokens(Protocol):
    """The tokens of pairs, from which a stream can be made under any treatment of whitespace."""

    def streams(self, whitespace: str) -> TokenStreams:
        """The pairs' tokens as numbers."""

    def pairs(self, index: NDArray[np.int64]) -> Tokens:
        """The tokens of some pairs alone."""

    def treated_alike(self) -> NDArray[np.bool_]:
        """For each pair, whether its tokens are known to be the same under every treatment of whitespace."""


def tokenize(sides: Sequence[Any], tokenizer: Tokenizer) -> Tokens:
    """The tokens of `sides`, which is reference 0, prediction 0, reference 1, …: texts, or lists of tokens.

    >>> tokenize(["a b", "ab"], "char").streams("remove").ids.tolist()
    [1, 2, 1, 2]
    """
    if callable(tokenizer):
        return ListedTokens([_checked_tokens(tokenizer, text) for text in sides])
    return _TOKENIZERS[tokenizer](sides)


class NumberedTokens:
    """Tokens as numbers, with the kind (see `codepoints.kinds`) of each."""

    def __init__(self, streams: TokenStreams, kinds_of_tokens: NDArray[np.uint8]) -> None:
        self._streams = streams
        self._kinds = kinds_of_tokens
        self._spaces = np.flatnonzero(kinds_of_tokens != 0)

    def streams(self, whitespace: str) -> TokenStreams:
        """As of `Tokens`."""
        if not len(self._spaces) and whitespace != "official":
            return self._streams
        return _TREATMENTS[whitespace](self._streams, self._kinds, self._spaces)

    def pairs(self, index: NDArray[np.int64]) -> NumberedTokens:
        """As of `Tokens`."""
        kinds_of_tokens, _ = take_pairs(self._kinds, self._streams.offsets, index)
        return NumberedTokens(self._streams.pairs(index), kinds_of_tokens)

    def treated_alike(self) -> NDArray[np.bool_]:
        """As of `Tokens`."""
        streams = self._streams
        spaces_before = np.searchsorted(self._spaces, streams.offsets[::2])
        alike = (streams.reference_lengths > 0) & (streams.prediction_lengths > 0)
        alike &= spaces_before[1:] == spaces_before[:-1]
        return alike


class ListedTokens:
    """Tokens as lists of strings."""

    def __init__(self, sides: Sequence[Sequence[str]]) -> None:
        self._sides = sides

    def streams(self, whitespace: str) -> TokenStreams:
        """As of `Tokens`."""
        treat = _LIST_TREATMENTS[whitespace]
        numbers = _Numbers()
        treated = [[numbers[token] for token in treat(side)] for side in self._sides]
        lengths = np.fromiter(map(len, treated), np.int64, len(treated))
        ids = np.fromiter((number for side in treated for number in side), np.uint32, int(lengths.sum()))
        return TokenStreams(ids, offsets_of(lengths), len(numbers))

    def pairs(self, index: NDArray[np.int64]) -> ListedTokens:
        """As of `Tokens`."""
        return ListedTokens([self._sides[2 * pair + side] for pair in index.tolist() for side in (0, 1)])

    def treated_alike(self) -> NDArray[np.bool_]:
        """As of `Tokens`."""
        # A token may contain a blank, at which only one treatment splits: such pairs are rare and not searched for.
        return np.zeros(len(self._sides) // 2, np.bool_)


class _Numbers(dict[str, int]):
    def __missing__(self, token: str) -> int:
        number = self[token] = len(self)
        return number


def _characters(texts: Sequence[str]) -> NumberedTokens:
    codes, offsets = encode(texts)
    ids, n_types = number_code_points(codes)
    return NumberedTokens(TokenStreams(ids, offsets, n_types), kinds(codes))


def _jieba_words(texts: Sequence[str]) -> NumberedTokens:
    from cmexam_baseline.metrics import segment

    codes, text_offsets, starts = segment.word_starts(texts)
    bounds = np.flatnonzero(starts)
    return _words(WordSpans(codes, bounds[:-1], np.diff(bounds), np.searchsorted(bounds, text_offsets)))


def _sacrebleu_zh(texts: Sequence[str]) -> NumberedTokens:
    return _words(zh_spans(texts))


def _words(spans: WordSpans) -> NumberedTokens:
    ids, n_types = number_words(spans)
    # Whitespace is never within a word, so the first character decides; two of them are jieba's "\r\n".
    return NumberedTokens(TokenStreams(ids, spans.offsets, n_types), kinds(spans.codes[spans.starts]))


def _given(sides: Sequence[Sequence[str]]) -> ListedTokens:
    return ListedTokens(sides)


_TOKENIZERS: dict[str, Callable[[Sequence[Any]], Tokens]] = {
    "char": _characters,
    "jieba": _jieba_words,
    "zh": _sacrebleu_zh,
    GIVEN: _given,
}
TOKENIZERS = tuple(_TOKENIZERS)


def _checked_tokens(tokenizer: Callable[[str], Sequence[str]], text: str) -> list[str]:
    result = tokenizer(text)
    is_list = isinstance(result, Iterable) and not isinstance(result, str)
    tokens = list(result) if is_list else []
    if not is_list or not all(isinstance(token, str) for token in tokens):
        raise TypeError(f"a tokenizer must return a list of strings, not {result!r:.60}")
    return tokens


_Treatment = Callable[[TokenStreams, NDArray[np.uint8], NDArray[np.int64]], TokenStreams]


def _remove(
    streams: TokenStreams, kinds_of_tokens: NDArray[np.uint8], spaces: NDArray[np.int64]
) -> TokenStreams:
    offsets = streams.offsets - np.searchsorted(spaces, streams.offsets)
    return TokenStreams(streams.ids[kinds_of_tokens == 0], offsets, streams.n_types)


def _keep(
    streams: TokenStreams, kinds_of_tokens: NDArray[np.uint8], spaces: NDArray[np.int64]
) -> TokenStreams:
    return streams


def _join_and_split(
    streams: TokenStreams, kinds_of_tokens: NDArray[np.uint8], spaces: NDArray[np.int64]
) -> TokenStreams:
    empty_token = np.uint32(streams.n_types)
    blank = kinds_of_tokens == BLANK
    ids = np.repeat(np.where(blank, empty_token, streams.ids), 1 + blank)
    offsets = streams.offsets + np.searchsorted(np.flatnonzero(blank), streams.offsets)
    without_tokens = np.diff(streams.offsets) == 0
    ids = np.insert(ids, offsets[:-1][without_tokens], empty_token)
    return TokenStreams(ids, offsets + offsets_of(without_tokens), streams.n_types + 1)


_TREATMENTS: dict[str, _Treatment] = {
    "remove": _remove,
    "keep": _keep,
    "official": _join_and_split,
}
_LIST_TREATMENTS: dict[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "remove": lambda tokens: [token for token in tokens if token.strip()],
    "keep": lambda tokens: tokens,
    "official": lambda tokens: " ".join(tokens).split(" "),
}
WHITESPACE = tuple(_TREATMENTS)
