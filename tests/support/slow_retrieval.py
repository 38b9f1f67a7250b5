"""Obviously right twins of the sparse code in features."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter

import jieba
import numpy as np
from numpy.typing import NDArray


def terms(text: str) -> Counter[str]:
    """jieba's words and the pairs of neighbouring letters of a text ("#ab"; "#a" for a letter alone)."""
    folded = unicodedata.normalize("NFKC", text).lower()
    found = Counter(word for word in jieba.lcut(folded) if any(character.isalnum() for character in word))
    for place, character in enumerate(folded):
        if not character.isalnum():
            continue
        after = folded[place + 1 : place + 2]
        before = folded[place - 1] if place else ""
        if after.isalnum():
            found["#" + character + after] += 1
        elif not before.isalnum():
            found["#" + character] += 1
    return found


def idf(texts: list[str], documents: list[int]) -> dict[str, float]:
    """ln((1 + n) / (1 + document frequency)) + 1 for each term."""
    held: dict[int, set[str]] = {}
    for text, document in zip(texts, documents, strict=True):
        held.setdefault(document, set()).update(terms(text))
    frequency = Counter(term for found in held.values() for term in found)
    n = max(documents) + 1
    return {term: math.log((1 + n) / (1 + count)) + 1 for term, count in frequency.items()}


def tfidf(text: str, weights: dict[str, float]) -> dict[str, float]:
    """Unit-length weights (1 + ln count) · idf over the known terms."""
    row = {
        term: (1 + math.log(count)) * weights[term] for term, count in terms(text).items() if term in weights
    }
    length = math.sqrt(sum(weight**2 for weight in row.values())) or 1.0
    return {term: weight / length for term, weight in row.items()}


def visible_scores(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    query_keys: NDArray[np.uint64],
    document_keys: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """Dense scalar products, 0 where the keys are equal."""
    scores = queries.astype(np.float64) @ documents.astype(np.float64).T
    return np.where(query_keys[:, None] == document_keys[None, :], 0.0, scores)


def records(
    texts: list[str], keys: list[int], right: list[bool], asked_texts: list[str], asked_keys: list[int]
) -> dict[str, list[int]]:
    """How often each asked text was right and wrong under other keys than its own."""
    return {
        name: [
            sum(
                text == asked and key != own and holds == verdict
                for text, key, holds in zip(texts, keys, right, strict=True)
            )
            for asked, own in zip(asked_texts, asked_keys, strict=True)
        ]
        for name, verdict in (("history_right", True), ("history_wrong", False))
    }
