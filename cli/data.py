"""`cmexam-baseline data …`: get exam files, look at them, change their form."""

from __future__ import annotations

import click

from cmexam_baseline.cli.main import LazyGroup

COMMANDS = {
    "download": ("cmexam_baseline.cli.data_download:download", "Download CMExam and verify the files."),
    "check": ("cmexam_baseline.cli.data_check:check", "List rows that cannot be used or look wrong."),
    "stats": ("cmexam_baseline.cli.data_stats:stats", "Describe the splits in tables and charts."),
    "convert": ("cmexam_baseline.cli.data_convert:convert", "Convert any exam file to another format."),
    "overlap": ("cmexam_baseline.cli.data_overlap:overlap", "Find questions that two exams share."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def data() -> None:
    """Get exam files, check them, describe them, change their form.

    \b
    Examples:
      cmexam-baseline data download --to CMExam/data
      cmexam-baseline data check CMExam/data
      cmexam-baseline data stats CMExam/data
      cmexam-baseline data convert medqa.jsonl medqa.csv
      cmexam-baseline data overlap train.csv test.csv
    """
