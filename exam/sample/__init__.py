"""The sample exam that comes with the package: small, true, and in CMExam's published form.

Its questions were written for this package; nothing in it is CMExam's own. It serves to try every command
and to test, not to compare models: its questions are far more alike than those of a real exam.

>>> len(sample_exam("train")) > 1000
True
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmexam_baseline.exam.exam import Exam

__all__ = ["SAMPLE_FILES", "SAMPLE_FOLDER", "sample_exam"]

SAMPLE_FOLDER = Path(__file__).resolve().parent
"""The folder of the three files."""

SAMPLE_FILES = {"train": "train.csv", "val": "val.csv", "test": "test_with_annotations.csv"}
"""The file of every split, named as CMExam's own."""


def sample_exam(split: str = "train") -> Exam:
    """One split of the sample exam: "train", "val" or "test".

    Raises `InputError` if there is no such split.

    >>> sorted(sample_exam("test").annotations)[:2]
    ['Area of Competency', 'Clinical Department']
    """
    # Imported here so that importing the sample's paths stays cheap.
    from cmexam_baseline.exam.io.formats import read_exam

    return read_exam(SAMPLE_FOLDER, split=split)
