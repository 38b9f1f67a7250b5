"""Several systems on one exam: differences with paired tests, agreement, questions that all miss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, repeat
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import to_frame
from cmexam_baseline.exam.published import EXPLANATION_FIGURES
from cmexam_baseline.scoring.slices import Slice
from cmexam_baseline.scoring.system_score import SMALL_SLICE, Settings, SystemScore

NamedAnswers = tuple[str, NDArray[np.uint16]]
System = TypeVar("System")

# 20 systems are 190 pairs, some 40 seconds for answers; 200 would be 19,900, an hour and more.
MOST_FOR_ALL_PAIRS = 20
COMPARED = ("accuracy", "weighted_f1")


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

    @property
    def significant(self) -> bool:
        """Whether `p_holm` is below 0.05."""
        return self.p_holm < 0.05

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class SliceWinners:
    """The systems that no other beats on the n questions of a slice; several where they tie."""

    by: str
    value: str
    n: int
    accuracy: float
    winners: list[str]

    @property
    def small(self) -> bool:
        """Whether the slice has fewer than `SMALL_SLICE` questions."""
        return self.n < SMALL_SLICE

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "small": self.small}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What sets systems apart, on the n questions that count for all of them.

    differences: for every pair of systems and figure; with `pairs` "best" only those of the best system
    agreement:   (first, second, share of questions with the same answer)
    slices:      who wins each slice
    slice_wins:  system -> number of slices, small ones aside, in which no other system is more accurate
    all_miss:    ids of the questions that every system gets wrong
    none_miss:   number of questions that every system gets right
    """

    n: int
    differences: list[Difference]
    agreement: list[tuple[str, str, float]]
    slices: list[SliceWinners]
    all_miss: list[str]
    none_miss: int
    pairs: str = "all"

    @property
    def slice_wins(self) -> dict[str, int]:
        """See the class; systems that win nothing are left out, the most wins come first."""
        counts = Counter(name for part in self.slices if not part.small for name in part.winners)
        return dict(counts.most_common())

    def to_frame(self, library: str | None = None) -> Any:
        """One row per pair of systems and figure; see `Exam.to_frame` for the library."""
        rows = [difference.to_dict() for difference in self.differences]
        columns = {name: [row[name] for row in rows] for name in Difference.__dataclass_fields__}
        return to_frame(columns, library)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "n": self.n,
            "pairs": self.pairs,
            "differences": [difference.to_dict() for difference in self.differences],
            "agreement": [
                {"first": first, "second": second, "share": share} for first, second, share in self.agreement
            ],
            "slices": [part.to_dict() for part in self.slices],
            "slice_wins": self.slice_wins,
            "all_miss": self.all_miss,
            "none_miss": self.none_miss,
        }


def compare_systems(
    exam: Exam,
    systems: Sequence[SystemScore],
    settings: Settings,
    slices: Sequence[Slice] = (),
    all_pairs: bool | None = None,
) -> Comparison:
    """Compare two systems or more that were scored on the same exam.

    With `missing="skip"` only the questions count that every system has a row for. `all_pairs` says whether
    each system is compared with each other, or only the best with each other (by accuracy, of explanations by
    ROUGE-L); None: all up to `MOST_FOR_ALL_PAIRS` systems. Holm's correction is over all pairs either way.
    Raises `InputError` for fewer than two systems or where there is no such question.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> from cmexam_baseline.scoring import align, read_outputs, score_system
    >>> exam = sample_exam("val")
    >>> good = [{"id": question.id, "response": f"答案：{question.answer}"} for question in exam]
    >>> files = {"good": good, "poor": good[:100]}
    >>> outputs = [read_outputs(rows, exam, name=name)[0] for name, rows in files.items()]
    >>> compared = compare_systems(exam, [score_system(exam, align(exam, one)) for one in outputs], Settings())
    >>> first = compared.differences[0]
    >>> first.figure, first.first, first.second, first.value, first.p_holm < 0.001
    ('accuracy', 'good', 'poor', 0.5, True)
    """
    if len(systems) < 2:
        raise InputError("a comparison needs two systems or more; give more files")
    rows = systems[0].rows
    for system in systems[1:]:
        rows = np.intersect1d(rows, system.rows)
    if not rows.size:
        raise InputError('no question has a row from every system; use `missing="wrong"`')
    gold = exam.answers[rows]
    answering = [one for one in systems if one.answers is not None]
    named = [(one.name, one.aligned.counted_answers[rows]) for one in answering]
    right = np.array([one.aligned.right_shares(exam.answers)[rows] for one in answering])
    every = len(systems) <= MOST_FOR_ALL_PAIRS if all_pairs is None else all_pairs
    of_explanations = _corrected(
        [system for system in systems if system.explanations is not None],
        lambda a, b: _explanation_differences(rows, a, b, settings),
        None if every else lambda one: one.explanations.rougeL if one.explanations else 0.0,
    )
    return Comparison(
        n=int(rows.size),
        differences=answer_differences(gold, named, settings, every) + of_explanations,
        agreement=[
            (first, second, float((a[:, :, None] == b[:, None]).mean()))
            for (first, a), (second, b) in combinations(named, 2)
        ],
        slices=_slice_winners(slices, rows, right, [name for name, _ in named]),
        all_miss=[exam.ids[row] for row in rows[~right.any(axis=0)].tolist()] if named else [],
        none_miss=int((right == 1).all(axis=0).sum()) if named else 0,
        pairs="all" if every else "best",
    )


def answer_differences(
    gold: NDArray[np.uint16], systems: Sequence[NamedAnswers], settings: Settings, all_pairs: bool = True
) -> list[Difference]:
    """Accuracy and weighted F1 of every pair of systems, each a name with its answers (bit masks) beside `gold`.

    The answers are (n,), or (n, k) where the mean of k replies to a question counts; McNemar's test is for one reply.
    Without `all_pairs` only the system with the most right answers is compared with each other.

    >>> gold = np.array([1, 2, 4, 8] * 10, np.uint16)
    >>> found = answer_differences(gold, [("right", gold), ("first", gold * 0 + 1)], Settings(resamples=100))
    >>> [(one.figure, one.value, one.test, one.p_holm < 0.001) for one in found[:1]]
    [('accuracy', 0.75, 'McNemar', True)]
    """
    return _corrected(
        systems,
        lambda a, b: _answer_differences(gold, a, b, settings),
        None if all_pairs else lambda one: float((one[1].reshape(len(gold), -1) == gold[:, None]).mean()),
    )


def _corrected(
    systems: Sequence[System],
    compare: Callable[[System, System], list[Difference]],
    quality: Callable[[System], float] | None = None,
) -> list[Difference]:
    """All pairs, or those of the system of the highest quality, with Holm's correction over all pairs."""
    pairs = list(combinations(systems, 2))
    n_left_out = 0
    if quality is not None and pairs:
        best = max(systems, key=quality)
        chosen = [(best, other) for other in systems if other is not best]
        n_left_out = len(pairs) - len(chosen)
        pairs = chosen
    found = [difference for a, b in pairs for difference in compare(a, b)]
    corrected = []
    for figure in dict.fromkeys(difference.figure for difference in found):
        same = [difference for difference in found if difference.figure == figure]
        # Which system is the best was seen from all of them: pairs that were not tested count as if p were 1.
        adjusted = metrics.holm([*(difference.p for difference in same), *repeat(1.0, n_left_out)])
        corrected += [replace(difference, p_holm=p) for difference, p in zip(same, adjusted, strict=False)]
    return corrected


def _answer_differences(
    gold: NDArray[np.uint16], a: NamedAnswers, b: NamedAnswers, settings: Settings
) -> list[Difference]:
    first, second = a[0], b[0]
    tables = [answers.reshape(len(gold), -1) for _, answers in (a, b)]
    if any(table.shape[1] > 1 for table in tables):
        labels = np.unique(np.concatenate([gold, *map(np.ravel, tables)]))
        one, other = (_SampledAnswers(gold, table, labels) for table in tables)
        found = metrics.compare_explanations(
            one, other, resamples=settings.resamples, seed=settings.random_state
        )
        return [_difference(figure, first, second, found[figure]) for figure in COMPARED]
    of_first, of_second = (table[:, 0] for table in tables)
    compared = metrics.compare_answers(
        gold, of_first, of_second, resamples=settings.resamples, seed=settings.random_state
    )
    accuracy, f1 = (_difference(figure, first, second, compared[figure]) for figure in COMPARED)
    p = metrics.mcnemar(gold, of_first, of_second).p
    return [replace(accuracy, test="McNemar", p=p, p_holm=p), f1]


class _SampledAnswers:
    """Answers of k replies to a question as sums over questions: for each label how often it is right and given."""

    figure_names, statistic_names = COMPARED, ("pairs",)

    def __init__(self, gold: NDArray[np.uint16], answers: NDArray[np.uint16], labels: NDArray[np.uint16]):
        support = gold[:, None] == labels
        given = (answers[:, :, None] == labels).mean(axis=1)
        self.statistics = np.hstack([np.ones((len(gold), 1)), support, given, support * given * (labels > 0)])

    def figures_of(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Accuracy and weighted F1 (..., 2)."""
        n = sums[..., 0]
        support, given, right = np.split(sums[..., 1:], 3, axis=-1)
        f1 = 2 * right / np.maximum(support + given, 1e-9)
        return np.stack([right.sum(axis=-1) / n, (f1 * support).sum(axis=-1) / n], axis=-1)


def _explanation_differences(
    rows: NDArray[np.int64], a: SystemScore, b: SystemScore, settings: Settings
) -> list[Difference]:
    first, second = _on_rows(a, rows), _on_rows(b, rows)
    if first is None or second is None:
        return []
    compared = metrics.compare_explanations(
        first, second, resamples=settings.resamples, seed=settings.random_state
    )
    return [_difference(figure, a.name, b.name, compared[figure]) for figure in EXPLANATION_FIGURES]


def _on_rows(system: SystemScore, rows: NDArray[np.int64]) -> SimpleNamespace | None:
    """A system's explanation scores of these rows as comparisons take them; None where it explains nothing there."""
    scores = system.explanations
    if scores is None:
        return None
    statistics = scores.statistics[np.searchsorted(system.rows, rows)]
    if not statistics[:, scores.statistic_names.index("pairs")].any():
        return None
    kept = {name: getattr(scores, name) for name in ("figure_names", "statistic_names", "figures_of")}
    return SimpleNamespace(statistics=statistics, **kept)


def _difference(figure: str, first: str, second: str, found: metrics.PairedComparison) -> Difference:
    about = (figure, first, second, found.difference, *found.interval)
    return Difference(*about, "permutation", found.p_permutation, found.p_permutation)


def _slice_winners(
    slices: Sequence[Slice], rows: NDArray[np.int64], right: NDArray[np.bool_], names: Sequence[str]
) -> list[SliceWinners]:
    found = []
    for part in slices if names else ():
        inside = np.isin(rows, part.rows)
        n = int(inside.sum())
        if n:
            n_right = right[:, inside].sum(axis=1)
            winners = [name for name, count in zip(names, n_right, strict=True) if count == n_right.max()]
            found.append(SliceWinners(part.by, part.value, n, int(n_right.max()) / n, winners))
    return found
