"""How good stated probabilities are: log loss, Brier score, calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.evaluation.aligned import AlignedOutput
from cmexam_baseline.exam.exam import Exam


def probability_scores(exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64]) -> dict[str, Any] | None:
    return None
