"""What an encoder that had not seen them said of the training questions, to be found again by their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import option_keys


@dataclass(frozen=True, eq=False)
class SeenScores:
    """Scores of the options of training questions.

    keys:   uint64 (m,), one for each option with its question, ascending, each once
    scores: float64 (m,)
    """

    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, exam: Exam, scores: NDArray[np.float64]) -> SeenScores:
        """The scores of `exam`, flat; of copies the first counts."""
        keys, first = np.unique(option_keys(exam), return_index=True)
        return cls(keys, scores[first])

    def in_place_of(self, scores: NDArray[np.float64], exam: Exam) -> NDArray[np.float64]:
        """`scores` of the options of `exam`, flat, but for questions with a copy here the scores kept of it.

        >>> from cmexam_baseline.exam import Question
        >>> seen = Exam.from_questions([Question("1", "夜盲症缺乏", ("维生素A", "铁"), "A")])
        >>> asked = Exam.from_questions([Question("2", "夜盲症缺乏：", ("铁", "维生素A"))])
        >>> SeenScores.of(seen, np.array([0.7, 0.1])).in_place_of(np.array([0.5, 0.5]), asked).tolist()
        [0.1, 0.7]
        """
        if not len(self.keys):
            return scores
        wanted = option_keys(exam)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self.scores[places], scores)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {"keys": self.keys, "scores": self.scores}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> SeenScores:
        """What `arrays` described; raises `KeyError` where a part is missing."""
        return cls(arrays["keys"], arrays["scores"])
