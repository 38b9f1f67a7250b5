"""Speed of both encoder heads against plain loops.

    python benchmarks/bench_encoders.py --model FOLDER --data train.csv  # writes encoders.md
    python benchmarks/bench_encoders.py ... --check  # fails below 2.5 and 6 times the loop padded to 192

The plain loops are the step of transformers' multiple-choice example: each question copied beside each of five
options, padded to 192 (`pad_to_max_length`), to the longest of the batch (its default), or so after grouping by
length. All train the same backbone on the same questions in the same precision on the same device, in turns; the
median of the turns counts. `gpu.py` measures what needs a GPU.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from plain_loop import PLAIN, Contender, Turn, clock, plain_loop

from cmexam_baseline.encoders import EncoderSettings, find_model
from cmexam_baseline.encoders.baseline import untrained_model
from cmexam_baseline.encoders.devices import DeviceFacts, device_facts
from cmexam_baseline.encoders.models import load_config
from cmexam_baseline.encoders.runtime import Runtime, start_runtime, tokens_to_predict
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.exam import Exam, read_exam

FLOORS = {"pairwise": 2.5, "joint": 6.0}
_BASE = "plain, padded to 192"
PEAK_TFLOPS = {
    ("V100", "fp16"): 125.0,
    ("A100", "bf16"): 312.0,
    ("A100", "fp16"): 312.0,
    ("H100", "bf16"): 989.0,
    ("H200", "bf16"): 989.0,
}
"""Dense tensor-core peaks from NVIDIA's data sheets."""


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--questions", type=int, default=32, help="in a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--plain-parts", type=int, default=1, help="parts of a step of the plain loops")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("encoders.md"))
    run_speed(parser.parse_args())


def run_speed(arguments: argparse.Namespace) -> None:
    """Time the three contenders in turns, print and write the table."""
    exam = read_exam(arguments.data, bad_rows="skip")
    exam = exam[np.flatnonzero(exam.answers)]
    exam = exam[np.random.default_rng(0).permutation(len(exam))]
    common = {
        "model": arguments.model, "batch_size": arguments.batch_size, "precision": arguments.precision,
        "device": arguments.device, "schedule": "constant", "warmup": 0.0, "epochs": 1,
    }  # fmt: skip
    settings = {head: EncoderSettings(head=head, **common) for head in FLOORS}
    runtime = start_runtime(settings["pairwise"])
    contenders = {
        **{
            name: plain_loop(settings["pairwise"], runtime, arguments.plain_parts, **how)
            for name, how in PLAIN.items()
        },
        **{head: ours(settings[head], runtime, exam) for head in FLOORS},
    }
    turns: dict[str, dict[str, list[Turn]]] = {
        work: {name: [] for name in contenders} for work in ("train", "predict")
    }
    for name, contender in contenders.items():
        for work in turns:
            # What is loaded or chosen at the first step is no training.
            getattr(contender, work)(exam[: arguments.plain_parts])
        print(f"{name} is warm", file=sys.stderr)
    for turn in range(arguments.turns):
        some = exam[turn * arguments.questions : (turn + 1) * arguments.questions]
        for name, contender in contenders.items():
            for work, own in turns.items():
                own[name].append(getattr(contender, work)(some))
                print(f"{name}, {work}: {own[name][-1]}", file=sys.stderr)
    rates = {work: {name: _rate(found) for name, found in own.items()} for work, own in turns.items()}
    text = report(arguments, runtime, turns)
    print(text)
    arguments.out.write_text(text, encoding="utf-8")
    ratios = {
        f"{name}, {work}": (own[name] / own[_BASE], floor)
        for work, own in rates.items()
        for name, floor in FLOORS.items()
    }
    missed = [f"{what}: {ratio:.1f} < {floor}" for what, (ratio, floor) in ratios.items() if ratio < floor]
    if arguments.check and missed:
        sys.exit("; ".join(missed))


def _rate(turns: list[Turn]) -> float:
    return statistics.median(one.questions / one.seconds for one in turns)


def ours(settings: EncoderSettings, runtime: Runtime, exam: Exam) -> Contender:
    """This package's training run over the questions that it is given, and its prediction; tokenised beforehand."""
    model = untrained_model(settings, runtime, find_model(settings.model), exam)

    def train(some: Exam) -> Turn:
        trainer = Trainer(model.scorer, settings, runtime, model.batches(some))
        began = clock(runtime)
        work = trainer.run()
        seconds = clock(runtime) - began
        return Turn(work.questions, round(work.tokens_per_second * work.seconds), seconds)

    def predict(some: Exam) -> Turn:
        batches = model.batches(some)
        most_tokens = tokens_to_predict(1 << 15, runtime.device)
        began = clock(runtime)
        score_all(model.scorer, batches, runtime, most_tokens)
        return Turn(len(some), int(batches.sequences.lengths.sum()), clock(runtime) - began)

    return Contender(train, predict)


def report(arguments: argparse.Namespace, runtime: Runtime, turns: dict[str, dict[str, list[Turn]]]) -> str:
    """What encoders.md holds."""
    facts = device_facts(arguments.device)
    config = load_config(find_model(arguments.model))
    shape = f"{config.num_hidden_layers} layers of {config.hidden_size}"
    name = _processor() if facts.kind == "cpu" else facts.name
    parts = f", its step in {arguments.plain_parts} parts" if arguments.plain_parts > 1 else ""
    lines = [
        "# Encoders: speed of training and prediction",
        "",
        f"{Path(arguments.model).name} ({shape}), {arguments.batch_size} questions a step, {runtime.precision} on"
        f" {name}; medians of {arguments.turns} turns of {arguments.questions} questions of"
        f" {Path(arguments.data).name}. The plain loops are the step of transformers' multiple-choice"
        f" example: five copies of the question{parts}. Times are those of the first"
        " loop in the same run, in brackets those of the turn where they were fewest; tokens leave padding out.",
        "",
        "| | training, questions/s | times | prediction, questions/s | times | tokens a question | share of peak |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for contender, own in turns["train"].items():
        tokens = sum(turn.tokens for turn in own) / sum(turn.questions for turn in own)
        share = utilisation(config, facts, runtime.precision, _rate(own) * tokens)
        figures = [_figures(found[contender], found[_BASE]) for found in turns.values()]
        lines.append(f"| {contender} | {' | '.join(figures)} | {tokens:.0f} | {share} |")
    floors = ", ".join(f"{head} {floor:g}" for head, floor in FLOORS.items())
    versions = (
        f"{platform.system()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads,"
        f" Python {platform.python_version()}, torch {torch.__version__},"
        f" transformers {version('transformers')}, {date.today()}"
    )
    command = (
        f"python benchmarks/bench_encoders.py --model {Path(arguments.model).name} --data"
        f" {arguments.data.name} --questions {arguments.questions} --turns {arguments.turns}"
        f" --batch-size {arguments.batch_size} --plain-parts {arguments.plain_parts} --precision {arguments.precision}"
    )
    return "\n".join([*lines, "", f"At least, of both: {floors}. {versions}.", "", f"    {command}", ""])


def _figures(own: list[Turn], plain: list[Turn]) -> str:
    least = min(other.seconds / one.seconds for one, other in zip(own, plain, strict=True))
    return f"{_rate(own):.2f} | {_rate(own) / _rate(plain):.1f} ({least:.1f})"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if sys.platform == "linux" else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.machine()])[0]


def utilisation(config: Any, facts: DeviceFacts, precision: str, tokens_per_second: float) -> str:
    """Floating-point work on tokens without padding, forward and backward, as a share of the GPU's peak."""
    peak = next(
        (tera for (name, kind), tera in PEAK_TFLOPS.items() if name in facts.name and kind == precision), 0
    )
    weights = config.num_hidden_layers * (
        4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size
    )
    return f"{6 * weights * tokens_per_second / peak / 1e12:.1%}" if peak else "–"


if __name__ == "__main__":
    main()
