"""How good the stated probabilities of options are, ready for JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam.exam import Exam, offsets_of
from cmexam_baseline.scoring.alignment import AlignedOutput


def probability_scores(exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64]) -> dict[str, Any] | None:
    """Log loss, Brier score, calibration and accuracy at coverage over the questions with all probabilities.

    None where the system states none. `n` questions have one right option, to which the figures of a choice
    belong; a figure that is not defined (a right option with probability 0 has no log loss) is None.
    """
    if aligned.option_scores is None:
        return None
    bounds = exam.option_offsets
    stated = [
        row
        for row in rows.tolist()
        if np.isfinite(aligned.option_scores[bounds[row] : bounds[row + 1]]).all()
    ]
    if not stated:
        return None
    flat = np.concatenate([aligned.option_scores[bounds[row] : bounds[row + 1]] for row in stated])
    n_options = exam.n_options[stated]
    # An answer with an option that its question does not have, as one in CMExam's test split, is not known.
    gold = np.where(exam.answers[stated] >> n_options, 0, exam.answers[stated])
    scores = metrics.score_probabilities(gold, flat, offsets_of(n_options))
    return {
        "n": scores.n,
        "log_loss": _finite(scores.log_loss),
        "brier": _finite(scores.brier),
        "calibration_error": _finite(scores.calibration_error),
        "reliability": [
            {"confidence": part.mean_confidence, "accuracy": part.accuracy, "n": part.n}
            for part in scores.reliability
            if part.n
        ],
        "accuracy_at_coverage": [
            {"coverage": coverage, "accuracy": _finite(accuracy)}
            for coverage, accuracy in scores.accuracy_at_coverage.items()
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
