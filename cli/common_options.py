"""Options that several commands share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from cmexam_baseline.exam.splits import SPLIT_NAMES
from cmexam_baseline.exam.validation import BAD_ROWS as POLICIES

SPLITS = click.Choice(list(SPLIT_NAMES))

BAD_ROWS = click.option(
    "--bad-rows",
    type=click.Choice(list(POLICIES)),
    default="auto",
    show_default=True,
    help="What to do about rows that cannot be used: "
    + "; ".join(f"{k}: {v}" for k, v in POLICIES.items())
    + ".",
)
SPLIT = click.option("--split", type=SPLITS, help="Which split, where EXAM is a folder.")
# The help says what is written, and how.
OUTPUT = partial(click.option, "-o", "--output", type=click.Path(path_type=Path), required=True)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there.")
