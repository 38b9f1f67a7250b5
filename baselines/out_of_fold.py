"""Option scores of training questions, each from a model that saw neither the question nor a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.arrays import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import DetailedStage, Progress, detail_of
from cmexam_baseline.features.arrays import segment_rows

Scores = NDArray[np.float64]

# Called as train(questions, progress, folder for checkpoints); what it returns has `predict(exam, progress)`.
Train = Callable[[Exam, Progress, Path | None], Any]


@dataclass(frozen=True)
class FinishedFolds:
    """The scores of finished folds in a folder, so that a training that was killed need not repeat them.

    run: fingerprint of all that the scores depend on; None as the folder keeps nothing
    """

    folder: Path | None
    run: str

    def checkpoints(self, fold: int) -> Path | None:
        """Where the model of a fold keeps its checkpoints while it is trained."""
        return None if self.folder is None else self.folder / f"fold-{fold + 1}"

    def load(self, fold: int, n_options: int) -> Scores | None:
        """The scores of a fold; None where there are none or the file is damaged.

        Raises `InputError` where they are of other data or settings.
        """
        if self.folder is None:
            return None
        path = self._file(fold)
        try:
            arrays = unpack_arrays(path.read_bytes())
            run, scores = str(arrays["run"]), arrays["scores"]
        except (OSError, EOFError, *UNREADABLE):
            return None
        if run != self.run:
            raise InputError(f"{path} holds scores of other data or settings; remove {path.parent}")
        whole = scores.dtype == np.float64 and scores.shape == (n_options,) and np.isfinite(scores).all()
        return scores if whole else None

    def keep(self, fold: int, scores: Scores) -> None:
        """Write the scores of a fold, and remove the checkpoints that led to them."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._file(fold), pack_arrays({"run": np.array(self.run), "scores": scores}))
        shutil.rmtree(self.folder / f"fold-{fold + 1}", ignore_errors=True)

    def _file(self, fold: int) -> Path:
        return (self.folder or Path()) / f"fold-{fold + 1}.npz"


def leak_safe_folds(exam: Exam, n_folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each question, int64 (n,); a question and its copies (`copy_keys`) share one.

    Raises `InputError` where there are fewer different questions than folds.
    """
    keys = copy_keys(exam)
    n_different = len(np.unique(keys))
    if n_different < n_folds:
        raise InputError(
            f"{n_different} different training questions cannot be cut into {n_folds} folds; give more questions"
            " or fewer --folds"
        )
    return folds_of(keys, n_folds, seed)


def out_of_fold_scores(
    exam: Exam, folds: NDArray[np.int64], train: Train, finished: FinishedFolds, progress: Progress
) -> Scores:
    """A score for every option of `exam`, float64, flat: fold by fold, from a model of all other folds."""
    n_folds = int(folds.max()) + 1
    fold_of_option = folds[segment_rows(exam.option_offsets)]
    scores = np.zeros(len(exam.option_texts))
    for fold in range(n_folds):
        mine = fold_of_option == fold
        said = named(progress, f"fold {fold + 1} of {n_folds}")
        found = finished.load(fold, int(mine.sum()))
        if found is None:
            model = train(exam[folds != fold], said, finished.checkpoints(fold))
            found = model.predict(exam[folds == fold], said).option_scores
            finished.keep(fold, found)
            del model  # or its weights would lie beside those of the next
        else:
            said("finished before", 1, 1)
        scores[mine] = found
    return scores


def named(progress: Progress, name: str) -> Progress:
    """A progress whose stages begin with a name."""
    return lambda stage, done, total: progress(
        DetailedStage(f"{name}: {stage}", detail_of(stage)), done, total
    )
