"""An obviously right twin of the decoder."""

from __future__ import annotations

from cmexam_baseline.exam.decoding import SeveralRule


def decode(scores: list[float], rule: SeveralRule | None) -> int:
    """The mask of one question's answer."""
    best = max(scores)
    mask = 1 << scores.index(best)
    if rule is not None:
        for place, score in enumerate(scores):
            if score >= rule.threshold and score >= rule.ratio * best:
                mask |= 1 << place
    return mask
