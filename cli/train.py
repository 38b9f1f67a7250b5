"""`cmexam-baseline train`: fit a baseline, predict val and test, leave a run folder, print the table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OVERWRITE, QUIET
from cmexam_baseline.cli.encoder_options import encoder_options

# The splits that a kind of model cannot do without: an ensemble is chosen and compared on val.
NEEDED = {"lightgbm": ("train",), "encoder": ("train",), "ensemble": ("train", "val")}
FOLDS = 3


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder with train, val and test files (CSV, TSV, JSONL, JSON, Parquet, XLSX). "
    "Without it the bundled sample exam is used.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run folder to make.  [default: runs/ and the model's name]",
)
@click.option(
    "--model",
    default="lightgbm",
    show_default=True,
    help="lightgbm, bert, roberta, an encoder (a name on the Hugging Face hub or a folder), or ensemble: "
    "LightGBM that reads what an encoder thinks of the options.",
)
@click.option(
    "--encoder",
    metavar="NAME-OR-PATH",
    help="[ensemble] Its encoder: bert, roberta, a name on the hub or a folder.  [default: bert]",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 50),
    help="[ensemble] Parts of the training questions, each scored by an encoder of the others.  "
    f"[default: {FOLDS}]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all that is random."
)
@click.option(
    "--seeds",
    multiple=True,
    type=click.IntRange(min=0),
    help="Several seeds, as in --seeds 1 2 3: mean ± sd.",
)
@click.argument("more_seeds", nargs=-1, type=click.IntRange(min=0), metavar="")
@click.option(
    "--extra-train",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Another exam in any form; its questions join the training questions. Repeatable. "
    "What overlaps with val or test stays out and is listed.",
)
@click.option(
    "--embeddings",
    metavar="NAME-OR-PATH",
    help="[lightgbm, ensemble] A frozen encoder whose vectors of questions and options are one more kind of evidence.",
)
@click.option(
    "--bm25",
    is_flag=True,
    help="[lightgbm] Rank the sentences of explanations by BM25, too: some 20 s more for 30,000 questions, and on val "
    "no gain (docs/ablation.md).",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="A TOML file with encoder settings, one a line."
)
@BAD_ROWS
@OVERWRITE
@AS_JSON
@QUIET
@encoder_options
def train(
    data: Path | None,
    out: Path | None,
    model: str,
    encoder: str | None,
    folds: int | None,
    seed: int,
    seeds: tuple[int, ...],
    more_seeds: tuple[int, ...],
    extra_train: tuple[Path, ...],
    embeddings: str | None,
    bm25: bool,
    config: Path | None,
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Train a baseline on an exam and score it on val (and test, where there is one).

    The model is chosen and tuned on val alone; the test split is read for the final figure only. An encoder
    that was interrupted goes on from its last checkpoint when the command is run again. An ensemble trains an
    encoder for each fold and one of all questions, so that no question is scored by an encoder that saw it,
    and shows what it gains over LightGBM and the encoder alone.

    \b
    Examples:
      cmexam-baseline train
      cmexam-baseline train --data CMExam/data --out runs/lightgbm --seed 1
      cmexam-baseline train --data CMExam/data --extra-train medqa.jsonl --extra-train cmb.json
      cmexam-baseline train --data CMExam/data --model bert --head joint --epochs 3
      cmexam-baseline train --data CMExam/data --model bert --evidence 3
      cmexam-baseline train --data CMExam/data --model roberta --seeds 1 2 3
      cmexam-baseline train --data CMExam/data --embeddings intfloat/multilingual-e5-small
      cmexam-baseline train --data CMExam/data --model ensemble --encoder bert --evidence 3 --folds 3
    """
    from cmexam_baseline.baselines.extra_training import add_extra_train
    from cmexam_baseline.baselines.pipeline import Plan, train_once, writes
    from cmexam_baseline.cli import console, train_tables
    from cmexam_baseline.cli.bad_row_table import say_bad_rows
    from cmexam_baseline.cli.encoder_options import given_settings
    from cmexam_baseline.cli.extra_train import say_extra
    from cmexam_baseline.cli.gains import show_gains
    from cmexam_baseline.exam.errors import InputError
    from cmexam_baseline.exam.io.files import refuse_taken, refuse_unwritable
    from cmexam_baseline.exam.splits import load_splits

    out = out or Path("runs") / Path(model).name
    refuse_taken(out, overwrite)
    refuse_unwritable(out)
    if more_seeds and not seeds:
        raise InputError(f"{more_seeds[0]} belongs to no option; several seeds are given as --seeds 1 2 3")
    seeds += more_seeds
    if len(set(seeds)) != len(seeds):
        raise InputError(f"--seeds {' '.join(map(str, seeds))}: one stands twice; give each once")
    if bm25 and model not in NEEDED:
        raise InputError("--bm25 is for lightgbm's features; leave the option away or --model")
    kind, settings = _model(model, encoder, folds, config, given_settings(given))
    embedder = _embedder(kind, embeddings)
    notes = console.notes()
    show = writes(kind)
    with console.StageProgress(notes, quiet or not show) as stages:
        with stages.stage("reading the exam"):
            splits = load_splits(data, bad_rows, needed=NEEDED[kind])
        joined = None
        if extra_train:
            with stages.stage("joining other exams"):
                splits, joined = add_extra_train(splits, extra_train, bad_rows)
        if show and not quiet:
            say_bad_rows(notes, splits)
            if joined is not None:
                say_extra(notes, joined)
        places = {one: out / f"seed-{one}" for one in seeds} or {seed: out}
        scores = {
            one: train_once(
                Plan(kind, settings, place, overwrite, embedder, folds or FOLDS, bm25, joined),
                one,
                splits,
                stages,
            )
            for one, place in places.items()
        }
    if not show:
        return
    if as_json:
        runs = [{"run": str(places[one]), "seed": one, "scores": found} for one, found in scores.items()]
        console.print_json({"runs": runs, "seconds": stages.seconds})
        return
    name = Path(model).name
    for one, found in scores.items():
        title = f"{name}, seed {one}" if seeds else name
        train_tables.show_training(console.results(), title, found, data is None)
        train_tables.show_explanations(console.results(), title, found)
        if kind == "ensemble":
            show_gains(console.results(), title, found)
    if len(scores) > 1:
        train_tables.show_seeds(console.results(), name, scores)
    if not quiet:
        notes.print(f"Run folder: {out}")


def _embedder(kind: str, name_or_path: str | None) -> Any:
    from cmexam_baseline.baselines.embedder import make_embedder
    from cmexam_baseline.exam.errors import InputError

    if name_or_path is None:
        return None
    if kind == "encoder":
        raise InputError("--embeddings are for lightgbm's features; leave the option away or --model")
    return make_embedder(name_or_path)


def _model(
    model: str, encoder: str | None, folds: int | None, config: Path | None, given: dict[str, Any]
) -> tuple[str, Any]:
    """The kind of model and its settings; a card, packages or weights that lack end here, before data are read."""
    from cmexam_baseline.exam.errors import InputError

    kind = model if model in NEEDED else "encoder"
    if kind != "ensemble":
        for name, value in (("--encoder", encoder), ("--folds", folds)):
            if value is not None:
                raise InputError(f"{name} is for ensembles; leave it away or give --model ensemble")
    if kind == "lightgbm":
        if given or config:
            name = "--config" if config else f"--{next(iter(given)).replace('_', '-')}"
            raise InputError(
                f"{name} is a setting of encoders; give --model bert, roberta or another encoder"
            )
        return kind, None
    if kind == "ensemble" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError("an ensemble trains in one process; start it without torchrun")
    from cmexam_baseline.encoders import check_ready, load_settings

    # Without --encoder the TOML file may name the model.
    named = {"model": encoder if kind == "ensemble" else model}
    settings = load_settings(config, **given, **{name: value for name, value in named.items() if value})
    check_ready(settings)
    return kind, settings
