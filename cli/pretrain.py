"""`cmexam-baseline pretrain`: continued masked-language modelling of an encoder on training texts."""

from __future__ import annotations

from pathlib import Path

import click

from cmexam_baseline.cli.common_options import AS_JSON, BAD_ROWS, OUT, OVERWRITE, QUIET, InputPath


@click.command()
@click.option("--model", default="bert", help="bert, roberta, a name on the hub or a folder.")
@click.option("--data", type=InputPath(exam=True), help="Folder with train, val and test files.")
@click.option(
    "--corpus",
    multiple=True,
    type=InputPath(),
    help="Text to learn from as well, as for train: .txt, .md, .tex, .html, .jsonl, .csv, archives or folders of them. "
    "Repeatable.",
)
@click.option(
    "--question-banks", is_flag=True, help="Read files of --corpus that look like collections of questions."
)
@OUT(required=True, help="The model folder to make.")
@click.option("--epochs", type=click.IntRange(min=1), default=1, help="Passes over the texts.")
@click.option("--lr", type=float, default=5e-5, help="Maximum learning rate.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, help="Sequences per step.")
@click.option("--max-length", type=click.IntRange(min=16), default=128, help="Tokens per sequence.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Seed of masks and order.")
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to compute."
)
@click.option(
    "--precision", type=click.Choice(["auto", "fp16", "bf16", "fp32"]), default="auto", help="Arithmetic."
)
@BAD_ROWS
@OVERWRITE
@AS_JSON
@QUIET
def pretrain(
    model: str,
    data: Path | None,
    corpus: tuple[Path, ...],
    question_banks: bool,
    out: Path,
    epochs: int,
    lr: float,
    batch_size: int,
    max_length: int,
    seed: int,
    device: str,
    precision: str,
    bad_rows: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Adapt an encoder to the domain: predict masked tokens of training stems, options and explanations.

    `train --model` takes the folder. Nothing of val and test is learned: training questions that overlap with them,
    and texts that contain one of their stems or explanations, are left out and counted.

    \b
    Examples:
      cmexam-baseline pretrain --model bert --data CMExam/data -o models/bert-medical
      cmexam-baseline train --model models/bert-medical --data CMExam/data
    """
    from dataclasses import asdict, replace

    from cmexam_baseline.cli import console
    from cmexam_baseline.encoders import EncoderSettings, check_ready, collect_texts, pretrain
    from cmexam_baseline.exam.io.files import check_output_folder
    from cmexam_baseline.exam.splits import load_splits

    check_output_folder(out, [*corpus, *([data] if data else []), model], overwrite=overwrite)
    check_ready(EncoderSettings(model, device=device, precision=precision))
    notes = console.notes()
    with console.StageProgress(notes, quiet) as stages:
        with stages.stage("reading the exam"):
            exams = {
                name: split.exam for name, split in load_splits(data, bad_rows, needed=("train",)).items()
            }
            train, passages, left_out = exams.pop("train"), list[str](), 0
            if corpus:
                from cmexam_baseline.features.corpus import Corpus

                found = Corpus.read(corpus, question_banks, stages).without_questions(exams)
                passages, left_out = found.texts_with_headings("\n"), len(found.left_out)
            texts = collect_texts(train, list(exams.values()), passages)
            texts = replace(texts, left_out_texts=texts.left_out_texts + left_out)
        report = pretrain(
            model, texts, out, epochs=epochs, lr=lr, batch_size=batch_size, max_length=max_length,
            random_state=seed, device=device, precision=precision, overwrite=overwrite, progress=stages,
        )  # fmt: skip
    if as_json:
        console.print_json({"model": str(out), **asdict(report)})
        return
    new = f" ({model} has no head for masked tokens: it is new, and guesses)" if report.new_head else ""
    console.results().print(
        f"loss of masked tokens: {report.loss_before:.3f} before{new}, {report.loss_after:.3f} after"
        f" {report.steps} steps on {report.texts} texts"
    )
    if not quiet:
        notes.print(
            f"left out because of val and test: {report.left_out_questions} questions, {report.left_out_texts} texts"
        )
        notes.print(f"Model folder: {out}")
