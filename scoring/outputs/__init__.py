"""Files with the outputs of models, from any script: which column holds what, and what each model said."""

from __future__ import annotations

from cmexam_baseline.scoring.outputs.column_detection import ColumnChoice, Recognition, recognise
from cmexam_baseline.scoring.outputs.reader import SystemOutput, read_outputs

__all__ = ["ColumnChoice", "Recognition", "SystemOutput", "read_outputs", "recognise"]
