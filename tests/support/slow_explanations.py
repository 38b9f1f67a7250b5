"""BLEU and ROUGE of explanations under any profile, one pair at a time, with lists and Counters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from official_definition import Figures, jieba_words, lcs_length, named, ngrams
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

from cmexam_baseline.metrics import Profile

_ZH = TokenizerZh()  # type: ignore[no-untyped-call]
_TOKENIZERS: dict[str, Any] = {
    "char": list,
    "jieba": jieba_words,
    "zh": lambda text: _ZH(text).split(),
    "tokens": list,
}


def slow_tokens(text: Any, tokenizer: Any, whitespace: str) -> list[str]:
    tokens = list((_TOKENIZERS.get(tokenizer) or tokenizer)(text))
    if whitespace == "remove":
        return [token for token in tokens if token.strip()]
    return " ".join(tokens).split(" ") if whitespace == "official" else tokens


def slow_scores(
    references: Sequence[Any], predictions: Sequence[Any], profile: Profile
) -> tuple[Figures, list[Figures | None]]:
    """All figures in percent over the scored rows, and those of each row, None for one left out."""
    per_pair: list[Figures | None] = []
    words = []
    for reference, prediction in zip(references, predictions, strict=True):
        policies = {"reference": profile.missing_references, "prediction": profile.missing_predictions}
        sides = {"reference": reference, "prediction": prediction}
        if any(is_dropped(sides[name], policy) for name, policy in policies.items()):
            per_pair.append(None)
            continue
        if prediction is None and profile.missing_predictions == "script":
            prediction = ["无答案"] if profile.bleu_tokenizer == "tokens" else "无答案"
        texts = reference or "", prediction or ""
        pair = tuple(slow_tokens(text, profile.bleu_tokenizer, profile.bleu_whitespace) for text in texts)
        words.append(pair)
        per_pair.append(slow_bleu([pair], profile.smoothing) | slow_rouge(texts, profile))
    scored = [figures for figures in per_pair if figures is not None]
    if not scored:
        return {}, per_pair
    means = {name: math.fsum(f[name] for f in scored) / len(scored) for name in scored[0]}
    return means | slow_bleu(words, profile.smoothing), per_pair


def is_dropped(side: Any, policy: str) -> bool:
    if side is None:
        return policy.startswith("drop")
    return policy == "drop-empty" and not "".join(side).strip()


def slow_bleu(pairs: Sequence[tuple[list[str], ...]], smoothing: str) -> Figures:
    figures = {}
    for max_order in (1, 2, 3, 4):
        correct, total = [0] * max_order, [0] * max_order
        for reference, prediction in pairs:
            for n in range(max_order):
                counts = Counter(ngrams(reference, n + 1)) & Counter(ngrams(prediction, n + 1))
                correct[n] += sum(counts.values())
                total[n] += max(0, len(prediction) - n)
        lengths = [sum(len(pair[side]) for pair in pairs) for side in (0, 1)]
        score = BLEU.compute_bleu(
            correct, total, lengths[1], lengths[0], smoothing, max_ngram_order=max_order
        )
        figures[f"bleu{max_order}"] = score.score
    return figures


def slow_rouge(texts: tuple[Any, Any], profile: Profile) -> Figures:
    reference, prediction = (
        slow_tokens(text, profile.rouge_tokenizer, profile.rouge_whitespace) for text in texts
    )
    if profile.swap_sides:
        reference, prediction = prediction, reference
    figures: Figures = {}
    for order in (1, 2):
        a, b = Counter(ngrams(reference, order)), Counter(ngrams(prediction, order))
        if profile.counting == "set":
            a, b = Counter(set(a)), Counter(set(b))
        precision, recall = shares(sum((a & b).values()), a.total(), b.total())
        slack = 1e-8 if profile.counting == "set" else 0.0
        f = 2 * precision * recall / (precision + recall + slack) if precision + recall else 0.0
        figures |= named(f"rouge{order}", f, precision, recall)
    precision, recall = shares(lcs_length(reference, prediction), len(reference), len(prediction))
    if profile.lcs_f == "f1":
        f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    else:
        beta = precision / (recall + 1e-12)
        f = (1 + beta**2) * recall * precision / (recall + beta**2 * precision + 1e-12)
    return figures | named("rougeL", f, precision, recall)


def shares(common: int, in_reference: int, in_prediction: int) -> tuple[float, float]:
    return common / max(in_prediction, 1), common / max(in_reference, 1)
