"""`cmexam-baseline score`: the figures of any model's output file, with the options and notes that `compare` shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cmexam_baseline.cli.common_options import (
    AS_JSON,
    BAD_ROWS,
    FORMAT,
    JOBS,
    KEY,
    OVERWRITE,
    PATH,
    QUIET,
    SPLITS,
    TO_FILE,
    InputPath,
)

if TYPE_CHECKING:
    from rich.console import Console

    from cmexam_baseline.scoring import Report

Command = TypeVar("Command", bound=Callable[..., Any])

# The keys of `metrics.PROFILES`, which costs the import of numpy.
PROFILES = ("cmexam", "cmexam-gpt", "google", "sacrebleu", "sacrebleu-char", "sacrebleu-zh")
MISSING = ("wrong", "error", "skip")


# What the rows of a file may have besides a question each: key of a system's `join` -> how it is called.
JOINED = {
    "missing": "questions without a row",
    "duplicates": "duplicate rows that do not count",
    "extra": "rows of no question",
    "by_order": "questions told apart by order alone",
    "damaged": "damaged rows left out",
    "unmapped": "answers that fit no option of the exam",
}
EXAMPLES = 3
SHOWN_EXTRACTION = 60


def _option(name: str, help: str, **others: Any) -> Callable[[Command], Command]:
    return click.option(name, help=help, **others)


_COLUMNS = {
    "answer": "The column with answers; several are several systems.",
    "raw": "The column with whole replies; several are several systems.",
    "gold": "The column of the prediction file with the exam's answers.",
    "explanation": "The column with explanations.",
    "id": "The column with the exam's ids.",
    "question": "The column with questions or prompts.",
    "model": "The column that names the model of every row.",
}
_EXAM = "The exam: a file, a folder with splits, or a data set on the Hugging Face hub (owner/name)."
_SAMPLES = "What several replies to a question come to; a vote, where every question has equally many."
_INDEX_BASE = "Whether numbers as answers count options from 0 or from 1."
_RESAMPLES = "Bootstrap resamples for intervals and tests."
_SCHEDULER = "The Dask scheduler, as in tcp://localhost:8786; with --backend dask."
_BACKEND = "Processes of this machine, or the workers of a Dask cluster (extra: distributed)."
_OPTIONS = [
    _option("--exam", _EXAM, type=InputPath(exam=True)),
    _option("--split", "Which split, where --exam is a folder.", type=SPLITS),
    KEY,
    _option("--train", "Training questions, to slice by overlap.", type=InputPath(exam=True)),
    click.option("--slice", "slice_by", multiple=True, metavar="COLUMN", help="Slice by this column too."),
    _option(
        "--profile", "Whose definition of BLEU and ROUGE.", type=click.Choice(PROFILES), default="cmexam"
    ),
    _option("--missing", "What a question without a row is.", type=click.Choice(MISSING), default="wrong"),
    _option("--samples", _SAMPLES, type=click.Choice(["first", "vote", "mean"])),
    _option("--index-base", _INDEX_BASE, type=click.Choice(["0", "1"])),
    *(
        _option(f"--{role}-column", help, metavar="NAME", multiple=role in ("answer", "raw"))
        for role, help in _COLUMNS.items()
    ),
    _option("--resamples", _RESAMPLES, type=click.IntRange(100, 1_000_000), default=1000),
    _option("--seed", "Seed of the resamples.", type=click.IntRange(min=0), default=0),
    JOBS(help="Processes that share the work."),
    _option("--backend", _BACKEND, type=click.Choice(["processes", "dask"]), default="processes"),
    _option("--scheduler", _SCHEDULER, metavar="ADDRESS"),
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
    from cmexam_baseline.scoring import ColumnChoice, Executor, Reading, Settings, score_files

    if (options["backend"] == "dask") != (options["scheduler"] is not None):
        raise InputError("--backend dask and --scheduler ADDRESS belong together; give both or neither")
    base = options["index_base"]
    reading = Reading(
        ColumnChoice(**{role: options[f"{role}_column"] or None for role in _COLUMNS}),
        None if base is None else int(base),
        *(options[name] for name in ("split", "key", "bad_rows", "slice_by", "train")),
    )
    settings = Settings(*(options[name] for name in ("profile", "resamples", "seed", "missing", "samples")))
    workers = Executor(options["jobs"], options["scheduler"])
    files, exam = list(map(str, paths)), options["exam"]
    if exam is not None or len(files) == 1:
        return score_files(files, exam, settings, reading, workers)
    try:
        return score_files(files[:-1], files[-1], settings, reading, workers)
    except InputError as error:
        if _is_exam(files[-1]):
            raise
        if _is_exam(files[0]):
            text = (
                f"{files[-1]} holds no exam, but {files[0]} does: give the exam last, or name it with --exam"
            )
        else:
            why = f"name the exam with --exam ({error})"
            text = f"{files[-1]} was taken for the exam, as the last file, and is none: {why}"
        raise InputError(text) from error


def inputs_of(files: Sequence[Path], options: dict[str, Any]) -> list[Path]:
    """Everything that a command line reads, which no output may replace."""
    others = filter(None, (options["exam"], options["train"], options["key"]))
    return [*(file for file in files if str(file) != "-"), *others]


def _is_exam(file: str) -> bool:
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.io.formats import import_exam

    path = Path(file)
    if not path.exists() or path.is_dir():
        return path.is_dir()
    try:
        return len(import_exam(path, "skip").exam) > 0
    except InputError:
        return False


def say_what_was_read(notes: Console, report: dict[str, Any], exam_by_place: bool = False) -> None:
    """Which columns were taken for what, how the rows met the exam, and what was left out.

    exam_by_place: whether the exam is the last of several files, none being named by --exam
    """
    from cmexam_baseline.cli.console import sanitize

    if exam_by_place:
        line = (
            f"exam: {report['exam']['source']}, the last file; --exam names another, and all files are scored"
        )
        notes.print(sanitize(line), style="dim")
    if report["exam"]["left_out"]:
        line = f"{report['exam']['source']}: {report['exam']['left_out']} rows left out of the exam"
        notes.print(sanitize(line), style="dim")
    shown = set()
    for system in report["systems"]:
        lines = [f"{system['file']}: {system['recognised']}", f"  {_join(system['join'])}"]
        lines += [f"  left aside: {system['left_aside']}"] if system["left_aside"] else []
        lines += [f"  {remark}" for remark in system["remarks"]]
        for line in lines:
            # The systems of a wide file share their columns and their rows.
            if (system["file"], line) not in shown:
                shown.add((system["file"], line))
                notes.print(sanitize(line), style="yellow" if line.startswith("  warning:") else "dim")
        rules = system["extraction"]["rules"]
        if set(rules) - {"letters", ""}:
            counted = ", ".join(f"{rule or 'no answer'} {count}" for rule, count in rules.items())
            notes.print(sanitize(f"  {system['name']} read by: {counted}"), style="dim")


def _join(join: dict[str, Any]) -> str:
    examples = {key: list(map(str, found)) for key, found in join["examples"].items()}
    for key in ("duplicates", "extra", "damaged"):
        examples[key] = [f"row {row}" for row in examples[key]]
    examples["damaged"] = list(map(": ".join, zip(examples["damaged"], examples["damage"], strict=True)))
    parts = [f"matched by {join['by']}: {join['matched']} questions"]
    for key, what in JOINED.items():
        if join[key]:
            shown = ", ".join([*examples[key][:EXAMPLES], *(["…"] if join[key] > EXAMPLES else [])])
            parts.append(f"{join[key]} {what} ({shown})")
    return "; ".join(parts)


def show_extractions(output: Console, scored: Report) -> None:
    """What was read out of every reply, by which rule, from which words, and what was overruled."""
    from cmexam_baseline.cli.console import new_table, sanitize
    from cmexam_baseline.scoring.extraction import RULES

    if scored.exam is None:
        return
    rules = set()
    for system in scored.systems:
        headings = ("id", "letters", "rule", "span", "read from", "overruled")
        table = new_table(headings, headings, sanitize(system.name))
        replies = system.aligned.output.replies or []
        for question in system.aligned.matched.tolist():
            found = system.aligned.extractions[question]
            if found is None:
                continue
            words = replies[int(system.aligned.row_of[question])][slice(*found.span)] if found.span else ""
            span = "–".join(map(str, found.span or ()))
            overruled = "; ".join(
                f"{other.letters or 'no answer'} by {other.rule} {other.span[0]}–{other.span[1]}"
                for other in found.overruled
            )
            about = (found.letters or "–", found.rule or "–", span, words[:SHOWN_EXTRACTION], overruled)
            table.add_row(*map(sanitize, (scored.exam.ids[question], *about)))
            rules.add(found.rule)
        output.print(table)
    for rule in RULES.values():
        if rule.name in rules:
            output.print(sanitize(f"{rule.name}: {rule.description}"), soft_wrap=True)


@click.command()
@click.argument("files", nargs=-1, required=True, type=InputPath(), metavar="FILE... [EXAM]")
@scoring_options
@TO_FILE
@FORMAT
@AS_JSON
@click.option(
    "--save",
    type=PATH,
    help=(
        "Write a row for every question and system: gold, answer, rule, BLEU, ROUGE (.csv, .jsonl). Names and "
        "ids are written as they are: import a CSV of an untrusted file as text, so that no cell is a formula."
    ),
)
@click.option(
    "--slices",
    default="main",
    metavar="main|all|none|COLUMN",
    help="Groups in the table: the ten that differ most, all, none, or those of one column.",
)
@click.option("--report", type=PATH, help="Write a self-contained HTML page.")
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), default="en", help="Language of the page."
)
@click.option(
    "--show-extraction", is_flag=True, help="Print what was read out of every reply, and by which rule."
)
@OVERWRITE
@QUIET
def score(
    files: tuple[Path, ...],
    output: Path | None,
    output_format: str,
    as_json: bool,
    save: Path | None,
    slices: str,
    report: Path | None,
    language: str,
    show_extraction: bool,
    overwrite: bool,
    quiet: bool,
    **scoring: Any,
) -> None:
    """Score prediction FILEs of any model against an exam.

    A FILE is CSV, TSV, JSONL, JSON, Parquet, XLSX or text with one reply a line, also gzipped, in the shapes that
    evaluation tools, servers and pandas write; "-" is standard input. Which column holds what is recognised by
    content and name, and printed; where that is open, the command refuses and names the option that decides.
    Without --exam the last argument is the exam; a single
    FILE that brings its questions and right answers, or reference explanations, along needs none.
    Files may have up to 1 GiB; a million rows with explanations take about 1.6 GB of memory (CSV).

    \b
    Examples:
      cmexam-baseline score predictions.csv --exam CMExam/data --split test
      cmexam-baseline score predictions.csv CMExam/data/val.csv
      cmexam-baseline score replies.jsonl --exam CMExam/data --split test --report report.html
      cmexam-baseline score replies.jsonl --exam test.csv --format json --save rows.csv
    """
    from cmexam_baseline.cli import console, score_tables
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.extras import require
    from cmexam_baseline.exam.io.files import check_output

    if report is not None:
        require("report", "jinja2", purpose="--report")
    places = list(filter(None, (output, save, report)))
    if len(set(places)) < len(places):
        raise InputError("two of -o, --save and --report name the same file; give different names")
    for place in places:
        check_output(place, inputs_of(files, scoring), overwrite=overwrite)
    scored = score_arguments(files, scoring)
    result = scored.to_dict(fingerprint=as_json or output_format == "json")
    if not quiet:
        say_what_was_read(console.notes(), result, scoring["exam"] is None and len(files) > 1)
    if save is not None:
        scored.save_rows(save)
    if report is not None:
        scored.save_html(report, language)
    with console.results_to(output) as results:
        if show_extraction:
            show_extractions(results, scored)
        if output_format == "table" and not as_json:
            score_tables.print_tables(results, result, slices, scoring["slice_by"])
        else:
            results.file.write(score_tables.WRITERS["json" if as_json else output_format](result))
