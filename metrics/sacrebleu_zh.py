"""sacrebleu's `zh` tokenizer for many texts at once.

The rules are those of sacrebleu 2's TokenizerZh and TokenizerRegexp: a character of certain ranges is a
token, so is ASCII punctuation, a full stop or comma unless it is between digits, and a hyphen after a
digit. The ranges are sacrebleu's, its mistakes included (mjpost/sacrebleu#298): two that were meant for
planes above U+FFFF take in U+2001–U+2A6D and U+2F81–U+2FA1, hence “, ①, ℃ and Ⅱ, and leave out Extension B.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.tokens import WordSpans, encode, kinds

_SPANS = (
    "3400-4DB5 4E00-9FBB F900-FA2D FA30-FA6A FA70-FAD9 2001-2A6D 2F81-2FA1 FF00-FFEF 2E80-2EFF 3000-303F "
    "31C0-31EF 2F00-2FDF 2FF0-2FFF 3100-312F 31A0-31BF FE10-FE1F FE30-FE4F 2600-26FF 2700-27BF 3200-32FF "
    "3300-33FF"
)
CHINESE_RANGES = [tuple(int(end, 16) for end in span.split("-")) for span in _SPANS.split()]
_PUNCTUATION = r"\{-\~\[-\` -\&\(-\+\:-\@\/"
_OTHER, _ALONE, _POINT, _HYPHEN, _DIGIT = range(5)
_CLASSES = np.full(0x10000 + 1, _OTHER, np.uint8)
for _first, _last in CHINESE_RANGES:
    _CLASSES[_first : _last + 1] = _ALONE
for _code in range(0x80):
    if re.match(f"[{_PUNCTUATION}]", chr(_code)):
        _CLASSES[_code] = _ALONE
_CLASSES[[ord("."), ord(",")]] = _POINT
_CLASSES[ord("-")] = _HYPHEN
_CLASSES[ord("0") : ord("9") + 1] = _DIGIT

_RULES = (
    (re.compile(f"([{_PUNCTUATION}])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def zh_spans(texts: Sequence[str]) -> WordSpans:
    """The tokens of `TokenizerZh()(text).split()`, as spans of code points.

    >>> text = "剂量0.5mg，每日1-2次."
    >>> spans = zh_spans([text])
    >>> [text[start:start + length] for start, length in zip(spans.starts.tolist(), spans.lengths.tolist())]
    ['剂', '量', '0.5mg', '，', '每', '日', '1', '-', '2', '次', '.']
    """
    codes, offsets = encode(texts)
    classes = _CLASSES.take(codes, mode="clip")
    space = kinds(codes) > 0
    starts, ends = _boundaries(classes, space, offsets)
    # Where one full stop or comma touches another, the rules' matches overlap and order decides.
    points = classes == _POINT
    touching = np.flatnonzero(points[1:] & points[:-1])
    for text in np.unique(np.searchsorted(offsets, touching, side="right") - 1).tolist():
        here = slice(int(offsets[text]), int(offsets[text + 1]))
        _apply_rules(texts[text], space[here], starts[here], ends[here])
    first = np.flatnonzero(starts)
    return WordSpans(codes, first, np.flatnonzero(ends) + 1 - first, np.searchsorted(first, offsets))


def _boundaries(
    classes: NDArray[np.uint8], space: NDArray[np.bool_], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Flags for the first and the last code point of each token."""
    size = len(classes)
    word = np.flatnonzero(~space)
    edges = np.searchsorted(word, offsets)
    filled = edges[1:] > edges[:-1]
    opening = np.zeros(size, np.bool_)
    closing = np.zeros(size, np.bool_)
    opening[word[edges[:-1][filled]]] = True
    closing[word[edges[1:][filled] - 1]] = True

    digit = classes == _DIGIT
    after_digit = np.zeros(size, np.bool_)
    after_digit[1:] = digit[:-1]
    before_digit = np.zeros(size, np.bool_)
    before_digit[:-1] = digit[1:]
    # At the edge of a line a rule that needs a neighbour does not apply.
    alone = (classes == _POINT) & ((~after_digit & ~opening) | (~before_digit & ~closing))
    alone |= (classes == _HYPHEN) & after_digit & ~opening
    alone |= classes == _ALONE

    starts = alone | opening
    starts[1:] |= alone[:-1] | space[:-1]
    starts &= ~space
    ends = alone | closing
    ends[:-1] |= starts[1:] | space[1:]
    ends &= ~space
    return starts, ends


def _apply_rules(
    text: str, space: NDArray[np.bool_], starts: NDArray[np.bool_], ends: NDArray[np.bool_]
) -> None:
    """Set the flags of one text by sacrebleu's regular expressions."""
    line = "".join(f" {character} " if _is_chinese(character) else character for character in text.strip())
    for rule, replacement in _RULES:
        line = rule.sub(replacement, line)
    lengths = np.array([len(token) for token in line.split()], np.int64)
    last = np.cumsum(lengths) - 1
    places = np.flatnonzero(~space)
    starts[:] = False
    ends[:] = False
    starts[places[last - lengths + 1]] = True
    ends[places[last]] = True


def _is_chinese(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in CHINESE_RANGES)
