"""Segmentation: jieba's words, as lists of strings and as the places where words begin, against jieba."""

from __future__ import annotations

from collections.abc import Iterator

from comparison import Comparison, Contender
from pairs import BenchmarkPairs, benchmark_pairs

from cmexam_baseline import metrics


def comparisons() -> Iterator[Comparison]:
    """The explanations of the full input, with the floors that the project has set itself."""
    texts = texts_of(benchmark_pairs())
    yield Comparison(
        "segment-lists",
        "jieba's words as lists of strings",
        describe(texts),
        Contender("cmexam-baseline", lambda: metrics.cut(texts)),
        [Contender("jieba.lcut", lambda: cut_by_jieba(texts), 1)],
        {"jieba.lcut": 10},
        lambda: agree(texts[::20]),
    )
    yield Comparison(
        "segment-starts",
        "jieba's words as the places where they begin",
        describe(texts),
        Contender("cmexam-baseline", lambda: metrics.word_starts(texts)),
        [Contender("jieba.lcut", lambda: cut_by_jieba(texts), 1)],
        {"jieba.lcut": 15},
    )


def small() -> Iterator[Comparison]:
    """A small generated input with a lower floor."""
    texts = texts_of(benchmark_pairs(600, real=False))
    han = [
        "".join(character for text in texts for character in text if "\u4e00" <= character <= "\u9fd5")[
            :30_000
        ]
    ]
    yield Comparison(
        "small-segment",
        "jieba's words as lists of strings",
        describe(texts),
        Contender("cmexam-baseline", lambda: metrics.cut(texts)),
        [Contender("jieba.lcut", lambda: cut_by_jieba(texts), 2)],
        {"jieba.lcut": 12},
        lambda: agree(texts),
    )
    yield Comparison(
        "small-one-block",
        "one block of Han characters without punctuation",
        describe(han),
        Contender("cmexam-baseline", lambda: metrics.cut(han)),
        [Contender("jieba.lcut", lambda: cut_by_jieba(han), 2)],
        {"jieba.lcut": 1.5},
        lambda: agree(han),
    )


def texts_of(pairs: BenchmarkPairs) -> list[str]:
    return pairs.references + pairs.predictions


def cut_by_jieba(texts: list[str]) -> list[list[str]]:
    import jieba

    return [jieba.lcut(text) for text in texts]


def agree(texts: list[str]) -> None:
    """Loads jieba, too, so that its dictionary is not timed."""
    import jieba

    jieba.setLogLevel(60)
    jieba.initialize()
    if metrics.cut(texts) != cut_by_jieba(texts):
        raise AssertionError("the words are not jieba's")


def describe(texts: list[str]) -> str:
    return f"{len(texts):,} texts, {sum(map(len, texts)):,} characters"
