"""Questions, answers, predictions and the files they stand in."""

from __future__ import annotations

from cmexam_baseline.exam.checks import BadRow
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, Question
from cmexam_baseline.exam.extraction import Extraction, extract, extract_all, extract_answers
from cmexam_baseline.exam.formats import (
    read_exam,
    read_exam_report,
    read_splits,
    read_splits_report,
    write_exam,
)
from cmexam_baseline.exam.letters import letters_to_mask, letters_to_masks, mask_to_letters, masks_to_letters
from cmexam_baseline.exam.normalise import normalise_text, normalise_texts
from cmexam_baseline.exam.other_forms import OtherExam, read_any_exam
from cmexam_baseline.exam.overlap import Overlap, find_overlap
from cmexam_baseline.exam.prediction_files import read_predictions
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.published import PUBLISHED_RESULTS, PublishedResult, published_result
from cmexam_baseline.exam.statistics import Statistics, describe_exams

__all__ = [
    "PUBLISHED_RESULTS",
    "BadRow",
    "Exam",
    "Extraction",
    "InputError",
    "OtherExam",
    "Overlap",
    "Predictions",
    "PublishedResult",
    "Question",
    "Statistics",
    "describe_exams",
    "extract",
    "extract_all",
    "extract_answers",
    "find_overlap",
    "letters_to_mask",
    "letters_to_masks",
    "mask_to_letters",
    "masks_to_letters",
    "normalise_text",
    "normalise_texts",
    "published_result",
    "read_any_exam",
    "read_exam",
    "read_exam_report",
    "read_predictions",
    "read_splits",
    "read_splits_report",
    "write_exam",
]
