"""Options that `score` and `compare` share: which exam, which columns, how to count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cmexam_baseline.cli.common_options import BAD_ROWS, KEY, SPLITS, InputPath

# The keys of `metrics.PROFILES`, which costs the import of numpy.
PROFILES = ("cmexam", "cmexam-gpt", "google", "sacrebleu", "sacrebleu-char", "sacrebleu-zh")

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--exam",
        "exam_path",
        type=InputPath(),
        help="The exam: a file, or a folder with splits.",
    ),
    click.option("--split", type=SPLITS, help="Which split, where --exam is a folder."),
    KEY,
    click.option(
        "--train",
        "train_path",
        type=InputPath(),
        help="Training questions, to slice by overlap.",
    ),
    click.option(
        "--slice", "slice_columns", multiple=True, metavar="COLUMN", help="Slice by this column too."
    ),
    click.option(
        "--profile",
        type=click.Choice(PROFILES),
        default="cmexam",
        show_default=True,
        help="Whose definition of BLEU and ROUGE.",
    ),
    click.option(
        "--missing",
        type=click.Choice(["wrong", "error", "skip"]),
        default="wrong",
        show_default=True,
        help="What a question without a row is.",
    ),
    click.option("--answer-column", metavar="NAME", help="The column with answer letters."),
    click.option("--raw-column", metavar="NAME", help="The column with whole replies."),
    click.option("--explanation-column", metavar="NAME", help="The column with explanations."),
    click.option("--id-column", metavar="NAME", help="The column with the exam's ids."),
    click.option(
        "--resamples",
        type=click.IntRange(100, 1_000_000),
        default=1000,
        show_default=True,
        help="Bootstrap resamples for intervals and tests.",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the resamples."
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes that share the work.",
    ),
    click.option(
        "--backend",
        type=click.Choice(["processes", "dask"]),
        default="processes",
        show_default=True,
        help="Processes of this machine, or the workers of a Dask cluster (extra: distributed).",
    ),
    click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="The Dask scheduler, as in tcp://localhost:8786; with --backend dask.",
    ),
    BAD_ROWS,
]


def scoring_options(command: Command) -> Command:
    """Add the shared options to a command, in the order of this file."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
