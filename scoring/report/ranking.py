"""Systems in order of accuracy, beside published and random figures, and which of them differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam.published import published_result

if TYPE_CHECKING:
    from cmexam_baseline.scoring.comparison import Difference

SIGNIFICANT = 0.05
CMEXAM_TEST_QUESTIONS = 6811
# Rows of the paper's Table 3 that are shown: the encoders, two chat models, and people.
_PUBLISHED = ("Human volunteers", "GPT-4", "GPT-3.5-turbo", "RoBERTa-CMExam", "BERT-CMExam")

System = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One row of the ranking, all fractions; marks (published, random) have neither rank nor interval."""

    name: str
    value: float
    kind: str
    rank: int = 0
    low: float | None = None
    high: float | None = None
    better_than: str = ""


@dataclass(frozen=True)
class Pair:
    """The difference of a better ranked system from another one, with its interval; fractions."""

    first: str
    second: str
    value: float
    low: float
    high: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether p, corrected by Holm's procedure, is below 0.05."""
        return self.p < SIGNIFICANT


def main_figure(system: System) -> Mapping[str, float]:
    """What systems are ranked by, as fractions: accuracy, ROUGE-L where there are no answers."""
    if system["answers"] is not None:
        accuracy: Mapping[str, float] = system["answers"]["accuracy"]
        return accuracy
    return {side: value / 100 for side, value in system["explanations"]["figures"]["rougeL"].items()}


def in_order(systems: Iterable[System]) -> list[System]:
    """Systems with answers first, the best first."""
    return sorted(systems, key=lambda one: (one["answers"] is None, -main_figure(one)["value"], one["name"]))


def oriented(differences: Iterable[Difference], names: Sequence[str]) -> list[Pair]:
    """Differences in accuracy as the better ranked system minus the other, in the order of both ranks."""
    rank = {name: place for place, name in enumerate(names)}
    pairs = []
    for one in differences:
        if one.figure != "accuracy":
            continue
        pair = Pair(one.first, one.second, one.value, one.low, one.high, one.p_holm)
        if rank[pair.first] > rank[pair.second]:
            pair = Pair(pair.second, pair.first, -pair.value, -pair.high, -pair.low, pair.p)
        pairs.append(pair)
    return sorted(pairs, key=lambda pair: (rank[pair.first], rank[pair.second]))


def that_matter(pairs: Sequence[Pair], names: Sequence[str]) -> list[Pair]:
    """The best system against each other, and each system against the next."""
    following = set(zip(names, names[1:], strict=False))
    return [pair for pair in pairs if pair.first == names[0] or (pair.first, pair.second) in following]


def entries(systems: Sequence[System], pairs: Sequence[Pair]) -> list[Entry]:
    """The ranking's rows for systems that are in order."""
    rank = {system["name"]: place for place, system in enumerate(systems, 1)}
    beaten: dict[str, list[int]] = {}
    for pair in pairs:
        if pair.significant and pair.value > 0:
            beaten.setdefault(pair.first, []).append(rank[pair.second])
    return [
        Entry(name=system["name"], kind="system", rank=rank[system["name"]], **main_figure(system),
              better_than=ranges(beaten.get(system["name"], [])))
        for system in systems
    ]  # fmt: skip


def published_marks() -> list[Entry]:
    """Published figures that are worth seeing beside one's own."""
    found = ((name, published_result(name).accuracy) for name in _PUBLISHED)
    return [Entry(name, figure.value / 100, "published") for name, figure in found if figure is not None]


def is_cmexam_test(exam: Mapping[str, Any]) -> bool:
    """Whether the published figures are on an exam of this size and split."""
    return exam["n"] == CMEXAM_TEST_QUESTIONS and exam["split"] in (None, "test")


def ranges(numbers: Iterable[int]) -> str:
    """Numbers in short.

    >>> ranges([2, 3, 4, 6, 8, 9])
    '2–4, 6, 8–9'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
