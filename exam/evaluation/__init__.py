"""Systems on an exam: answers read and aligned, figures with intervals, slices, comparisons."""

from __future__ import annotations

from cmexam_baseline.exam.evaluation.aligned import AlignedOutput, align
from cmexam_baseline.exam.evaluation.comparison import (
    Comparison,
    Difference,
    answer_differences,
    compare_systems,
)
from cmexam_baseline.exam.evaluation.parallel import Workers
from cmexam_baseline.exam.evaluation.score import Settings, SliceScore, SystemScore, score_pairs, score_system

__all__ = [
    "AlignedOutput",
    "Comparison",
    "Difference",
    "Settings",
    "SliceScore",
    "SystemScore",
    "Workers",
    "align",
    "answer_differences",
    "compare_systems",
    "score_pairs",
    "score_system",
]
