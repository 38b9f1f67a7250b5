"""What an ensemble gains over its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam import Exam
from cmexam_baseline.scoring import Settings, answer_differences

PART_NAMES = ("lightgbm", "encoder")
ROWS = ("all", "without_overlap")


def ensemble_gains(
    exam: Exam, systems: Mapping[str, NDArray[np.uint16]], overlaps: NDArray[np.bool_]
) -> dict[str, dict[str, Any]]:
    """Accuracies and differences of systems, each by name with its answers, on all rows and without overlap.

    Differences come with the paired tests of `compare`, corrected by Holm's procedure over the pairs. Without
    a row left, the accuracies are None and there are no differences.
    """
    everything = np.ones(len(exam), dtype=np.bool_)
    return {
        name: _on_rows(exam.answers[rows], {one: answers[rows] for one, answers in systems.items()})
        for name, rows in zip(ROWS, (everything, ~overlaps), strict=True)
    }


def _on_rows(gold: NDArray[np.uint16], systems: Mapping[str, NDArray[np.uint16]]) -> dict[str, Any]:
    if not len(gold):
        return {"n": 0, "accuracy": dict.fromkeys(systems), "differences": []}
    return {
        "n": len(gold),
        "accuracy": {name: metrics.accuracy(gold, answers) for name, answers in systems.items()},
        "differences": [one.to_dict() for one in answer_differences(gold, list(systems.items()), Settings())],
    }
