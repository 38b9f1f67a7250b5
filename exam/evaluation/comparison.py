"""Several systems on one exam: differences with paired tests, agreement, questions that all miss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.evaluation.score import Settings, SystemScore
from cmexam_baseline.exam.exam import Exam

COMPARED = ("accuracy", "weighted_f1")
COMPARED_EXPLANATIONS = ("bleu1", "bleu4", "rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class Difference:
    """One figure of two systems on the same questions: the first minus the second.

    value, low, high: the difference with its 95% interval from the paired bootstrap; fractions for answers,
                      percent for BLEU and ROUGE
    p:      two-sided, of McNemar's exact test for accuracy, else of the paired permutation test
    p_holm: the same, corrected by Holm's procedure over all pairs of systems for this figure
    """

    figure: str
    first: str
    second: str
    value: float
    low: float
    high: float
    test: str
    p: float
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Comparison:
    """What sets systems apart.

    differences: for every pair of systems and figure
    agreement:   (first, second, share of questions with the same answer)
    slice_wins:  system -> number of slices, small ones aside, in which no other system is more accurate
    all_miss:    ids of the questions that every system gets wrong
    none_miss:   number of questions that every system gets right
    """

    differences: list[Difference]
    agreement: list[tuple[str, str, float]]
    slice_wins: dict[str, int]
    all_miss: list[str]
    none_miss: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "differences": [difference.to_dict() for difference in self.differences],
            "agreement": [
                {"first": first, "second": second, "share": share} for first, second, share in self.agreement
            ],
            "slice_wins": self.slice_wins,
            "all_miss": self.all_miss,
            "none_miss": self.none_miss,
        }


def compare_systems(exam: Exam, systems: Sequence[SystemScore], settings: Settings) -> Comparison:
    """Compare two systems or more that were scored on the same exam.

    With `missing="skip"` only the questions count that every system has a row for. Raises `InputError` for
    fewer than two systems or where there is no such question.
    """
    if len(systems) < 2:
        raise InputError("a comparison needs two systems or more; give more files")
    rows = systems[0].rows
    for system in systems[1:]:
        rows = np.intersect1d(rows, system.rows)
    if not rows.size:
        raise InputError("no question has a row from every system; choose --missing wrong")
    answering = [system for system in systems if system.answers is not None]
    right = np.array(
        [system.aligned.answers[rows] == exam.answers[rows] for system in answering], dtype=np.bool_
    )
    return Comparison(
        differences=[
            *_corrected(answering, lambda a, b: _answer_differences(exam, rows, a, b, settings)),
            *_corrected(
                [system for system in systems if system.explanations is not None],
                lambda a, b: _explanation_differences(a, b, settings),
            ),
        ],
        agreement=[
            (a.name, b.name, float((a.aligned.answers[rows] == b.aligned.answers[rows]).mean()))
            for a, b in combinations(answering, 2)
        ],
        slice_wins=_slice_wins(answering),
        all_miss=[exam.ids[row] for row in rows[~right.any(axis=0)].tolist()] if len(right) else [],
        none_miss=int(right.all(axis=0).sum()) if len(right) else 0,
    )


def _corrected(
    systems: Sequence[SystemScore], compare: Callable[[SystemScore, SystemScore], list[Difference]]
) -> list[Difference]:
    """All pairs, with Holm's correction over the pairs for each figure."""
    found = [difference for a, b in combinations(systems, 2) for difference in compare(a, b)]
    corrected = []
    for figure in dict.fromkeys(difference.figure for difference in found):
        same = [difference for difference in found if difference.figure == figure]
        adjusted = metrics.holm([difference.p for difference in same])
        corrected += [replace(difference, p_holm=p) for difference, p in zip(same, adjusted, strict=True)]
    return corrected


def _answer_differences(
    exam: Exam, rows: np.ndarray[Any, Any], a: SystemScore, b: SystemScore, settings: Settings
) -> list[Difference]:
    gold, first, second = exam.answers[rows], a.aligned.answers[rows], b.aligned.answers[rows]
    compared = metrics.compare_answers(gold, first, second, resamples=settings.resamples, seed=settings.seed)
    mcnemar = metrics.mcnemar(gold, first, second)
    tests = {"accuracy": ("McNemar", mcnemar.p)}
    return [
        _difference(figure, a, b, compared[figure], *tests.get(figure, ("permutation", None)))
        for figure in COMPARED
    ]


def _explanation_differences(a: SystemScore, b: SystemScore, settings: Settings) -> list[Difference]:
    if a.explanations is None or b.explanations is None or len(a.rows) != len(b.rows):
        return []
    compared = metrics.compare_explanations(
        a.explanations, b.explanations, resamples=settings.resamples, seed=settings.seed
    )
    return [_difference(figure, a, b, compared[figure], "permutation") for figure in COMPARED_EXPLANATIONS]


def _difference(
    figure: str, a: SystemScore, b: SystemScore, found: metrics.Comparison, test: str, p: float | None = None
) -> Difference:
    chance = found.p_permutation if p is None else p
    low, high = found.interval
    return Difference(figure, a.name, b.name, found.difference, low, high, test, chance, chance)


def _slice_wins(systems: Sequence[SystemScore]) -> dict[str, int]:
    best: dict[tuple[str, str], float] = {}
    for system in systems:
        for part in system.slices:
            if not part.small:
                key = (part.by, part.value)
                best[key] = max(best.get(key, 0.0), part.accuracy.value)
    return {
        system.name: sum(
            not part.small and part.accuracy.value >= best[part.by, part.value] for part in system.slices
        )
        for system in systems
    }
