"""The statistics of CMExam's splits as the official README prints them: questions, vocabulary, lengths."""

from __future__ import annotations

from cmexam_baseline.exam.statistics import Lengths

PUBLISHED_TABLE = {
    "train": (54_497, 4_545, {"Q": Lengths(676, 29.78, 17, 12, 32), "A": Lengths(5, 1.08, 1, 1, 1),
                              "E": Lengths(2_999, 186.24, 146, 69, 246)}),
    "val": (6_811, 3_620, {"Q": Lengths(500, 30.07, 18, 12, 32), "A": Lengths(5, 1.07, 1, 1, 1),
                           "E": Lengths(2_678, 188.95, 143, 65, 247)}),
    "test": (6_811, 3_599, {"Q": Lengths(585, 32.63, 18, 12, 37), "A": Lengths(5, 1.07, 1, 1, 1),
                            "E": Lengths(2_680, 201.44, 158, 80, 263)}),
    "total": (68_119, 4_629, {"Q": Lengths(676, 30.83, 18, 12, 32), "A": Lengths(5, 1.07, 1, 1, 1),
                              "E": Lengths(2_999, 192.21, 146, 69, 247)}),
}  # fmt: skip
