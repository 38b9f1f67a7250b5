"""What every baseline can do: the seam between the models and everything that trains, saves and scores them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress


class Baseline(Protocol):
    """A model that answers exams, with the conventions of a scikit-learn estimator.

    Constructor arguments are keywords and only stored; `random_state` is one of them. What `fit` learns has
    names that end in `_`. `load` is the class method that brings back what `save` wrote.
    """

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, as JSON values."""

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> Baseline:
        """Learn from `exam`, choose on `val` and return itself.

        from_other_exam: bool (n,), whether each question of `exam` comes from an exam other than `val`'s
        """

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers to `exam`; raises `NotFittedError` before `fit` or `load`."""

    def save(self, folder: Path) -> None:
        """Write the model into a new folder."""
