"""All that was never run on a GPU, in order of worth, within a number of minutes.

    python benchmarks/gpu.py --minutes 12 --out DIR --model e5-small-zh --data CMExam/data

Writes DIR/gpu.json and DIR/gpu.md after every row, so that whatever fits into the time is kept:

1. precision: fp16 and bf16 against fp32, both heads, 50 steps
2. memory: chinese-roberta-wwm-ext-large's shape, 16 questions a step, within 15 GB, with and without checkpointing
3. speed: BERT-base's and RoBERTa-large's shapes, both heads and the plain loops, share of peak and of waiting
4. attention: which kernels run with the joint head's mask, and how fast, also as compute capability 7.0 has them
5. learning: the model on the data, joint head, with evidence and without, val accuracy by step
6. recovery: running out of memory on purpose; a run that is broken off and resumed

`--tiny` takes sizes that a CPU finishes in a minute; the tests run it so.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_encoders import utilisation
from gpu_run import SHAPES, Bench, Row, TimeIsUp, free
from plain_loop import PLAIN, WaitingTrainer, clock, plain_loop

from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings
from cmexam_baseline.encoders.baseline import untrained_model
from cmexam_baseline.encoders.models import load_config
from cmexam_baseline.encoders.runtime import is_out_of_memory, start_runtime
from cmexam_baseline.encoders.training import Step
from cmexam_baseline.encoders.training_report import Evaluation
from cmexam_baseline.exam import Exam, InputError, read_exam
from cmexam_baseline.features import SentenceRetriever

HEADS = ("pairwise", "joint")


def precision(bench: Bench) -> Iterator[Row]:
    """Losses of the same steps in fp32 and in half precision."""
    steps = bench.steps(50)
    for head in HEADS:
        losses: dict[str, list[float]] = {}
        for kind in ("fp32", *bench.precisions()):
            found = losses[kind] = []
            settings = bench.settings(head=head, precision=kind)
            settings["max_train_questions"] = steps * settings["batch_size"]
            try:
                report = bench.fit(settings, found)
            except InputError as error:  # as if losses became NaN
                yield {"head": head, "precision": kind, "failed after steps": len(found), "why": str(error)}
                continue
            difference = np.abs(np.array(found) - np.array(losses["fp32"]))
            yield {
                "head": head, "precision": kind, "steps": len(found), "first loss": found[0], "last loss": found[-1],
                "largest difference to fp32": float(difference.max()), "mean difference": float(difference.mean()),
                "skipped steps": report.skipped_steps, "questions/s": report.questions_per_second,
            }  # fmt: skip


def memory(bench: Bench) -> Iterator[Row]:
    """Steps of the large shape within a part of the GPU's memory."""
    if bench.on_gpu:
        torch.cuda.set_per_process_memory_fraction(min(bench.gigabytes * 1e9 / bench.facts.memory, 1.0))
    try:
        with tempfile.TemporaryDirectory() as folder:
            model = bench.random_model("roberta-large", Path(folder))
            for head, checkpointing in itertools.product(HEADS, (False, True)):
                settings = bench.settings(
                    model, head=head, gradient_checkpointing=checkpointing, precision=bench.precisions()[0]
                )
                settings["max_train_questions"] = bench.steps(10) * settings["batch_size"]
                row: Row = {"head": head, "checkpointing": checkpointing, "limit GB": bench.gigabytes}
                try:
                    report = bench.fit(settings)
                except (InputError, torch.OutOfMemoryError) as error:
                    yield {**row, "why": _short(error)}
                    continue
                reserved = torch.cuda.max_memory_reserved() if bench.on_gpu else 0
                yield {
                    **row, "steps": report.steps, "batch_tokens": report.batch_tokens, "halvings": report.halvings,
                    "peak GB": report.peak_memory_bytes / 1e9, "reserved GB": reserved / 1e9,
                    "questions/s": report.questions_per_second,
                }  # fmt: skip
    finally:
        if bench.on_gpu:
            torch.cuda.set_per_process_memory_fraction(1.0)


def speed(bench: Bench) -> Iterator[Row]:
    """Training speed of both heads and of the plain loops."""
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            model = bench.random_model(shape, Path(folder))
            config, kind = load_config(Path(folder)), bench.precisions()[-1]
            settings = {
                head: EncoderSettings(**bench.settings(model, head=head, precision=kind, warmup=0.0))
                for head in HEADS
            }
            runtime = start_runtime(settings["pairwise"])
            # On fast GPUs 30 steps would be over before the processes that make batches have begun.
            n_steps = bench.steps(30 if bench.facts.capability < (8, 0) else 120)
            some = bench.train[: n_steps * settings["joint"].batch_size]
            for name, how in PLAIN.items():
                bench.check()
                free()
                row: Row = {"shape": shape, "loop": name, "precision": runtime.precision}
                try:
                    loop = plain_loop(settings["pairwise"], runtime, 1, **how)
                    loop.train(some[:4])
                    turn = loop.train(some)
                    tokens = turn.tokens / turn.seconds
                    yield {
                        **row, "questions/s": turn.questions / turn.seconds, "tokens/s": tokens,
                        "share of peak": utilisation(config, bench.facts, runtime.precision, tokens),
                    }  # fmt: skip
                except RuntimeError as error:
                    if not is_out_of_memory(error):
                        raise
                    yield {**row, "questions/s": "out of memory"}
                loop = None  # whose memory the next one needs, and whose peak is not the next one's
            for head in HEADS:
                bench.check()
                free()
                built = untrained_model(settings[head], runtime, Path(folder), some)
                WaitingTrainer(built.scorer, settings[head], runtime, built.batches(some[:8])).run()
                trainer = WaitingTrainer(built.scorer, settings[head], runtime, built.batches(some))
                began = clock(runtime)
                report = trainer.run()
                seconds = clock(runtime) - began
                tokens = report.tokens_per_second * report.seconds / seconds
                yield {
                    "shape": shape, "loop": head, "precision": runtime.precision,
                    "questions/s": len(some) / seconds, "tokens/s": tokens,
                    "share of peak": utilisation(config, bench.facts, runtime.precision, tokens),
                    "share of waiting for data": trainer.waited / seconds, "batch_tokens": report.batch_tokens,
                    "peak GB": report.peak_memory_bytes / 1e9,
                }  # fmt: skip
                del built, trainer


def attention(bench: Bench) -> Iterator[Row]:
    """Each kernel of scaled dot-product attention with a dense mask, one after the other."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.functional import scaled_dot_product_attention as attend

    device, dtype = torch.device(bench.facts.kind), torch.float16 if bench.on_gpu else torch.float32
    shape = (2, 2, 16, 16) if bench.tiny else (32, 12, 192, 64)
    query, key, value = (torch.randn(shape, device=device, dtype=dtype, requires_grad=True) for _ in range(3))
    mask = torch.rand(shape[0], 1, shape[2], shape[2], device=device) > 0.3
    mask[..., 0] = True
    backends = {
        "flash (8.0 and later)": SDPBackend.FLASH_ATTENTION, "cuDNN (8.0 and later)": SDPBackend.CUDNN_ATTENTION,
        "memory-efficient (5.0 and later)": SDPBackend.EFFICIENT_ATTENTION, "math (all)": SDPBackend.MATH,
    }  # fmt: skip
    choices = {name: [backend] for name, backend in backends.items()}
    choices["chosen on 7.0"] = [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    choices["chosen here"] = list(backends.values())
    for name, allowed in choices.items():
        for masked in (True, False):
            row: Row = {"kernel": name, "mask": masked, "dtype": str(dtype), "shape": str(shape)}
            try:
                with sdpa_kernel(allowed):
                    chosen = torch._fused_sdp_choice(query, key, value, attn_mask=mask if masked else None)
                    row["runs"] = SDPBackend(chosen).name if len(allowed) > 1 else name
                    attend(query, key, value, attn_mask=mask if masked else None).sum().backward()
                    began, rounds = _now(bench), bench.steps(50)
                    for _ in range(rounds):
                        attend(query, key, value, attn_mask=mask if masked else None).sum().backward()
                    yield {**row, "ms forward and backward": 1000 * (_now(bench) - began) / rounds}
            except RuntimeError as error:
                yield {**row, "ms forward and backward": f"refused: {str(error).splitlines()[0][:60]}"}


def learning(bench: Bench) -> Iterator[Row]:
    """Val accuracy by step, written as it comes; the time may end a run before its last step."""
    sentences = SentenceRetriever.fit(bench.train, bench.check)
    share = bench.left / 2
    for n_sentences in (1, 0):
        until = time.monotonic() + (share if n_sentences else bench.left - 30)

        def stop(*ignored: object, until: float = until) -> None:
            if time.monotonic() > until:
                raise TimeIsUp

        def keep(one: Evaluation, n_sentences: int = n_sentences) -> None:
            bench.add("learning", {
                "evidence": n_sentences, "step": one.step, "train loss": one.train_loss,
                "val loss": one.val_loss, "val accuracy": one.val_accuracy, "val questions": len(bench.val),
            })  # fmt: skip

        def find(exam: Exam, progress: object, stop: Any = stop) -> list[list[str]]:
            return sentences.find(exam, 1, stop)

        settings = bench.settings(
            head="joint", evidence=n_sentences, evidence_tokens=40, dropout=None, schedule="linear",
            evaluate_every=1 if bench.tiny else 100, max_train_questions=8 if bench.tiny else 0, random_state=1,
        )  # fmt: skip
        free()
        baseline = EncoderBaseline(
            **settings, find_evidence=find if n_sentences else None, on_step=stop, on_evaluation=keep
        )
        try:
            report = baseline.fit(bench.train, bench.val).report_
            yield {
                "evidence": n_sentences, "step": report.steps, "run": "whole",
                "questions/s": report.questions_per_second, "peak GB": report.peak_memory_bytes / 1e9,
            }  # fmt: skip
        except TimeIsUp:
            yield {"evidence": n_sentences, "run": "cut off by the time"}


def recovery(bench: Bench) -> Iterator[Row]:
    """A micro-batch that cannot fit is halved; a run that is broken off comes to the same weights."""
    if bench.on_gpu:
        torch.cuda.set_per_process_memory_fraction(min(4e9 / bench.facts.memory, 1.0))
        try:
            settings = bench.settings(
                head="pairwise", batch_tokens=1 << 20, batch_size=512, max_train_questions=2048
            )
            report = bench.fit(settings)
            yield {"what": "memory ran out", "halvings": report.halvings, "batch_tokens": report.batch_tokens,
                   "steps": report.steps}  # fmt: skip
        except (InputError, torch.OutOfMemoryError) as error:
            yield {"what": "memory ran out", "why": _short(error)}
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
    free()
    steps = bench.steps(20)
    settings = bench.settings(head="joint", evaluate_every=1, dropout=0.1)
    settings["max_train_questions"] = 2 * steps * settings["batch_size"]
    whole = EncoderBaseline(**settings).fit(bench.train).report_.evaluations

    def break_off(step: Step) -> None:
        if step.step > steps:
            raise TimeIsUp

    with tempfile.TemporaryDirectory() as folder:
        with contextlib.suppress(TimeIsUp):
            EncoderBaseline(**settings, checkpoints=folder, on_step=break_off).fit(bench.train)
        resumed = EncoderBaseline(**settings, checkpoints=folder).fit(bench.train).report_.evaluations
    difference = max(
        abs(one.train_loss - other.train_loss) for one, other in zip(whole, resumed, strict=True)
    )
    what = f"resumed after step {steps}"
    yield {"what": what, "steps": len(resumed), "largest difference of losses": difference}


PARTS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "precision": precision, "memory": memory, "speed": speed, "attention": attention, "learning": learning,
    "recovery": recovery,
}  # fmt: skip


def _now(bench: Bench) -> float:
    if bench.on_gpu:
        torch.cuda.synchronize()
    return time.perf_counter()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def main(command: list[str] | None = None) -> None:
    """Run the parts that fit into the time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", required=True, help="a small pretrained encoder")
    parser.add_argument("--data", type=Path, required=True, help="folder with train and val files")
    parser.add_argument(
        "--gigabytes", type=float, default=15.0, help="of the GPU's memory for the large shape"
    )
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args(command)
    started = time.monotonic()
    train, val = (read_exam(given.data, split=split, bad_rows="skip") for split in ("train", "val"))
    train = train[np.flatnonzero(train.answers)]
    if given.tiny:
        train, val = train[:64], val[:16]
    given.out.mkdir(parents=True, exist_ok=True)
    sizes = (given.minutes, given.tiny, given.gigabytes)
    bench = Bench(train, val, given.model, given.out, *sizes, began=started)
    for part in given.parts:
        began = time.monotonic()
        try:
            bench.check()
            for row in PARTS[part](bench):
                bench.add(part, row)
        except TimeIsUp:
            bench.add(part, {"ended": "the time is up"})
        except Exception as error:  # one part that fails must not cost the others
            bench.add(part, {"failed": f"{type(error).__name__}: {_short(error)}"})
        failed = "".join(
            f", failed: {row['failed']}" for row in bench.results.get(part, []) if "failed" in row
        )
        print(
            f"{part}: {time.monotonic() - began:.0f} s, {max(bench.left, 0):.0f} s left{failed}", flush=True
        )


if __name__ == "__main__":
    main()
