"""Many sequences of different lengths worked on side by side, one element of each a step."""

from __future__ import annotations

import numpy as np

from cmexam_baseline.metrics.array_types import IntArray

# With fewer sequences than this in a step, numpy's cost per call is more than plain Python's per element.
_FEW = 10
_MOST_STEPS = 10_000


class Lockstep:
    """Which sequences have an element in each step.

    In step t these are the first `counts[t]` of `order`, the sequences by falling length. The few that are
    longer than there are steps stand in `left_over` instead: they are better worked on one by one.

    >>> Lockstep(np.array([2, 900, 1] + [3] * 20)).counts
    [22, 21, 20]
    """

    def __init__(self, lengths: IntArray) -> None:
        order = np.argsort(-lengths, kind="stable")
        falling = lengths[order]
        n_steps = int(falling[_FEW - 1]) if len(falling) >= _FEW else 0
        n_steps = min(n_steps, _MOST_STEPS)
        n_left_over = len(falling) - int(np.searchsorted(falling[::-1], n_steps, side="right"))
        self.left_over = order[:n_left_over]
        self.order = order[n_left_over:]
        rising = falling[n_left_over:][::-1]
        self.counts: list[int] = (
            len(rising) - np.searchsorted(rising, np.arange(n_steps), side="right")
        ).tolist()
