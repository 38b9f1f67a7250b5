"""Few-shot examples: training questions that precede a question, never the question itself or a copy of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import are_near
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.normalise import normalise_texts

# Nearest training questions looked at for each question; copies and doubles among them are skipped.
_CANDIDATES_BEYOND = 30
_ROWS_AT_ONCE = 256


def pick_examples(
    exam: Exam, train: Exam, shots: int, by: str = "seed", seed: int = 0, explained: bool = False
) -> list[list[int]]:
    """For each question of `exam` the rows of `train` that are its examples, `shots` of them.

    by:        "seed" draws examples at random, the same for all questions; "similarity" takes the questions
               most like this one, the most similar last, next to the question
    explained: only examples with an explanation

    Never an example is a training question whose stem is the question's own or nearly (`are_near`), nor two
    with the same stem. Training questions without an answer are not examples.

    Raises `InputError` where `train` has too few questions that can be examples.

    >>> from cmexam_baseline.exam import Question
    >>> train = Exam.from_questions(Question("", stem, ("甲", "乙"), "A") for stem in ("夜盲症", "坏血病"))
    >>> pick_examples(train[:1], train, shots=1)
    [[1]]
    """
    if by not in PICKERS:
        raise InputError(f"examples are picked by {' or '.join(PICKERS)}; got {by!r}")
    usable = train.answers > 0
    if explained:
        usable &= np.array([bool(text) for text in train.explanations])
    pool = np.flatnonzero(usable)
    stems = normalise_texts(train.questions)
    picked = []
    ranked = PICKERS[by](exam, train, pool, shots, seed)
    for stem, candidates in zip(normalise_texts(exam.questions), ranked, strict=True):
        rows = _without_copies(stem, candidates, stems, shots)
        if len(rows) < shots:
            kind = "answered and explained" if explained else "answered"
            raise InputError(
                f"the training exam has too few {kind} questions ({len(pool)}) for {shots} examples that are "
                "not the question itself; give more, or fewer `shots`"
            )
        picked.append(rows[::-1] if by == "similarity" else rows)
    return picked


def _without_copies(stem: str, candidates: Sequence[int], stems: Sequence[str], shots: int) -> list[int]:
    rows: list[int] = []
    seen = {stem}
    for row in candidates:
        if len(rows) == shots:
            break
        if stems[row] not in seen and not are_near(stem, stems[row]):
            rows.append(row)
            seen.add(stems[row])
    return rows


def _drawn(
    exam: Exam, train: Exam, pool: NDArray[np.int64], shots: int, seed: int
) -> Iterator[Sequence[int]]:
    order = np.random.default_rng(seed).permutation(pool).tolist()
    return (order for _ in range(len(exam)))


def _most_similar(
    exam: Exam, train: Exam, pool: NDArray[np.int64], shots: int, seed: int
) -> Iterator[Sequence[int]]:
    """Rows of `train` by cosine of TF-IDF over characters and pairs of them, stem and options together."""
    require("lightgbm", "sklearn", purpose="picking examples by similarity")
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not len(pool):
        yield from ([] for _ in range(len(exam)))
        return
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    known = vectorizer.fit_transform(_texts(train[pool])).T.tocsr()
    asked = vectorizer.transform(_texts(exam))
    wanted = shots + _CANDIDATES_BEYOND
    for start in range(0, len(exam), _ROWS_AT_ONCE):
        similarities = (asked[start : start + _ROWS_AT_ONCE] @ known).toarray()
        # A stable order, so that equal similarities give the same examples everywhere.
        for row in similarities:
            nearest = np.argpartition(-row, min(wanted, len(row) - 1))[:wanted]
            yield pool[nearest[np.lexsort((nearest, -row[nearest]))]].tolist()


def _texts(exam: Exam) -> list[str]:
    return [" ".join([exam.questions[row], *exam.options(row)]) for row in range(len(exam))]


PICKERS = {"seed": _drawn, "similarity": _most_similar}
