"""The input of the benchmarks: as many explanations as CMExam's validation split has rows, and predictions."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "cmexam"
N_PAIRS = 6_811
_MEAN_CHARACTERS = 210
_CLAUSE = re.compile(r"[^，。；、\n]*[，。；、\n]|[^，。；、\n]+")


@dataclass(frozen=True)
class BenchmarkPairs:
    references: list[str]
    predictions: list[str]
    source: str

    @property
    def n_characters(self) -> int:
        return sum(map(len, self.references)) + sum(map(len, self.predictions))

    def first(self, n: int) -> BenchmarkPairs:
        return BenchmarkPairs(self.references[:n], self.predictions[:n], self.source)

    def times(self, n: int) -> BenchmarkPairs:
        """n times as many pairs, no text the same object as another."""
        return BenchmarkPairs(
            [f"{copy}{text}" for copy in range(n) for text in self.references],
            [f"{text}{copy}" for copy in range(n) for text in self.predictions],
            self.source,
        )


def benchmark_pairs(n: int = N_PAIRS, real: bool = True) -> BenchmarkPairs:
    """n real explanations where ../shared/data is present (and `real`), else texts made of the sample exam's.

    A prediction is a mixture: clauses of its own reference and of another one, a third of them out of order.
    """
    references = list(_real_explanations())[:n] if real and SHARED.is_dir() else []
    source = "explanations of CMExam and of other exams in its form"
    if len(references) < n:
        references, source = _generated(n), "texts made of the sample exam's explanations"
    return BenchmarkPairs(references, _mixtures(references), source)


def _real_explanations() -> Iterator[str]:
    for name in ("val.csv", "test_with_annotations.csv", "train.csv"):
        with (SHARED / name).open(encoding="utf-8", newline="") as file:
            yield from (row["Explanation"] for row in csv.DictReader(file) if row["Explanation"])


def _generated(n: int) -> list[str]:
    from cmexam_baseline.exam.sample import sample_exam

    explanations = [text for text in sample_exam("train").explanations if text]
    clauses = [clause for text in explanations for clause in _CLAUSE.findall(text)]
    numbers = random.Random(1)
    texts = []
    for _ in range(n):
        length = int(numbers.lognormvariate(0, 0.7) * _MEAN_CHARACTERS * 0.78)
        text = ""
        while len(text) < length:
            text += numbers.choice(clauses)
        texts.append(text or clauses[0])
    return texts


def _mixtures(references: list[str]) -> list[str]:
    numbers = random.Random(0)
    clauses = [_CLAUSE.findall(text) or [text] for text in references]
    predictions = []
    for own in clauses:
        other = numbers.choice(clauses)
        mixture = [clause if numbers.random() < 0.6 else numbers.choice(other) for clause in own]
        if numbers.random() < 1 / 3:
            numbers.shuffle(mixture)
        predictions.append("".join(mixture))
    return predictions
