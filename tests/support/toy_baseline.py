"""The smallest model that `train` can be taught: one answer for all questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam, Predictions, letters_to_mask
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.progress import Progress


class OneLetter(Estimator):
    """Answers every question with the same letter."""

    def __init__(self, *, letter: str = "A", random_state: int = 0) -> None:
        self.letter = letter
        self.random_state = random_state

    @property
    def settings(self) -> dict[str, Any]:
        """The letter."""
        return {"letter": self.letter}

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> OneLetter:
        """Learn nothing but the letter's mask."""
        self.mask_ = letters_to_mask(self.letter)
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """The letter, for every question."""
        self._check_is_fitted()
        return Predictions(exam.ids, np.full(len(exam), self.mask_, np.uint16))

    def save(self, folder: Path) -> None:
        """Write the letter."""
        folder.mkdir()
        (folder / "letter.txt").write_text(self.letter)

    @classmethod
    def load(cls, folder: Path) -> OneLetter:
        """Read the letter."""
        loaded = cls(letter=(folder / "letter.txt").read_text())
        loaded.mask_ = letters_to_mask(loaded.letter)
        return loaded


class OptionLengths(OneLetter):
    """Scores every option by its length."""

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """The letter A, and a hundredth of the characters of each option."""
        scores = np.array([len(text) for text in exam.option_texts]) / 100
        return Predictions(exam.ids, np.ones(len(exam), np.uint16), scores, exam.option_offsets)


def train_lengths(exam: Exam, progress: Progress, checkpoints: Path | None) -> OptionLengths:
    """A model as `out_of_fold_scores` asks for it, also from another process."""
    return OptionLengths()
