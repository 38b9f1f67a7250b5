"""Cohen's kappa: agreement of two systems' answers beyond chance."""

from __future__ import annotations

from math import nan

import numpy as np

from cmexam_baseline.metrics.answer_codes import Answers, encode_answers


def cohen_kappa(first: Answers, second: Answers, kind: str | None = None) -> float:
    """How far two systems (or a system and the gold answers) agree beyond chance: 1 always, 0 as by chance.

    Answers come in every form that `score_answers` takes; no answer is a label of its own. nan without questions
    or where both give one and the same answer everywhere. Raises `ValueError` if the lengths differ, and what
    `score_answers` raises. Definition: J. Cohen, A coefficient of agreement for nominal scales (1960).

    >>> round(cohen_kappa(["A", "B", "C", None], ["A", "B", "D", None]), 4)
    0.6923
    """
    sides = encode_answers(first, "first", kind), encode_answers(second, "second", kind)
    n = len(sides[0][0])
    if len(sides[1][0]) != n:
        raise ValueError(
            f"first has {n} answers and second has {len(sides[1][0])}; give one for each question"
        )
    number_of: dict[str, int] = {}
    numbers = [[number_of.setdefault(label, len(number_of)) for label in labels] for _, labels in sides]
    one, other = (np.array(own, np.int64).take(codes) for own, (codes, _) in zip(numbers, sides, strict=True))
    shares = [np.bincount(codes, minlength=len(number_of)) / max(n, 1) for codes in (one, other)]
    by_chance = float(shares[0] @ shares[1])
    return (float((one == other).mean()) - by_chance) / (1 - by_chance) if n and by_chance < 1 else nan
