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
from cmexam_baseline.metrics.threads import in_threads

# Between the name of a feature and what it is beside the other options.
RELATION = "__"
# Questions that are compared at once: their arrays stay in the processor's cache.
_BLOCK = 64


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
        table = np.empty((len(exam.option_texts), len(names)), dtype=np.float32)

        def fill(start: int) -> None:
            offsets = exam.option_offsets[start : start + _BLOCK + 1]
            rows = slice(offsets[0], offsets[-1])
            values = np.column_stack([column[rows] for column in compared.values()])
            beside = within_question_stats(values, offsets - offsets[0])
            ordered = np.stack([beside[relation] for relation in STATISTICS], axis=2)
            table[rows] = np.column_stack(
                [values, *(column[rows] for column in plain.values()), ordered.reshape(len(values), -1)]
            )

        for done, _ in enumerate(in_threads(fill, range(0, len(exam), _BLOCK))):
            progress("comparing options", done * _BLOCK, len(exam))
        progress("comparing options", len(exam), len(exam))
        return cls(names, table, exam.option_offsets)
