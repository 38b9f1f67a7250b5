"""Tokenizers: pairs of texts to streams of numbered tokens, under each treatment of whitespace.

| whitespace | effect on the tokens |
|---|---|
| remove | tokens of nothing but whitespace, and empty ones, are dropped |
| keep | every token stays as it is |
| official | the tokens are joined by blanks and split at them, as CMExam's scripts do before ROUGE: a blank becomes two empty tokens, a text without tokens one, and a newline stays |
"""  # noqa: E501 - a table row has no line breaks

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.array_types import BoolArray, CodePoints, IntArray
from cmexam_baseline.metrics.ragged import offsets_of, take_spans

Tokenizer = str | Callable[[str], Sequence[str]]
"""A name of `TOKENIZERS`, or a function from a text to its tokens."""

GIVEN = "tokens"
"""The tokenizer of input that is already lists of tokens."""

BLANK = 2
"""Kind of U+0020; other whitespace is 1, everything else 0. See `kinds`."""

_BEYOND_WHITESPACE = 0x3001
_KINDS = np.array([chr(code).isspace() for code in range(_BEYOND_WHITESPACE + 1)], np.uint8)
_KINDS[ord(" ")] = BLANK
_LONG = np.uint64(1 << 63)
_FEWEST_BITS = 8
_BITS_IN_CACHE = 14  # of the first table: where different keys are few, as usual, it is the only one


@dataclass(frozen=True, eq=False)
class TokenStreams:
    """The tokens of n pairs as numbers, one flat array: reference 0, prediction 0, reference 1, …

    `ids` (uint32) are numbers below `n_types`; equal tokens of a pair have equal numbers. The tokens of
    reference i are `ids[offsets[2 * i]:offsets[2 * i + 1]]`, those of its prediction follow them.
    """

    ids: NDArray[np.uint32]
    offsets: IntArray
    n_types: int

    def __len__(self) -> int:
        return len(self.offsets) // 2

    def pairs(self, index: IntArray) -> TokenStreams:
        """The streams of some pairs alone."""
        sides = (2 * index[:, None] + np.arange(2)).ravel()
        lengths = np.diff(self.offsets)[sides]
        ids = take_spans(self.ids, self.offsets[sides], lengths)
        return TokenStreams(ids, offsets_of(lengths), self.n_types)


def tokenize(sides: Sequence[Any], tokenizer: Tokenizer) -> Tokens:
    """The tokens of `sides`, which is reference 0, prediction 0, reference 1, …: texts, or lists of tokens.

    >>> tokenize(["a b", "ab"], "char").streams("remove").ids.tolist()
    [1, 2, 1, 2]
    """
    if callable(tokenizer):
        return ListedTokens([_checked_tokens(tokenizer, text) for text in sides])
    return _TOKENIZERS[tokenizer](sides)


class NumberedTokens:
    """Tokens as numbers, with the kind (see `kinds`) of each number."""

    def __init__(self, streams: TokenStreams, kinds_of_types: NDArray[np.uint8]) -> None:
        self._streams = streams
        self._kinds = kinds_of_types
        spaces = np.flatnonzero(kinds_of_types)
        # Numbers of characters are in the order of their code points, and whitespace is among the lowest.
        candidates = np.flatnonzero(streams.ids <= spaces[-1]) if len(spaces) else spaces
        self._spaces = candidates[kinds_of_types.take(streams.ids.take(candidates)) > 0]

    def streams(self, whitespace: str) -> TokenStreams:
        """The pairs' tokens as numbers, under a treatment of whitespace."""
        ids, offsets, n_types = self._streams.ids, self._streams.offsets, self._streams.n_types
        if whitespace == "remove" and len(self._spaces):
            offsets = offsets - np.searchsorted(self._spaces, offsets)
            return TokenStreams(np.delete(ids, self._spaces), offsets, n_types)
        if whitespace != "official":
            return self._streams
        blanks = self._spaces[self._kinds.take(ids[self._spaces]) == BLANK]
        without_tokens = offsets[:-1][np.diff(offsets) == 0]
        # A blank becomes two empty tokens, and where there is no token one comes in.
        ids = ids.copy()
        ids[blanks] = n_types
        more = np.sort(np.concatenate([blanks, without_tokens]))
        lengths = np.diff(offsets + np.searchsorted(blanks, offsets))
        return TokenStreams(np.insert(ids, more, n_types), offsets_of(np.maximum(lengths, 1)), n_types + 1)

    def pairs(self, index: IntArray) -> NumberedTokens:
        """The tokens of some pairs alone."""
        return NumberedTokens(self._streams.pairs(index), self._kinds)

    def treated_alike(self) -> BoolArray:
        """For each pair, whether its tokens are known to be the same under every treatment of whitespace."""
        offsets = self._streams.offsets
        alike: BoolArray = np.diff(np.searchsorted(self._spaces, offsets[::2])) == 0
        alike &= (np.diff(offsets).reshape(-1, 2) > 0).all(axis=1)
        return alike


class ListedTokens:
    """Tokens as lists of strings."""

    def __init__(self, sides: Sequence[Sequence[str]]) -> None:
        self._sides = sides

    def streams(self, whitespace: str) -> TokenStreams:
        """As of `NumberedTokens`."""
        treated: list[Sequence[str]] = [_TREATMENTS[whitespace](side) for side in self._sides]
        number_of: dict[str, int] = {}
        numbers = [number_of.setdefault(token, len(number_of)) for side in treated for token in side]
        return TokenStreams(np.array(numbers, np.uint32), offsets_of(list(map(len, treated))), len(number_of))

    def pairs(self, index: IntArray) -> ListedTokens:
        """As of `NumberedTokens`."""
        return ListedTokens([self._sides[2 * pair + side] for pair in index.tolist() for side in (0, 1)])

    def treated_alike(self) -> BoolArray:
        """As of `NumberedTokens`."""
        # A token may contain a blank, at which only one treatment splits: such pairs are rare and not searched for.
        return np.zeros(len(self._sides) // 2, np.bool_)


Tokens: TypeAlias = NumberedTokens | ListedTokens
_TREATMENTS: dict[str, Callable[[Sequence[str]], Sequence[str]]] = {
    "remove": lambda tokens: [token for token in tokens if token.strip()],
    "keep": lambda tokens: tokens,
    "official": lambda tokens: " ".join(tokens).split(" "),
}
WHITESPACE = tuple(_TREATMENTS)


def _characters(texts: Sequence[str]) -> NumberedTokens:
    codes, offsets = encode(texts)
    ids, different = number_code_points(codes)
    return NumberedTokens(TokenStreams(ids, offsets, len(different)), kinds(different))


def _jieba_words(texts: Sequence[str]) -> NumberedTokens:
    from cmexam_baseline.metrics import segment

    codes, text_offsets, starts = segment.word_starts(texts)
    bounds = np.flatnonzero(starts)
    return _words(WordSpans(codes, bounds[:-1], np.diff(bounds), np.searchsorted(bounds, text_offsets)))


def _sacrebleu_zh(texts: Sequence[str]) -> NumberedTokens:
    from cmexam_baseline.metrics.sacrebleu_zh import zh_spans

    return _words(zh_spans(texts))


def _words(spans: WordSpans) -> NumberedTokens:
    ids, n_types = number_words(spans)
    kinds_of_types = np.zeros(n_types, np.uint8)
    # Whitespace is never within a word, so the first character decides; two of them are jieba's "\r\n".
    kinds_of_types[ids] = kinds(spans.codes[spans.starts])
    return NumberedTokens(TokenStreams(ids, spans.offsets, n_types), kinds_of_types)


_TOKENIZERS: dict[str, Callable[[Sequence[Any]], Tokens]] = {
    "char": _characters,
    "jieba": _jieba_words,
    "zh": _sacrebleu_zh,
    GIVEN: ListedTokens,
}
TOKENIZERS = tuple(_TOKENIZERS)


def _checked_tokens(tokenizer: Callable[[str], Sequence[str]], text: str) -> list[str]:
    result = tokenizer(text)
    tokens = list(result) if isinstance(result, Iterable) and not isinstance(result, str) else [None]
    if not all(isinstance(token, str) for token in tokens):
        raise TypeError(f"a tokenizer must return a list of strings, not {result!r:.60}")
    return tokens  # type: ignore[return-value]  # strings, as checked above


def encode(texts: Sequence[str]) -> tuple[CodePoints, IntArray]:
    """All code points of the texts in one array, and the offsets (n + 1,) at which texts begin and end.

    Lone surrogates are code points like others.

    >>> codes, offsets = encode(["ab", "", "癌"])
    >>> codes.tolist(), offsets.tolist()
    ([97, 98, 30284], [0, 2, 2, 3])
    """
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return np.frombuffer(joined, "<u4").astype(np.uint32, copy=False), offsets_of(lengths)


def kinds(codes: CodePoints) -> NDArray[np.uint8]:
    """For each code point 0, or 1 if `str.isspace` is true, or `BLANK` if it is U+0020.

    >>> kinds(encode(["a b\\n"])[0]).tolist()
    [0, 2, 0, 1]
    """
    # Everything from U+3001 on is clipped to U+3001, which is no whitespace, like everything beyond it.
    return _KINDS.take(codes, mode="clip")


def number_code_points(codes: CodePoints) -> tuple[NDArray[np.uint32], CodePoints]:
    """Consecutive numbers from 0 for the code points that occur, and the code point of each number.

    >>> number_code_points(np.array([97, 30284, 97], np.uint32))
    (array([0, 1, 0], dtype=uint32), array([   97, 30284], dtype=uint32))
    """
    places = codes.astype(np.intp)  # numpy would convert them again at each use
    present = np.zeros(int(codes.max(initial=0)) + 1, np.bool_)
    present[places] = True
    different = np.flatnonzero(present)
    numbers = np.empty(len(present), np.uint32)
    numbers[different] = np.arange(len(different))
    # "wrap" because no place is out of bounds, and saying so saves the check.
    return numbers.take(places, mode="wrap"), different.astype(np.uint32)


@dataclass(frozen=True, eq=False)
class WordSpans:
    """Words as spans of code points: word i is `codes[starts[i]:starts[i] + lengths[i]]`.

    The words of text t are those from `offsets[t]` to `offsets[t + 1]`.
    """

    codes: CodePoints
    starts: IntArray
    lengths: IntArray
    offsets: IntArray


def number_words(spans: WordSpans) -> tuple[NDArray[np.uint32], int]:
    """Consecutive numbers from 0 for the different words, and how many there are.

    Words of a few characters are packed into one integer each, and long ones go by a dictionary.
    """
    characters, different = number_code_points(spans.codes)
    bits = len(different).bit_length()
    most = 63 // bits if bits else 1
    keys = np.zeros(len(spans.starts), np.uint64)
    for place in range(min(most, int(spans.lengths.max(initial=0)))):
        reaching = np.flatnonzero(spans.lengths > place)
        packed = characters[spans.starts[reaching] + place].astype(np.uint64)
        # Numbers from 1 on, so that a shorter word never packs to the same integer as a longer one.
        keys[reaching] |= (packed + np.uint64(1)) << np.uint64(bits * place)
    seen: dict[bytes, int] = {}
    for word in np.flatnonzero(spans.lengths > most).tolist():
        start = spans.starts[word]
        content = spans.codes[start : start + spans.lengths[word]].tobytes()
        keys[word] = _LONG | np.uint64(seen.setdefault(content, len(seen)))
    return number_keys(keys)


def number_keys(keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], int]:
    """Consecutive numbers from 0 for the different keys, in no particular order, and how many there are.

    Many times faster than sorting: every key is written into a table at a position computed from it. Keys that
    are found there afterwards have their number; the others, overwritten, are placed in another table.
    """
    numbers = np.empty(len(keys), np.uint32)
    n_different = 0
    rows = np.arange(len(keys))
    multipliers = np.random.default_rng(0)
    most_bits = _BITS_IN_CACHE
    while len(keys):
        bits = max(min(len(keys).bit_length() - 1, most_bits), _FEWEST_BITS)
        most_bits = 64
        multiplier = multipliers.integers(1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        places = ((keys * multiplier) >> np.uint64(64 - bits)).astype(np.int64)
        table = np.empty(1 << bits, np.uint64)
        table[places] = keys
        taken = np.zeros(1 << bits, np.bool_)
        taken[places] = True
        numbers_of_places = np.cumsum(taken) + (n_different - 1)
        n_different += int(taken.sum())
        # A key that was overwritten gets a number in a later round.
        numbers[rows] = numbers_of_places.take(places)
        missed = np.flatnonzero(table.take(places) != keys)
        rows, keys = rows[missed], keys[missed]
    return numbers, n_different
