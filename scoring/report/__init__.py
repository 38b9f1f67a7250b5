"""The report page: one HTML file that needs no network."""

from cmexam_baseline.scoring.report.page import report_page as report_page
