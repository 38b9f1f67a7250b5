"""BLEU and ROUGE against several references per prediction, as sacrebleu and rouge-score define them.

BLEU clips each n-gram at its greatest count in any reference and takes the reference whose length is nearest
(the shorter of two equally near). ROUGE-1, 2 and L each take the reference with the highest F.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.ngrams import MAX_ORDER
from cmexam_baseline.metrics.pairs import Pairs
from cmexam_baseline.metrics.profiles import NO_ANSWER_TEXT, Profile
from cmexam_baseline.metrics.statistics import STATISTICS
from cmexam_baseline.metrics.tokens import GIVEN, tokenize

_AT = {name: column for column, name in enumerate(STATISTICS)}
_MATCHES = slice(_AT["bleu1_matches"], _AT["bleu1_ngrams"])
_REFERENCE_TOKENS, _PREDICTION_TOKENS = _AT["bleu_reference_tokens"], _AT["bleu_prediction_tokens"]


def best_references(statistics: FloatArray, pairs: Pairs, profile: Profile) -> FloatArray:
    """One row of statistics per row of the input, from one per pair: (pairs, k) to (rows, k)."""
    if len(pairs) == pairs.n_rows:
        return statistics
    starts = np.searchsorted(pairs.rows, np.arange(pairs.n_rows))
    ends = np.append(starts[1:], len(pairs))
    best = statistics[starts]
    for row in np.flatnonzero(ends - starts > 1).tolist():
        own = slice(int(starts[row]), int(ends[row]))
        for rouge in ("rouge1", "rouge2", "rougeL"):
            highest = own.start + int(statistics[own, _AT[rouge]].argmax())
            for name in (rouge, f"{rouge}_common"):
                columns = slice(_AT[name], _AT[name] + 3)
                best[row, columns] = statistics[highest, columns]
        lengths = statistics[own, _REFERENCE_TOKENS]
        distances = np.abs(lengths - statistics[own.start, _PREDICTION_TOKENS])
        best[row, _REFERENCE_TOKENS] = lengths[distances == distances.min()].min()
        best[row, _MATCHES] = _matches(pairs, own, profile)
    return best


def _matches(pairs: Pairs, own: slice, profile: Profile) -> list[int]:
    prediction = pairs.predictions[own.start]
    if pairs.missing[1, pairs.rows[own.start]] and profile.missing_predictions == "script":
        prediction = [NO_ANSWER_TEXT] if profile.bleu_tokenizer == GIVEN else NO_ANSWER_TEXT
    texts = [prediction, *pairs.references[own]]
    # Streams hold pairs: the last text is paired with itself where their number is odd.
    streams = tokenize(texts + texts[-1:] * (len(texts) % 2), profile.bleu_tokenizer).streams(
        profile.bleu_whitespace
    )
    tokens = [streams.ids[a:b].tolist() for a, b in zip(streams.offsets, streams.offsets[1:], strict=False)]
    matches = []
    for order in range(1, MAX_ORDER + 1):
        ours, *theirs = (_ngram_counts(side, order) for side in tokens[: len(texts)])
        most: Counter[tuple[int, ...]] = Counter()
        for counts in theirs:
            most |= counts
        matches.append((ours & most).total())
    return matches


def _ngram_counts(tokens: Sequence[int], order: int) -> Counter[tuple[int, ...]]:
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))
