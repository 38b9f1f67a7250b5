"""CMExam's own way to BLEU and ROUGE, for timing: the steps and data structures of its scripts, written anew.

BLEU-1 and BLEU-4 are two passes with Counters, ROUGE-1 and 2 are sets of tuples, and the longest common
subsequence fills a dictionary with a cell for every two tokens, which is where nearly all of the time goes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence


def official_scores(references: Sequence[str], predictions: Sequence[str]) -> dict[str, float]:
    """What evaluate_lora_result.py prints of explanations, in percent."""
    spaced_references, spaced_predictions = (
        [" ".join(list(text)) for text in side] for side in (references, predictions)
    )
    tokens = [(r.split(), p.split()) for r, p in zip(spaced_references, spaced_predictions, strict=True)]
    rouges = [
        _rouge(p.split(" "), r.split(" ")) for r, p in zip(spaced_references, spaced_predictions, strict=True)
    ]
    means = [100 * sum(column) / len(rouges) for column in zip(*rouges, strict=True)]
    figures = dict(zip(("rouge1", "rouge2", "rougeL"), means, strict=True))
    return {"bleu1": 100 * _bleu(tokens, 1), "bleu4": 100 * _bleu(tokens, 4), **figures}


def _bleu(pairs: Sequence[tuple[list[str], list[str]]], max_order: int) -> float:
    matches, possible = [0] * max_order, [0] * max_order
    reference_length = translation_length = 0
    for reference, translation in pairs:
        reference_length += len(reference)
        translation_length += len(translation)
        overlap = _ngram_counts(reference, max_order) & _ngram_counts(translation, max_order)
        for ngram in overlap:
            matches[len(ngram) - 1] += overlap[ngram]
        for order in range(1, max_order + 1):
            possible[order - 1] += max(0, len(translation) - order + 1)
    precisions = [match / total for match, total in zip(matches, possible, strict=True)]
    mean = math.exp(sum(math.log(precision) / max_order for precision in precisions))
    ratio = translation_length / reference_length
    return mean * (1.0 if ratio > 1.0 else math.exp(1 - 1.0 / ratio))


def _ngram_counts(tokens: Sequence[str], max_order: int) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    for order in range(1, max_order + 1):
        for start in range(len(tokens) - order + 1):
            counts[tuple(tokens[start : start + order])] += 1
    return counts


def _rouge(evaluated: list[str], reference: list[str]) -> tuple[float, float, float]:
    figures = []
    for order in (1, 2):
        evaluated_set, reference_set = _ngram_set(evaluated, order), _ngram_set(reference, order)
        overlap = len(evaluated_set & reference_set)
        precision = overlap / len(evaluated_set) if evaluated_set else 0.0
        recall = overlap / len(reference_set) if reference_set else 0.0
        figures.append(2.0 * ((precision * recall) / (precision + recall + 1e-8)))
    length = _lcs_table(evaluated, reference)[len(evaluated), len(reference)]
    recall, precision = length / len(reference), length / len(evaluated)
    beta = precision / (recall + 1e-12)
    f = (1 + beta**2) * recall * precision / (recall + beta**2 * precision + 1e-12)
    return figures[0], figures[1], f


def _ngram_set(tokens: Sequence[str], order: int) -> set[tuple[str, ...]]:
    return {tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1)}


def _lcs_table(x: Sequence[str], y: Sequence[str]) -> dict[tuple[int, int], int]:
    table: dict[tuple[int, int], int] = {}
    for i in range(len(x) + 1):
        for j in range(len(y) + 1):
            if i == 0 or j == 0:
                table[i, j] = 0
            elif x[i - 1] == y[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])
    return table
