"""Training speed of both encoder heads against a plain loop, and the memory of a large one on a card.

    python benchmarks/bench_encoders.py speed --model FOLDER --data train.csv  # writes encoders.md
    python benchmarks/bench_encoders.py speed ... --check  # fails below 2.5 and 6 times
    python benchmarks/bench_encoders.py memory --vocabulary vocab.txt --data train.csv  # on a GPU

`speed`: the plain loop does what transformers' multiple-choice example does with its default collation to a
fixed length: each question copied beside each of five options, padded to 192, AdamW. All three train the same
backbone on the same questions in the same precision on the same device, one after the other in turns; the
median of the turns counts. `memory`: random weights of chinese-roberta-wwm-ext-large's shape, 16 questions of
five options a step, fp16, the card's memory cut to the given size.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings, find_model
from cmexam_baseline.encoders.baseline import untrained_model
from cmexam_baseline.encoders.devices import DeviceFacts, device_facts
from cmexam_baseline.encoders.models import load_config, load_encoder, load_tokenizer
from cmexam_baseline.encoders.runtime import Runtime, start_runtime
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.exam import Exam, read_exam

FLOORS = {"pairwise": 2.5, "joint": 6.0}
COPIES, LENGTH = 5, 192
PEAK_TFLOPS = {
    ("V100", "fp16"): 125.0,
    ("A100", "bf16"): 312.0,
    ("A100", "fp16"): 312.0,
    ("H100", "bf16"): 989.0,
    ("H200", "bf16"): 989.0,
}
"""Dense tensor-core peaks from NVIDIA's data sheets."""

ROBERTA_LARGE = {
    "vocab_size": 21128, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
    "intermediate_size": 4096, "max_position_embeddings": 512, "type_vocab_size": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """A stretch of training: questions done, tokens of them that are no padding, seconds."""

    questions: int
    tokens: int
    seconds: float


Contender = Callable[[Exam], Turn]


def main() -> None:
    """Run the part that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True)
    speed = parts.add_parser("speed")
    speed.add_argument("--model", required=True)
    speed.add_argument("--data", required=True, type=Path)
    speed.add_argument("--questions", type=int, default=32, help="in a turn")
    speed.add_argument("--turns", type=int, default=3)
    speed.add_argument("--batch", type=int, default=16)
    speed.add_argument("--precision", default="auto")
    speed.add_argument("--device", default="auto")
    speed.add_argument("--check", action="store_true")
    speed.add_argument("--out", type=Path, default=Path(__file__).with_name("encoders.md"))
    memory = parts.add_parser("memory")
    memory.add_argument("--gigabytes", type=float, default=15.0)
    memory.add_argument("--head", default="pairwise")
    memory.add_argument("--vocabulary", type=Path, required=True, help="vocab.txt of bert-base-chinese")
    memory.add_argument("--data", required=True, type=Path)
    memory.add_argument("--questions", type=int, default=320)
    arguments = parser.parse_args()
    {"speed": run_speed, "memory": run_memory}[arguments.part](arguments)


def run_speed(arguments: argparse.Namespace) -> None:
    """Time the three contenders in turns, print and write the table."""
    exam = read_exam(arguments.data, bad_rows="skip")
    exam = exam[np.flatnonzero(exam.answers)]
    exam = exam[np.random.default_rng(0).permutation(len(exam))]
    common = {
        "model": arguments.model, "batch": arguments.batch, "precision": arguments.precision,
        "device": arguments.device, "schedule": "constant", "warmup": 0.0, "epochs": 1,
    }  # fmt: skip
    settings = {head: EncoderSettings(head=head, **common) for head in FLOORS}
    runtime = start_runtime(settings["pairwise"])
    contenders: dict[str, Contender] = {
        "plain loop": plain_loop(settings["pairwise"], runtime),
        **{head: ours(settings[head], runtime, exam) for head in FLOORS},
    }
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    for name, contender in contenders.items():
        contender(exam[: arguments.batch])  # what is loaded or chosen at the first step is no training
        print(f"{name} is warm", file=sys.stderr)
    for turn in range(arguments.turns):
        some = exam[turn * arguments.questions : (turn + 1) * arguments.questions]
        for name, contender in contenders.items():
            turns[name].append(contender(some))
            print(f"{name}: {turns[name][-1]}", file=sys.stderr)
    rates = {
        name: statistics.median(one.questions / one.seconds for one in own) for name, own in turns.items()
    }
    text = report(arguments, runtime, turns, rates)
    print(text)
    arguments.out.write_text(text, encoding="utf-8")
    ratios = {name: rates[name] / rates["plain loop"] for name in FLOORS}
    missed = [
        f"{name} {ratios[name]:.1f} < {floor}" for name, floor in FLOORS.items() if ratios[name] < floor
    ]
    if arguments.check and missed:
        sys.exit("; ".join(missed))


def plain_loop(settings: EncoderSettings, runtime: Runtime) -> Contender:
    """The multiple-choice example's training: fixed copies, fixed length, AdamW; tokenised beforehand."""
    from transformers import AutoModelForMultipleChoice

    folder = find_model(settings.model)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    model = load_encoder(folder, AutoModelForMultipleChoice).to(runtime.device).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, fused=runtime.device.type == "cuda"
    )
    scaler = runtime.scaler()

    def batch(exam: Exam) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        firsts = [question for question in exam.questions for _ in range(COPIES)]
        seconds = [text for row in range(len(exam)) for text in (exam.options(row) + [""] * COPIES)[:COPIES]]
        inputs = tokenizer(
            firsts, seconds, truncation=True, max_length=LENGTH, padding="max_length", return_tensors="pt"
        )
        # The example knows single answers: the first letter stands for several.
        letters = [min((answer & -answer).bit_length() - 1, COPIES - 1) for answer in exam.answers.tolist()]
        return {name: value.view(-1, COPIES, LENGTH) for name, value in inputs.items()}, torch.tensor(letters)

    def run(exam: Exam) -> Turn:
        batches = [
            batch(exam[first : first + settings.batch]) for first in range(0, len(exam), settings.batch)
        ]
        tokens = sum(int(inputs["attention_mask"].sum()) for inputs, _ in batches)
        began = clock(runtime)
        for inputs, labels in batches:
            on_device = {name: value.to(runtime.device) for name, value in inputs.items()}
            with runtime.autocast():
                loss = model(**on_device, labels=labels.to(runtime.device)).loss
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
        return Turn(len(exam), tokens, clock(runtime) - began)

    return run


def ours(settings: EncoderSettings, runtime: Runtime, exam: Exam) -> Contender:
    """This package's training run over the questions that it is given; tokenised beforehand."""
    model = untrained_model(settings, runtime, find_model(settings.model), exam, "")

    def run(some: Exam) -> Turn:
        trainer = Trainer(model.scorer, settings, runtime, model.batches(some, None, None))
        began = clock(runtime)
        work = trainer.run()
        seconds = clock(runtime) - began
        return Turn(work.questions, round(work.tokens_per_second * work.seconds), seconds)

    return run


def clock(runtime: Runtime) -> float:
    """Seconds, when the device has done what it was given."""
    if runtime.device.type == "cuda":
        torch.cuda.synchronize(runtime.device)
    return time.perf_counter()


def report(
    arguments: argparse.Namespace, runtime: Runtime, turns: dict[str, list[Turn]], rates: dict[str, float]
) -> str:
    """The section for benchmarks/README.md."""
    facts = device_facts(arguments.device)
    config = load_config(find_model(arguments.model))
    shape = f"{config.num_hidden_layers} layers of {config.hidden_size}"
    lines = [
        "## Encoders: training speed",
        "",
        f"{Path(arguments.model).name} ({shape}), {arguments.batch} questions a step, {runtime.precision} on"
        f" {facts.name}, torch {torch.__version__}, {torch.get_num_threads()} threads; medians"
        f" of {arguments.turns} turns of {arguments.questions} questions of {Path(arguments.data).name}."
        " The plain loop is the step of transformers' multiple-choice example: five copies of the question,"
        " all padded to 192.",
        "",
        "| training | questions/s | times the plain loop | tokens a question | share of peak |",
        "|---|---|---|---|---|",
    ]
    for name, own in turns.items():
        tokens = sum(turn.tokens for turn in own) / sum(turn.questions for turn in own)
        share = utilisation(config, facts, runtime.precision, rates[name] * tokens)
        ratio = rates[name] / rates["plain loop"]
        lines.append(f"| {name} | {rates[name]:.2f} | {ratio:.1f} | {tokens:.0f} | {share} |")
    command = " ".join(["python", "benchmarks/bench_encoders.py", *sys.argv[1:]])
    return "\n".join([*lines, "", f"Run by `{command}`.", ""])


def utilisation(config: Any, facts: DeviceFacts, precision: str, tokens_per_second: float) -> str:
    """Floating-point work on tokens that are no padding, forward and backward, against the card's peak."""
    peak = next(
        (tera for (name, kind), tera in PEAK_TFLOPS.items() if name in facts.name and kind == precision), 0
    )
    weights = config.num_hidden_layers * (
        4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size
    )
    return f"{6 * weights * tokens_per_second / peak / 1e12:.1%}" if peak else "–"


def run_memory(arguments: argparse.Namespace) -> None:
    """Train a large encoder of random weights within part of the card's memory; fails if it does not fit."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    facts = device_facts("cuda")
    torch.cuda.set_per_process_memory_fraction(arguments.gigabytes * 1e9 / facts.memory)
    exam = read_exam(arguments.data, bad_rows="skip")
    exam = exam[np.flatnonzero(exam.answers)[: arguments.questions]]
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        BertModel(BertConfig(**ROBERTA_LARGE)).save_pretrained(folder)
        BertTokenizerFast(str(arguments.vocabulary)).save_pretrained(folder)
        settings = EncoderSettings(
            model=folder, head=arguments.head, precision="fp16", device="cuda", epochs=1, batch=16
        )
        work = EncoderBaseline(settings).fit(exam).report
    reserved = torch.cuda.max_memory_reserved()
    print(
        f"{facts.name}, limit {arguments.gigabytes:g} GB: {work.steps} steps of 16 questions,"
        f" {work.batch_tokens} tokens at a time, {work.questions_per_second:.1f} questions/s,"
        f" peak {work.peak_memory_bytes / 1e9:.1f} GB in use, {reserved / 1e9:.1f} GB reserved"
    )


if __name__ == "__main__":
    main()
