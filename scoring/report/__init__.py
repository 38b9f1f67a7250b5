"""The report page: one HTML file that needs no network."""

from __future__ import annotations

from cmexam_baseline.scoring.report.page import report_page

__all__ = ["report_page"]
