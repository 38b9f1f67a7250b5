"""Dealing questions to the splits, with the few repetitions that the real splits have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from random import Random

from cmexam_baseline.exam.sample.draft import Draft
from cmexam_baseline.exam.splits import SPLIT_NAMES

N_HELD_OUT = 200
"""Questions of val and of test; train has all others."""
COPIES = {"val": 1, "test": 2}
"""Rows of a split that are rows of train, word for word."""
SAME_STEM = {"val": 4, "test": 6}
"""Rows with the stem of a train row and other wrong options."""
REWORDED = {"val": 8, "test": 12}
"""Rows with the stem of a train row in slightly other words, and the same options."""


def deal(
    drafts: list[Draft], redraw: Callable[[Draft, Random], Draft | None], rng: Random
) -> dict[str, list[Draft]]:
    """The drafts of train, val and test; the copies of train rows stand first in val and test."""
    shuffled = rng.sample(drafts, len(drafts))
    splits: dict[str, list[Draft]] = {}
    for split in ("val", "test"):
        n_fresh = N_HELD_OUT - COPIES[split] - SAME_STEM[split] - REWORDED[split]
        splits[split], shuffled = shuffled[:n_fresh], shuffled[n_fresh:]
    train = splits["train"] = shuffled
    sources = iter(rng.sample(train, len(train)))
    taken = {draft.stem for draft in drafts}
    for split in ("val", "test"):
        copies = [next(sources) for _ in range(COPIES[split])]
        redrawn = (redraw(draft, rng) for draft in sources)
        same_stem = list(islice((draft for draft in redrawn if draft), SAME_STEM[split]))
        reworded: list[Draft] = []
        while len(reworded) < REWORDED[split]:
            draft = next(sources)
            stem = reword(draft.stem)
            if stem not in taken:
                taken.add(stem)
                reworded.append(replace(draft, stem=stem))
        splits[split] = copies + rng.sample(splits[split] + same_stem + reworded, N_HELD_OUT - len(copies))
    return {split: splits[split] for split in SPLIT_NAMES}


def reword(stem: str) -> str:
    """`stem` in slightly other words, where there are any.

    >>> reword("下列药物中，属于糖肽类的是"), reword("属于糖肽类的药物有"), reword("万古霉素属于")
    ('以下药物中，属于糖肽类的为', '属于糖肽类的药物包括', '万古霉素属于')
    """
    changed = stem.replace("下列", "以下", 1)
    for ending, other in (("是", "为"), ("有", "包括"), ("为", "是")):
        if changed.endswith(ending):
            return changed.removesuffix(ending) + other
    return changed
