"""Questions, answers, predictions and their files.

Names are loaded from their modules when first used, so that a command pays for what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.metrics.lazy_names import lazy_names

if TYPE_CHECKING:
    from cmexam_baseline.exam.duplicates import Overlap as Overlap
    from cmexam_baseline.exam.duplicates import find_overlap as find_overlap
    from cmexam_baseline.exam.errors import BadRow as BadRow
    from cmexam_baseline.exam.errors import InputError as InputError
    from cmexam_baseline.exam.exam import Exam as Exam
    from cmexam_baseline.exam.exam import Question as Question
    from cmexam_baseline.exam.io.formats import ImportedExam as ImportedExam
    from cmexam_baseline.exam.io.formats import import_exam as import_exam
    from cmexam_baseline.exam.io.formats import read_exam as read_exam
    from cmexam_baseline.exam.io.formats import read_exam_with_issues as read_exam_with_issues
    from cmexam_baseline.exam.io.formats import read_splits as read_splits
    from cmexam_baseline.exam.io.formats import write_exam as write_exam
    from cmexam_baseline.exam.letters import letters_to_mask as letters_to_mask
    from cmexam_baseline.exam.letters import letters_to_masks as letters_to_masks
    from cmexam_baseline.exam.letters import mask_to_letters as mask_to_letters
    from cmexam_baseline.exam.letters import masks_to_letters as masks_to_letters
    from cmexam_baseline.exam.normalise import normalise_text as normalise_text
    from cmexam_baseline.exam.normalise import normalise_texts as normalise_texts
    from cmexam_baseline.exam.predictions import Predictions as Predictions
    from cmexam_baseline.exam.predictions import read_predictions as read_predictions
    from cmexam_baseline.exam.published import PUBLISHED_RESULTS as PUBLISHED_RESULTS
    from cmexam_baseline.exam.published import PublishedResult as PublishedResult
    from cmexam_baseline.exam.published import published_result as published_result
    from cmexam_baseline.exam.splits import Split as Split
    from cmexam_baseline.exam.splits import load_splits as load_splits
    from cmexam_baseline.exam.statistics import Statistics as Statistics
    from cmexam_baseline.exam.statistics import describe_exams as describe_exams

__getattr__, __dir__, __all__ = lazy_names(__name__)
