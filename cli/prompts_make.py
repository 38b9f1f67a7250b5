"""`cmexam-baseline prompts make`: the questions of an exam as prompts for a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OUTPUT, OVERWRITE, QUIET, SPLIT, InputPath
from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.exam import Exam, Question


@click.command()
@click.argument("exam", type=InputPath(exam=True))
@OUTPUT(help="Where the prompts go, as JSONL; with --shards, one file a shard beside it.")
@SPLIT
@click.option(
    "--style",
    type=click.Choice(["zero-shot", "few-shot", "cot"]),
    default="zero-shot",
    help="The question alone; with answered examples before it; with reasoning asked for before the answer.",
)
@click.option(
    "--form",
    type=click.Choice(["messages", "openai-batch", "text"]),
    default="messages",
    help="Chat messages; lines of OpenAI's batch API, as vLLM takes them too; or one plain text.",
)
@click.option("--train", type=InputPath(exam=True), help="The exam (file or folder) that examples come from.")
@click.option(
    "--shots", type=click.IntRange(min=0), help="Examples before each question.  [few-shot: 5, else 0]"
)
@click.option(
    "--examples",
    "by",
    type=click.Choice(["seed", "similarity"]),
    default="seed",
    help="The same random examples for all questions, or for each the training questions most like it.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of random examples.")
@click.option("--no-explanation", is_flag=True, help="Ask for the answer alone.")
@click.option("--model", help="The model that openai-batch lines name.")
@click.option(
    "--max-tokens", type=click.IntRange(min=1), help="Limit of the reply that openai-batch lines name."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many questions, from the start.")
@click.option("--shards", type=click.IntRange(min=1), default=1, help="Number of files to split into.")
@OVERWRITE
@BAD_ROWS
@AS_JSON
@QUIET
def make(
    exam: Path,
    output: Path,
    split: str | None,
    style: str,
    form: str,
    train: Path | None,
    shots: int | None,
    by: str,
    seed: int,
    no_explanation: bool,
    model: str | None,
    max_tokens: int | None,
    limit: int | None,
    shards: int,
    overwrite: bool,
    bad_rows: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write a prompt for every question of EXAM, with the answer and an explanation asked for.

    A prompt holds the question and its options and nothing of its answer. Examples come from --train, and
    never is one the question itself or a copy of it.

    \b
    Examples:
      cmexam-baseline prompts make CMExam/data --split test -o prompts.jsonl
      cmexam-baseline prompts make val.csv --style few-shot --train train.csv -o few.jsonl
      cmexam-baseline prompts make val.csv --style cot --form openai-batch --model gpt-4o -o batch.jsonl
    """
    from cmexam_baseline.cli import console
    from cmexam_baseline.exam.io.files import check_output
    from cmexam_baseline.exam.prompts import STYLES, make_prompts, write_prompts
    from cmexam_baseline.exam.prompts.prompts import shard_names
    from cmexam_baseline.exam.splits import load_exam

    if form == "openai-batch" and not model:
        raise InputError("openai-batch lines name a model; give --model")
    shots = STYLES[style].shots if shots is None else shots
    if style == "few-shot" and not shots:
        raise InputError(
            "few-shot without examples is zero-shot; give --shots 1 or more, or --style zero-shot"
        )
    for file in shard_names(output, shards):
        check_output(file, [exam, *([train] if train else [])], overwrite=overwrite)
    notes = console.notes()
    with console.StageProgress(notes, quiet) as stages:
        with stages.stage("reading the exam"):
            questions = load_exam(exam, split, bad_rows, need_answers=False)
        if not quiet:
            console.say_bad_rows(notes, {"exam": questions})
        asked = questions.exam[:limit]
        examples = None
        if shots:
            with stages.stage(f"picking {shots} examples a question"):
                examples = _examples(asked, train, bad_rows, shots, by, seed, explained=not no_explanation)
        made = make_prompts(asked, style, not no_explanation, examples)
    settings: dict[str, Any] = {"model": model, "temperature": 0}
    if max_tokens:
        settings["max_tokens"] = max_tokens
    files = write_prompts(made, output, form, settings, shards)
    tokens = [prompt.n_tokens for prompt in made]
    if as_json:
        console.print_json(
            {
                "prompts": len(made),
                "files": [str(file) for file in files],
                "estimated_tokens": {"total": sum(tokens), "longest": max(tokens, default=0)},
            }
        )
    elif not quiet:
        where = str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"
        longest = max(tokens, default=0)
        click.echo(f"{len(made):,} prompts, about {sum(tokens):,} tokens ({longest:,} the longest): {where}")


def _examples(
    asked: Exam, train: Path | None, bad_rows: str, shots: int, by: str, seed: int, explained: bool
) -> list[list[Question]]:
    from cmexam_baseline.exam.prompts import pick_examples
    from cmexam_baseline.exam.splits import load_exam

    if train is None:
        raise InputError("examples come from a training exam; give --train FILE or FOLDER")
    known = load_exam(train, "train" if train.is_dir() else None, bad_rows).exam
    picked = pick_examples(asked, known, shots, by, seed, explained)
    return [[known[row] for row in rows] for rows in picked]
