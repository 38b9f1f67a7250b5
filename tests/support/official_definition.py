"""What CMExam's own scripts compute from explanations, written anew from their definitions, slow and plain.

evaluate_lora_result.py and evaluate_gpt_result.py in williamliujl/CMExam hand their texts to BLEU of
tensorflow/nmt and to ROUGE over the words of a sentence split at blanks. The one departure: where theirs
divide by zero (BLEU without any token on one side) this says 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

Figures = dict[str, float]
NO_ANSWER = "无答案"


def official_lora(
    references: Sequence[str | None], predictions: Sequence[str | None]
) -> tuple[Figures, list[Figures]]:
    """The figures of evaluate_lora_result.py over all rows and of each row that it keeps, in percent.

    It drops rows without a reference alone, and a reply that is missing is the text 无答案.
    """
    rows = [
        (r, NO_ANSWER if p is None else p)
        for r, p in zip(references, predictions, strict=True)
        if r is not None
    ]
    tokens = [(spaced(r).split(), spaced(p).split()) for r, p in rows]
    rouges = [official_rouge(spaced(p), spaced(r)) for r, p in rows]
    return summary(tokens, rouges)


def official_gpt(
    references: Sequence[str | None], predictions: Sequence[str | None]
) -> tuple[Figures, list[Figures]]:
    """The same for evaluate_gpt_result.py: jieba words for BLEU, ROUGE with its two sides swapped."""
    rows = [(r or "", p or "") for r, p in zip(references, predictions, strict=True)]
    tokens = [(jieba_words(r), jieba_words(p)) for r, p in rows]
    rouges = [official_rouge(spaced(r), spaced(p)) for r, p in rows]
    return summary(tokens, rouges)


def summary(
    tokens: list[tuple[list[str], list[str]]], rouges: list[Figures]
) -> tuple[Figures, list[Figures]]:
    pairs = [
        {f"bleu{order}": official_bleu([pair], order) for order in (1, 2, 3, 4)} | rouge
        for pair, rouge in zip(tokens, rouges, strict=True)
    ]
    whole = {f"bleu{order}": official_bleu(tokens, order) for order in (1, 2, 3, 4)}
    if rouges:
        whole |= {name: math.fsum(rouge[name] for rouge in rouges) / len(rouges) for name in rouges[0]}
    return whole, pairs


def spaced(text: str) -> str:
    return " ".join(list(text))


@cache
def jieba_words(text: str) -> list[str]:
    import jieba

    jieba.setLogLevel(60)
    return list(jieba.cut(text, cut_all=False))


def official_bleu(pairs: Iterable[tuple[Sequence[str], Sequence[str]]], max_order: int) -> float:
    """BLEU in percent of tensorflow/nmt's compute_bleu, one reference a translation, without smoothing."""
    matches, possible = [0] * max_order, [0] * max_order
    reference_length = translation_length = 0
    for reference, translation in pairs:
        reference_length += len(reference)
        translation_length += len(translation)
        for order in range(1, max_order + 1):
            overlap = Counter(ngrams(reference, order)) & Counter(ngrams(translation, order))
            matches[order - 1] += sum(overlap.values())
            possible[order - 1] += max(0, len(translation) - order + 1)
    if not translation_length or not reference_length or not all(matches):
        return 0.0
    precisions = [match / total for match, total in zip(matches, possible, strict=True)]
    mean = math.exp(sum(math.log(precision) / max_order for precision in precisions))
    ratio = translation_length / reference_length
    return 100 * mean * (1.0 if ratio > 1.0 else math.exp(1 - 1.0 / ratio))


def official_rouge(hypothesis: str, reference: str) -> Figures:
    """F, precision and recall in percent of ROUGE-1, 2 and L of sentences that are split at blanks."""
    evaluated, expected = hypothesis.split(" "), reference.split(" ")
    figures: Figures = {}
    for order in (1, 2):
        evaluated_set, expected_set = set(ngrams(evaluated, order)), set(ngrams(expected, order))
        overlap = len(evaluated_set & expected_set)
        precision = overlap / len(evaluated_set) if evaluated_set else 0.0
        recall = overlap / len(expected_set) if expected_set else 0.0
        f = 2.0 * ((precision * recall) / (precision + recall + 1e-8))
        figures |= named(f"rouge{order}", f, precision, recall)
    length = lcs_length(evaluated, expected)
    recall, precision = length / len(expected), length / len(evaluated)
    beta = precision / (recall + 1e-12)
    f = (1 + beta**2) * recall * precision / (recall + beta**2 * precision + 1e-12)
    return figures | named("rougeL", f, precision, recall)


def named(rouge: str, f: float, precision: float, recall: float) -> Figures:
    return {rouge: 100 * f, f"{rouge}_precision": 100 * precision, f"{rouge}_recall": 100 * recall}


def ngrams(tokens: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1)]


def lcs_length(a: Sequence[object], b: Sequence[object]) -> int:
    """The length of the longest common subsequence, by the table."""
    above = [0] * (len(b) + 1)
    for x in a:
        row = [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
        above = row
    return above[-1]
