"""Any model's output file: answers read out of it, scores with intervals, slices, comparisons, reports.

`score_file` scores a file or frame and `compare` compares several; the functions that they are made of are public too.
Names are loaded from their modules when first used, so that a command pays for what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.metrics.lazy_names import lazy_names

if TYPE_CHECKING:
    from cmexam_baseline.scoring.alignment import AlignedOutput as AlignedOutput
    from cmexam_baseline.scoring.alignment import align as align
    from cmexam_baseline.scoring.comparison import Comparison as Comparison
    from cmexam_baseline.scoring.comparison import Difference as Difference
    from cmexam_baseline.scoring.comparison import answer_differences as answer_differences
    from cmexam_baseline.scoring.comparison import compare_systems as compare_systems
    from cmexam_baseline.scoring.extraction import Extraction as Extraction
    from cmexam_baseline.scoring.extraction import extract as extract
    from cmexam_baseline.scoring.extraction import extract_all as extract_all
    from cmexam_baseline.scoring.extraction import extract_answers as extract_answers
    from cmexam_baseline.scoring.outputs import ColumnChoice as ColumnChoice
    from cmexam_baseline.scoring.outputs import SystemOutput as SystemOutput
    from cmexam_baseline.scoring.outputs import read_outputs as read_outputs
    from cmexam_baseline.scoring.outputs import read_pairs as read_pairs
    from cmexam_baseline.scoring.parallel import Executor as Executor
    from cmexam_baseline.scoring.report import report_page as report_page
    from cmexam_baseline.scoring.scorer import Reading as Reading
    from cmexam_baseline.scoring.scorer import Report as Report
    from cmexam_baseline.scoring.scorer import compare as compare
    from cmexam_baseline.scoring.scorer import score_file as score_file
    from cmexam_baseline.scoring.scorer import score_files as score_files
    from cmexam_baseline.scoring.slices import Slice as Slice
    from cmexam_baseline.scoring.slices import slice_exam as slice_exam
    from cmexam_baseline.scoring.system_score import Settings as Settings
    from cmexam_baseline.scoring.system_score import SliceScore as SliceScore
    from cmexam_baseline.scoring.system_score import SystemScore as SystemScore
    from cmexam_baseline.scoring.system_score import score_pairs as score_pairs
    from cmexam_baseline.scoring.system_score import score_system as score_system

__getattr__, __dir__, __all__ = lazy_names(__name__)
