"""Arrays and strings in, figures out: the official scores of CMExam and the means to compare systems by them."""

from cmexam_baseline.metrics.segment import Segmenter, cut, dictionary_hash, word_starts

__all__ = [
    "Segmenter",
    "cut",
    "dictionary_hash",
    "word_starts",
]
