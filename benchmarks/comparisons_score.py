"""The command `score` as a whole, its start included, against CMExam's definition of explanation scores alone."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from comparison import Comparison, Contender
from comparisons_explanations import official
from pairs import BenchmarkPairs, benchmark_pairs

N = 60


def small() -> Iterator[Comparison]:
    """The command on a small file of references and predictions."""
    pairs = benchmark_pairs(N, real=False)
    folder = tempfile.TemporaryDirectory(prefix="cmexam-baseline-bench-")
    file = _written(pairs, Path(folder.name) / "predictions.csv")

    def score() -> None:
        assert folder  # kept until the last call
        command = [sys.executable, "-m", "cmexam_baseline.cli", "score", str(file), "--json", "-q"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    yield Comparison(
        "small-score",
        "the command score against CMExam's definition",
        f"{N} pairs",
        Contender("cmexam-baseline score", score),
        [Contender("CMExam's definition", lambda: official(pairs), 1)],
        {"CMExam's definition": 1.5},
    )


def _written(pairs: BenchmarkPairs, file: Path) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["reference", "explanation"])
        rows.writerows(zip(pairs.references, pairs.predictions, strict=True))
    return file
