"""Options that several commands share."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import click

from cmexam_baseline.exam.errors import BAD_ROWS as POLICIES
from cmexam_baseline.exam.errors import InputError, missing_path
from cmexam_baseline.exam.splits import SPLIT_NAMES, split_of

# A path to be written, or to be read by a library that says itself what is missing.
PATH = click.Path(path_type=Path)


class InputPath(click.Path):
    """A path that must be there: a file, a folder, or "-" for standard input; checked before any heavy import.

    exam: whether it may also be the name of a data set on the Hugging Face hub, which becomes the path of its snapshot
    """

    def __init__(self, exam: bool = False) -> None:
        super().__init__(path_type=Path)
        self.exam = exam

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, context)))
        if self.exam and not os.path.lexists(path):
            from cmexam_baseline.exam.splits import local_exam

            path = local_exam(path)
        if not os.path.lexists(path) and str(path) != "-":
            raise missing_path(path)
        return path


def joined_seeds(option: tuple[str, ...], rest: tuple[str, ...]) -> list[int]:
    """The seeds of `--seeds 1 2 3` or `--seeds 1,2,3`; click leaves all but the first as arguments.

    >>> joined_seeds(("1",), ("2,3", "4"))
    [1, 2, 3, 4]
    """
    if rest and not option:
        raise InputError(f"{rest[0]} belongs to no option; several seeds are given as --seeds 1 2 3")
    seeds = []
    for text in ",".join((*option, *rest)).split(",") if option else ():
        if not text.strip().isdecimal():
            raise InputError(
                f"seed {text!r} is not a number; give seeds as in --seeds 1 2 3 or --seeds 1,2,3"
            )
        seeds.append(int(text))
    if len(set(seeds)) != len(seeds):
        raise InputError(f"--seeds {' '.join(map(str, seeds))}: one occurs twice; give each once")
    return seeds


class SplitName(click.Choice[str]):
    """A split or one of its other names: dev and validation are val."""

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        return super().convert(split_of(str(value)) or value, param, context)


SPLITS = SplitName(list(SPLIT_NAMES))

BAD_ROWS = click.option(
    "--bad-rows",
    type=click.Choice(list(POLICIES)),
    default="auto",
    help="What to do about rows that cannot be used: "
    + "; ".join(f"{k}: {v}" for k, v in POLICIES.items())
    + ".",
)
SEEDS = click.option("--seeds", multiple=True, metavar="N...", help="Several seeds: --seeds 1 2 3 or 1,2,3.")
MORE_SEEDS = click.argument("more_seeds", nargs=-1, metavar="")
SPLIT = click.option("--split", type=SPLITS, help="Which split, where EXAM is a folder.")
KEY = click.option(
    "--key",
    type=InputPath(),
    help="A file with the answers (id, answer), where the exam comes without them.",
)
# The help says what is written, and how.
OUTPUT = partial(click.option, "-o", "--output", type=PATH, required=True)
# A folder that a command makes; -o and --output as everywhere, --out as before.
OUT = partial(click.option, "-o", "--output", "--out", "out", type=PATH)


FORMATS = ("table", "json", "csv", "markdown", "latex")
FORMAT = click.option(
    "--format", "output_format", type=click.Choice(FORMATS), default="table", help="How to print."
)
# For commands that print; those that make a file or a folder need OUTPUT or OUT.
TO_FILE = OUTPUT(required=False, help="Write to this file instead of the terminal.")
# What is done side by side is said by the help.
JOBS = partial(click.option, "--jobs", type=click.IntRange(min=1), default=1)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress and no notes.")
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there.")
