"""Out-of-fold option scores: each from a model that saw neither the question nor a duplicate of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.parallel_jobs import run_jobs
from cmexam_baseline.baselines.registry import Baseline
from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import copy_keys, folds_of, option_keys
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import locked, write_atomically
from cmexam_baseline.exam.io.manifest import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.exam.progress import Progress, no_progress, prefix_progress
from cmexam_baseline.metrics.ragged import row_numbers

Scores = NDArray[np.float64]

# Called as train(questions, progress, folder for checkpoints); returns the fitted model.
Train = Callable[[Exam, Progress, Path | None], Baseline]


@dataclass(frozen=True, eq=False)
class OofScores:
    """Scores of the options of training questions, found again by the content of a question.

    keys:   uint64 (m,), one per option with its question, ascending, unique
    scores: float64 (m,), from models that saw neither the question nor a copy of it
    """

    keys: NDArray[np.uint64]
    scores: Scores

    @classmethod
    def from_exam(cls, exam: Exam, scores: Scores) -> OofScores:
        """The scores of `exam`, float64, flat; of duplicates the first counts."""
        keys, first = np.unique(option_keys(exam), return_index=True)
        return cls(keys, scores[first])

    @classmethod
    def none(cls) -> OofScores:
        """No scores: those of no question are replaced."""
        return cls(np.zeros(0, np.uint64), np.zeros(0))

    def replace_known(self, scores: Scores, exam: Exam) -> Scores:
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


@contextmanager
def hold_folder(folder: Path | None) -> Iterator[None]:
    """Make a folder and keep other processes from training with it; raises `InputError` if one does."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "wait for it, or choose another place"):
        yield


@dataclass(frozen=True)
class FoldCache:
    """The scores of finished folds in a folder, from which a training that was killed resumes.

    folder: None keeps nothing; run: fingerprint of all that the scores depend on
    """

    folder: Path | None
    run: str

    def checkpoints(self, fold: int) -> Path | None:
        """Where the model of a fold keeps its checkpoints during training."""
        return None if self.folder is None else self.folder / f"fold-{fold + 1}"

    def load(self, fold: int, n_options: int) -> Scores | None:
        """The scores of a fold; None if there are none or the file is damaged.

        Raises `InputError` if they belong to other data or settings.
        """
        if self.folder is None:
            return None
        path = self.folder / f"fold-{fold + 1}.npz"
        try:
            arrays = unpack_arrays(path.read_bytes())
            run, scores = str(arrays["run"]), arrays["scores"]
        except (OSError, *UNREADABLE):
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
        content = pack_arrays({"run": np.array(self.run), "scores": scores})
        write_atomically(self.folder / f"fold-{fold + 1}.npz", content)
        shutil.rmtree(self.folder / f"fold-{fold + 1}", ignore_errors=True)


def leak_safe_folds(exam: Exam, n_folds: int, random_state: int) -> NDArray[np.int64]:
    """A fold for each question, int64 (n,); a question and its duplicates (`copy_keys`) share one.

    Raises `InputError` if there are fewer different questions than folds, or no fold.
    """
    if n_folds < 1:
        raise InputError(f"`n_folds` must be 1 or more; got {n_folds}")
    keys = copy_keys(exam)
    n_different = len(np.unique(keys))
    if n_different < n_folds:
        raise InputError(
            f"{n_different} different training questions cannot be cut into {n_folds} folds; give more questions"
            f" or use `n_folds={n_different}`"
        )
    return folds_of(keys, n_folds, random_state)


def out_of_fold_scores(
    exam: Exam, folds: NDArray[np.int64], train: Train, cache: FoldCache, progress: Progress, jobs: int = 1
) -> Scores:
    """A score per option of `exam`, float64, flat, each from a model of the other folds.

    With `jobs`, folds are trained side by side in that many processes; this needs a cache with a folder.
    """
    n_folds = int(folds.max()) + 1
    if jobs > 1 and cache.folder is not None:
        calls = [(exam, folds, fold, train, cache) for fold in range(n_folds)]
        for done, _ in enumerate(run_jobs(fold_scores, calls, jobs), 1):
            progress(f"{n_folds} folds side by side", done, n_folds)
    fold_of_option = folds[row_numbers(exam.option_offsets)]
    scores = np.zeros(len(exam.option_texts))
    for fold in range(n_folds):
        reported = prefix_progress(progress, f"fold {fold + 1} of {n_folds}")
        scores[fold_of_option == fold] = fold_scores(exam, folds, fold, train, cache, reported)
    return scores


def fold_scores(
    exam: Exam,
    folds: NDArray[np.int64],
    fold: int,
    train: Train,
    cache: FoldCache,
    progress: Progress = no_progress,
) -> Scores:
    """The scores of one fold, from the cache or from a model trained now on all other folds."""
    held_out, checkpoints = exam[folds == fold], cache.checkpoints(fold)
    found = cache.load(fold, len(held_out.option_texts))
    if found is not None:
        progress("finished before", 1, 1)
        return found
    with hold_folder(checkpoints):
        model = train(exam[folds != fold], progress, checkpoints)
        scores = np.asarray(model.predict(held_out, progress).option_scores, np.float64)
        cache.keep(fold, scores)
    return scores
