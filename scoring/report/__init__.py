"""The report page: one HTML file that needs no network."""

from __future__ import annotations

from cmexam_baseline.scoring.report.misses import listed_misses
from cmexam_baseline.scoring.report.page import render_report, report_page

__all__ = ["listed_misses", "render_report", "report_page"]
