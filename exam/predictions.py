"""What a model answered: letters, and where known a probability for every option and an explanation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import refuse_doubled
from cmexam_baseline.exam.letters import masks_to_letters


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """The answers of one model to n questions.

    ids:            n different strings, those of the exam
    answers:        uint8 (n,) bit masks, 0 = no answer
    option_scores:  float64, the probability of every option of every question, flat; or None
    option_offsets: int64 (n+1,), bounds of the questions in `option_scores`; given together with it
    explanations:   n texts, or None where the model gives none

    The arrays are copied and read-only. Raises `InputError` where the columns do not fit.

    >>> predictions = Predictions(["q1", "q2"], [1, 6])
    >>> predictions.letters()
    ['A', 'BC']
    """

    ids: list[str]
    answers: NDArray[np.uint8]
    option_scores: NDArray[np.float64] | None = None
    option_offsets: NDArray[np.int64] | None = None
    explanations: list[str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", _copied(self.answers, np.uint8, "answers"))
        if (self.option_scores is None) != (self.option_offsets is None):
            raise InputError("option_scores and option_offsets belong together; give both or neither")
        if self.option_scores is not None:
            object.__setattr__(
                self, "option_scores", _copied(self.option_scores, np.float64, "option_scores")
            )
            object.__setattr__(
                self, "option_offsets", _copied(self.option_offsets, np.int64, "option_offsets")
            )
        refuse_doubled(self.ids, "prediction id")

    def __len__(self) -> int:
        return len(self.ids)

    def letters(self) -> list[str]:
        """The answers as letters in order, "" where there is none."""
        return masks_to_letters(self.answers)


def _copied(values: ArrayLike, dtype: type[np.generic], name: str) -> NDArray[np.generic]:
    copy = np.array(values).astype(dtype)
    copy.flags.writeable = False
    return copy
