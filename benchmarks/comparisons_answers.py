"""Answers: weighted precision, recall and F1 of label strings, against scikit-learn."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
from comparison import Comparison, Contender

from cmexam_baseline import metrics

# One letter, and as in CMExam 3% of sets of letters.
SINGLE = ["A", "B", "C", "D", "E"]
SETS = ["AB", "AC", "ABD", "BCE", "ABCD", "ABCDE"]
FORMS = {"lists": list, "arrays": np.array, "arrays of objects": lambda answers: np.array(answers, object)}


def comparisons(
    n: int = 1_000_000, forms: Sequence[str] = tuple(FORMS), floor: float = 10
) -> Iterator[Comparison]:
    """Each form of input, with the floor that the project has set itself."""
    answers = [labels(n, seed) for seed in (0, 1)]
    for form in forms:
        gold, predicted = (FORMS[form](side) for side in answers)
        yield _comparison(form, gold, predicted, floor)


def small() -> Iterator[Comparison]:
    """Fewer answers and a lower floor, for fixed costs of a call weigh more."""
    yield from comparisons(100_000, ("lists", "arrays"), floor=4)


def labels(n: int, seed: int) -> list[str]:
    """n label strings, each an object of its own, as a file would give them."""
    draw = random.Random(seed)
    chosen = draw.choices(
        [*SINGLE, *SETS], [0.97 / len(SINGLE)] * len(SINGLE) + [0.03 / len(SETS)] * len(SETS), k=n
    )
    return ",".join(chosen).split(",")


def by_scikit_learn(gold: object, predicted: object) -> tuple[float, float, float]:
    from sklearn.metrics import precision_recall_fscore_support

    figures = precision_recall_fscore_support(gold, predicted, average="weighted", zero_division=0)
    return figures[0], figures[1], figures[2]


def by_ours(gold: object, predicted: object) -> tuple[float, float, float]:
    average = metrics.score_answers(gold, predicted).weighted
    return average.precision, average.recall, average.f1


def _comparison(form: str, gold: Sequence[str], predicted: Sequence[str], floor: float) -> Comparison:
    def agree() -> None:
        part = slice(10_000)
        ours, theirs = by_ours(gold[part], predicted[part]), by_scikit_learn(gold[part], predicted[part])
        if max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) > 1e-12:
            raise AssertionError(f"{ours} is not {theirs}")

    return Comparison(
        f"answers-{form.replace(' ', '-')}-{len(gold)}",
        f"weighted precision, recall and F1 of label strings, {form}",
        f"{len(gold):,} answers",
        Contender("cmexam-baseline", lambda: by_ours(gold, predicted)),
        [Contender("scikit-learn", lambda: by_scikit_learn(gold, predicted), 2)],
        {"scikit-learn": floor},
        agree,
    )
