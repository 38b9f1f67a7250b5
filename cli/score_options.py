"""Options that `score` and `compare` share: which exam, which columns, how to count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cmexam_baseline.cli.common_options import BAD_ROWS, KEY, SPLITS, InputPath

# The keys of `metrics.PROFILES`, which costs the import of numpy.
PROFILES = ("cmexam", "cmexam-gpt", "google", "sacrebleu", "sacrebleu-char", "sacrebleu-zh")

if TYPE_CHECKING:
    from cmexam_baseline.scoring import Report

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = [
    click.option(
        "--exam",
        "exam",
        type=InputPath(exam=True),
        help="The exam: a file, a folder with splits, or a data set on the Hugging Face hub (owner/name).",
    ),
    click.option("--split", type=SPLITS, help="Which split, where --exam is a folder."),
    KEY,
    click.option(
        "--train",
        "train",
        type=InputPath(exam=True),
        help="Training questions, to slice by overlap.",
    ),
    click.option("--slice", "slice_by", multiple=True, metavar="COLUMN", help="Slice by this column too."),
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
    click.option(
        "--samples",
        type=click.Choice(["first", "vote", "mean"]),
        help="What several replies to a question come to; a vote, where every question has equally many.",
    ),
    click.option(
        "--index-base",
        type=click.Choice(["0", "1"]),
        help="Whether numbers as answers count options from 0 or from 1.",
    ),
    click.option(
        "--answer-column",
        metavar="NAME",
        multiple=True,
        help="The column with answers; several are several systems.",
    ),
    click.option(
        "--raw-column",
        metavar="NAME",
        multiple=True,
        help="The column with whole replies; several are several systems.",
    ),
    click.option(
        "--gold-column", metavar="NAME", help="The column of the prediction file with the exam's answers."
    ),
    click.option("--explanation-column", metavar="NAME", help="The column with explanations."),
    click.option("--id-column", metavar="NAME", help="The column with the exam's ids."),
    click.option("--question-column", metavar="NAME", help="The column with questions or prompts."),
    click.option("--model-column", metavar="NAME", help="The column that names the model of every row."),
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


def score_arguments(paths: Sequence[Path], options: dict[str, Any]) -> Report:
    """Score the files of a command line by its options; without --exam the last of several files is the exam."""
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.scoring import ColumnChoice, Reading, Settings, Workers, score_files

    files = [str(path) for path in paths]
    if (options["backend"] == "dask") != (options["scheduler"] is not None):
        raise InputError("--backend dask and --scheduler ADDRESS belong together; give both or neither")
    roles = ("id", "question", "model", "answer", "raw", "explanation", "gold")
    base = options["index_base"]
    reading = Reading(
        ColumnChoice(**{role: options[f"{role}_column"] or None for role in roles}),
        None if base is None else int(base),
        options["split"],
        options["key"],
        options["bad_rows"],
        options["slice_by"],
        options["train"],
    )
    settings = Settings(
        options["profile"], options["resamples"], options["seed"], options["missing"], options["samples"]
    )
    workers = Workers(options["jobs"], options["scheduler"])
    exam = options["exam"]
    if exam is not None or len(files) == 1:
        return score_files(files, exam, settings, reading, workers)
    try:
        return score_files(files[:-1], files[-1], settings, reading, workers)
    except InputError as error:
        raise InputError(_about_the_last_file(files, str(error))) from error


def inputs_of(files: Sequence[Path], options: dict[str, Any]) -> list[Path]:
    """Everything that a command line reads, which no output may replace."""
    return [
        *(file for file in files if str(file) != "-"),
        *filter(None, (options["exam"], options["train"], options["key"])),
    ]


def _about_the_last_file(files: Sequence[str], problem: str) -> str:
    """A problem with files of which the last was taken for the exam, where that may be the reason for it."""
    first_is_exam, last_is_exam = _is_exam(files[0]), _is_exam(files[-1])
    if first_is_exam and not last_is_exam:
        return f"{files[-1]} holds no exam, but {files[0]} does: give the exam last, or name it with --exam"
    if not last_is_exam:
        return f"{files[-1]} was taken for the exam, as the last file, and is none: name the exam with --exam ({problem})"
    return problem


def _is_exam(file: str) -> bool:
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.foreign_exams.reader import import_exam

    path = Path(file)
    if not path.exists() or path.is_dir():
        return path.is_dir()
    try:
        return len(import_exam(path, "skip").exam) > 0
    except InputError:
        return False
