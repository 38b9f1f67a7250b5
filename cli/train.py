"""`cmexam-baseline train`: fit a baseline, predict val and test, leave a run folder, print the table."""

from __future__ import annotations

import ast
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli import common_options
from cmexam_baseline.cli.common_options import (
    AS_JSON,
    BAD_ROWS,
    MORE_SEEDS,
    OUT,
    OVERWRITE,
    QUIET,
    SEEDS,
    InputPath,
)
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

# Fields of `EncoderSettings` that belong to every model and have options of their own.
_SHARED = ("model", "random_state")


def _encoder_option(field: Field[Any]) -> Any:
    """A field of `EncoderSettings` as an option; without it the TOML file or the default decides."""
    name = f"--{field.name.replace('_', '-')}"
    default = "by the other settings" if field.default is None else field.default
    text = f"[encoders] {field.metadata['help']}.  [default: {default}]"
    kinds = str(field.type).split(" | ")
    if kinds == ["bool"]:
        return click.option(f"{name}/--no-{name[2:]}", field.name, default=None, help=text)
    choices = field.metadata["choices"]
    kind: Any = str if "str" in kinds else {"int": int, "float": float}[kinds[0]]
    return click.option(name, field.name, type=click.Choice(choices) if choices else kind, help=text)


def encoder_options(command: Any) -> Any:
    """Add an option for every setting of encoders."""
    for field in reversed(fields(EncoderSettings)):
        if field.name not in _SHARED:
            command = _encoder_option(field)(command)
    return command


@click.command()
@click.option(
    "--data",
    type=InputPath(exam=True),
    help="Folder with train, val and test files (CSV, TSV, JSONL, JSON, Parquet, XLSX), or a data set on the Hugging "
    "Face hub (owner/name). Without it the bundled sample exam is used.",
)
@OUT(help="The run folder to make.  [default: runs/ and the model's name]")
@click.option(
    "--model",
    default="lightgbm",
    help="lightgbm, bert, roberta, an encoder (a name on the Hugging Face hub or a folder), or ensemble: "
    "LightGBM and an encoder together.",
)
@click.option(
    "--encoder",
    metavar="NAME-OR-PATH",
    help="[ensemble] Its encoder: bert, roberta, a name on the hub or a folder.  [default: bert]",
)
@click.option(
    "--folds",
    "n_folds",
    type=click.IntRange(1, 50),
    help="[ensemble] With 1 both models learn from all questions, and val weighs their probabilities. With more, an "
    "encoder of the other parts scores each part of the training questions, as features.  [default: 1]",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of everything random.")
@SEEDS
@MORE_SEEDS
@common_options.JOBS(help="Seeds, or folds of an ensemble, to train side by side, each in a process.")
@click.option(
    "--only",
    type=click.IntRange(min=0),
    metavar="SEED|FOLD",
    help="Train this one of --seeds, or without --seeds this fold of an ensemble (from 1), and stop: for several "
    "machines. The same command without --only then collects what is finished and trains the rest.",
)
@click.option(
    "--extra-train",
    multiple=True,
    type=InputPath(),
    help="Another exam in any format; its questions join the training questions. Repeatable. "
    "Those that overlap with val or test are left out and listed.",
)
@click.option(
    "--embeddings",
    metavar="NAME-OR-PATH",
    help="[lightgbm, ensemble] A frozen encoder whose vectors of questions and options are further evidence.",
)
@click.option(
    "--corpus",
    multiple=True,
    type=InputPath(),
    help="Text as further evidence (for encoders with --evidence): .txt, .md, .tex, .html, .jsonl, .csv, archives or "
    "folders of them. Repeatable. Passages that contain a question are left out and listed.",
)
@click.option(
    "--question-banks", is_flag=True, help="Read files of --corpus that look like collections of questions."
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="[lightgbm] A setting of the trees, as in --set n_estimators=500. Repeatable.",
)
@click.option(
    "--tune",
    type=click.IntRange(min=1),
    metavar="N",
    help="[lightgbm] Try N settings of the trees by cross-validation on the training questions, the given ones first, and "
    "use the best (extra: tuning).",
)
@click.option("--config", type=InputPath(), help="A TOML file with encoder settings, one per line.")
@BAD_ROWS
@OVERWRITE
@AS_JSON
@QUIET
@encoder_options
def train(
    data: Path | None,
    out: Path | None,
    model: str,
    seed: int,
    seeds: tuple[str, ...],
    more_seeds: tuple[str, ...],
    jobs: int,
    only: int | None,
    extra_train: tuple[Path, ...],
    corpus: tuple[Path, ...],
    assignments: tuple[str, ...],
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Train a baseline on an exam and score it on val (and test, if there is one).

    The model is chosen and tuned on val alone; the test split is read for the final figure only. An encoder
    that was interrupted resumes from its last checkpoint when the command is run again. An ensemble weighs
    the probabilities of LightGBM and an encoder; with several --folds it trains an encoder for each, so that
    LightGBM reads no score from an encoder that saw the question. It reports what it gains over both alone.

    \b
    Examples:
      cmexam-baseline train
      cmexam-baseline train --data CMExam/data -o runs/lightgbm --seed 1
      cmexam-baseline train --data CMExam/data --seeds 1 2 3 --jobs 3
      cmexam-baseline train --data CMExam/data --extra-train medqa.jsonl --extra-train cmb.json
      cmexam-baseline train --data CMExam/data --model bert --head joint --epochs 3
      cmexam-baseline train --data CMExam/data --model bert --evidence 3 --corpus textbooks/
      cmexam-baseline train --data CMExam/data --corpus textbooks/ --set bag=3
      cmexam-baseline train --data CMExam/data --tune 30
      cmexam-baseline train --data CMExam/data --embeddings intfloat/multilingual-e5-small
      cmexam-baseline train --data CMExam/data --model ensemble --encoder bert --evidence 1
    """
    from cmexam_baseline.baselines import pipeline
    from cmexam_baseline.baselines.registry import MODELS, default_folder, model_kind
    from cmexam_baseline.exam.io.files import check_output_folder

    wanted, arguments = common_options.joined_seeds(seeds, more_seeds), _arguments(given, assignments)
    model_kind(model)
    out = out or default_folder(model)
    if not wanted:
        inputs = [*extra_train, *corpus, *filter(None, [data]), *pipeline.files_read(model, arguments)]
        check_output_folder(out, inputs, overwrite=overwrite)
    plan = pipeline.plan_training(model, **arguments, corpus=corpus, fold_jobs=1 if wanted else jobs)
    # Most mistakes have ended before these imports.
    from cmexam_baseline.baselines.training_data import load_training_data
    from cmexam_baseline.cli import console
    from cmexam_baseline.cli.train_tables import show_runs

    notes = console.notes()
    main = pipeline.is_main_process(plan.kind)
    talks = main and not quiet
    with console.StageProgress(notes, not talks) as progress:
        needed = MODELS[plan.kind].splits
        found = load_training_data(
            data, extra_train=extra_train, bad_rows=bad_rows, needed=needed, progress=progress
        )
        if talks:
            console.say_bad_rows(notes, found.splits)
            console.say_extra(notes, found.joined)
        plan = plan.without_questions(found)
        if talks and corpus:
            notes.print(console.sanitize(plan.parameters["corpus"].summary()))
        if wanted:
            runs = pipeline.train_seeds(
                plan, found, out, wanted, only=only, jobs=jobs, overwrite=overwrite, progress=progress
            )
        elif only is not None:
            pipeline.train_fold(plan, found, out, seed, only, progress)
            progress.say(f"fold {only} is finished; the same command without --only collects the folds")
            return
        else:
            runs = {seed: pipeline.train_once(plan, found, out, seed, overwrite=overwrite, progress=progress)}
    if not main:
        return
    if as_json:
        content = [{"run": str(run.folder), "seed": one, "scores": run.scores} for one, run in runs.items()]
        console.print_json({"runs": content, "seconds": progress.seconds})
        return
    show_runs(console.results(), Path(model).name, runs, data is None, several=bool(wanted))
    if not quiet:
        size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
        notes.print(f"Run folder: {console.sanitize(str(out))} ({size / 1e6:,.1f} MB)")


def _arguments(given: dict[str, Any], assignments: tuple[str, ...]) -> dict[str, Any]:
    """The options that were given, and the settings of --set, as keyword arguments of `plan_training`."""
    found = {name: value for name, value in given.items() if value is not None}
    if str(found.get("batch_tokens", "")).isdigit():  # an int or a text
        found["batch_tokens"] = int(found["batch_tokens"])
    for text in assignments:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise InputError(f"--set {text!r}: write it as in --set n_estimators=500")
        try:
            found[name.strip()] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name.strip()] = value
    return found
