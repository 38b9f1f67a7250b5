"""The table that the trees read: a row an option, a column a feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, silent
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.option_features import RELATIONS, beside_the_others, context, surface
from cmexam_baseline.features.retrieval_features import gather_evidence
from cmexam_baseline.features.training_index import Library

# Between the name of a feature and what it is beside the other options.
RELATION = "__"


@dataclass(frozen=True, eq=False)
class Table:
    """names: the features; values: float32 (options, features), options flat in exam order."""

    names: list[str]
    values: NDArray[np.float32]

    @classmethod
    def build(
        cls,
        library: Library,
        exam: Exam,
        keys: Keys | None = None,
        progress: Progress = silent,
        is_extra: NDArray[np.bool_] | None = None,
        more: Columns | None = None,
    ) -> Table:
        """All features of `exam` as `library` sees it; rows see no training question with their key.

        is_extra: bool (n,), which questions come from another exam (default: none)
        more:     further evidence, one value an option
        """
        compared = {**gather_evidence(library, exam, keys, progress), **(more or {}), **surface(exam)}
        plain = context(exam)
        if library.is_extra.any():
            asked_elsewhere = np.zeros(len(exam)) if is_extra is None else is_extra.astype(np.float64)
            plain["asked_elsewhere"] = np.repeat(asked_elsewhere, exam.n_options)
        relations = [f"{name}{RELATION}{relation}" for name in compared for relation in RELATIONS]
        names = [*compared, *plain, *relations]
        # Filled column by column: on large exams a second copy of the table would not fit into memory.
        table = np.empty((len(exam.option_texts), len(names)), dtype=np.float32)
        for place, column in enumerate([*compared.values(), *plain.values()]):
            table[:, place] = column
        place = len(compared) + len(plain)
        for done, name in enumerate(list(compared)):
            progress("comparing options", done, len(relations) // len(RELATIONS))
            beside = beside_the_others(compared.pop(name), exam.option_offsets)
            for relation in RELATIONS:
                table[:, place] = beside[relation]
                place += 1
        progress("comparing options", len(relations) // len(RELATIONS), len(relations) // len(RELATIONS))
        return cls(names, table)
