"""Prediction files of any make: rows, their questions, and the columns that hold a model's answers."""

from __future__ import annotations

from cmexam_baseline.scoring.outputs.column_choice import ColumnChoice
from cmexam_baseline.scoring.outputs.joining import Join
from cmexam_baseline.scoring.outputs.reader import SystemOutput, read_outputs, read_pairs
from cmexam_baseline.scoring.outputs.recognition import Recognition

__all__ = ["ColumnChoice", "Join", "Recognition", "SystemOutput", "read_outputs", "read_pairs"]
