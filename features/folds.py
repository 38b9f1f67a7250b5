"""Which rows must not see each other."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.normalise import normalise_texts


def copy_keys(exam: Exam) -> NDArray[np.uint64]:
    """A number for each question, uint64 (n,), equal for the same stem with the same set of options.

    Width, case, blanks, punctuation and the order of the options do not matter; neither do answer and
    explanation. The number is the start of a SHA-256, so it is the same in every process.

    >>> from cmexam_baseline.exam import Question
    >>> first = Question("a", "夜盲症缺乏", ("维生素A", "维生素C"))
    >>> copy = Question("b", "夜盲症缺乏：", ("维生素C", "维生素Ａ"))
    >>> len(set(copy_keys(Exam.from_questions([first, copy])).tolist()))
    1
    """
    stems = normalise_texts(exam.questions)
    options = normalise_texts(exam.option_texts)
    bounds = exam.option_offsets.tolist()
    keys = np.empty(len(exam), dtype=np.uint64)
    for row, stem in enumerate(stems):
        content = "\x1e".join([stem, *sorted(options[bounds[row] : bounds[row + 1]])])
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).digest()
        keys[row] = int.from_bytes(digest[:8], "little")
    return keys


def folds_of(keys: NDArray[np.uint64], n_folds: int, seed: int = 0) -> NDArray[np.int64]:
    """A fold number for each row, int64 (n,), equal for equal keys; folds hold about as many keys each."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    return (shuffled % n_folds)[group].astype(np.int64)
