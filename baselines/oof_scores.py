"""Out-of-fold encoder scores of training questions, found again by the content of a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import option_keys


@dataclass(frozen=True, eq=False)
class OofScores:
    """Scores of the options of training questions, from models that saw neither a question nor a copy of it.

    keys:   uint64 (m,), one per option with its question, ascending, unique
    scores: float64 (m,)
    """

    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]

    @classmethod
    def from_exam(cls, exam: Exam, scores: NDArray[np.float64]) -> OofScores:
        """The scores of `exam`, float64, flat; of duplicates the first counts."""
        keys, first = np.unique(option_keys(exam), return_index=True)
        return cls(keys, scores[first])

    def replace_known(self, scores: NDArray[np.float64], exam: Exam) -> NDArray[np.float64]:
        """`scores` of the options of `exam`, flat; questions that occur here get the scores kept for them.

        >>> from cmexam_baseline.exam import Question
        >>> seen = Exam.from_questions([Question("1", "夜盲症缺乏", ("维生素A", "铁"), "A")])
        >>> asked = Exam.from_questions([Question("2", "夜盲症缺乏：", ("铁", "维生素A"))])
        >>> OofScores.from_exam(seen, np.array([0.7, 0.1])).replace_known(np.array([0.5, 0.5]), asked).tolist()
        [0.1, 0.7]
        """
        if not len(self.keys):
            return scores
        wanted = option_keys(exam)
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[places] == wanted, self.scores[places], scores)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays to save."""
        return {"keys": self.keys, "scores": self.scores}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> OofScores:
        """What `arrays` described; raises `KeyError` where a part is missing."""
        return cls(arrays["keys"], arrays["scores"])
