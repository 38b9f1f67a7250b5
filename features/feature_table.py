"""The table that the trees read: a row per option, a column per feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.option_features import STATISTICS, context, surface, within_question_stats
from cmexam_baseline.features.retrieval_features import retrieval_features
from cmexam_baseline.features.training_index import TrainingIndex

# Between the name of a feature and what it is beside the other options.
RELATION = "__"


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """What the trees read.

    names:   the features
    values:  float32 (options, features), options flat in exam order
    offsets: int64 (questions+1,), bounds of the questions
    """

    names: list[str]
    values: NDArray[np.float32]
    offsets: NDArray[np.int64]

    @classmethod
    def build(
        cls,
        index: TrainingIndex,
        exam: Exam,
        keys: Keys | None = None,
        progress: Progress = no_progress,
        from_other_exam: NDArray[np.bool_] | None = None,
        extra_columns: Columns | None = None,
    ) -> FeatureTable:
        """All features of `exam`; no row depends on a training question with its own key.

        from_other_exam: bool (n,), which questions come from another exam (default: none)
        extra_columns:     further features, one value per option
        """
        compared = {
            **retrieval_features(index, exam, keys, progress),
            **(extra_columns or {}),
            **surface(exam),
        }
        plain = context(exam)
        if index.from_other_exam.any():
            asked_elsewhere = (
                np.zeros(len(exam)) if from_other_exam is None else from_other_exam.astype(np.float64)
            )
            plain["asked_elsewhere"] = np.repeat(asked_elsewhere, exam.n_options)
        relations = [f"{name}{RELATION}{relation}" for name in compared for relation in STATISTICS]
        names = [*compared, *plain, *relations]
        # Filled column by column: on large exams a second copy of the table would not fit into memory.
        table = np.empty((len(exam.option_texts), len(names)), dtype=np.float32)
        for place, column in enumerate([*compared.values(), *plain.values()]):
            table[:, place] = column
        place = len(compared) + len(plain)
        for done, name in enumerate(list(compared)):
            progress("comparing options", done, len(relations) // len(STATISTICS))
            beside = within_question_stats(compared.pop(name), exam.option_offsets)
            for relation in STATISTICS:
                table[:, place] = beside[relation]
                place += 1
        progress("comparing options", len(relations) // len(STATISTICS), len(relations) // len(STATISTICS))
        return cls(names, table, exam.option_offsets)
