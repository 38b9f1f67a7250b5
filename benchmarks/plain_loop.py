"""A plain loop in the manner of transformers' multiple-choice example, to be timed beside ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cmexam_baseline.encoders import EncoderSettings, find_model
from cmexam_baseline.encoders.models import load_encoder, load_tokenizer
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam import Exam

COPIES, LENGTH = 5, 192


@dataclass(frozen=True)
class Turn:
    """A stretch of training: questions done, tokens of them that are no padding, seconds."""

    questions: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Contender:
    """One way to train on questions and to predict them."""

    train: Callable[[Exam], Turn]
    predict: Callable[[Exam], Turn]


def plain_loop(settings: EncoderSettings, runtime: Runtime, parts: int) -> Contender:
    """The multiple-choice example's training: fixed copies, fixed length, AdamW; tokenised beforehand."""
    from transformers import AutoModelForMultipleChoice

    folder = find_model(settings.model)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    model = load_encoder(folder, AutoModelForMultipleChoice).to(runtime.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate(), fused=runtime.device.type == "cuda"
    )
    scaler = runtime.scaler()

    def batch(exam: Exam) -> dict[str, torch.Tensor]:
        firsts = [question for question in exam.questions for _ in range(COPIES)]
        seconds = [text for row in range(len(exam)) for text in (exam.options(row) + [""] * COPIES)[:COPIES]]
        inputs = tokenizer(
            firsts, seconds, truncation=True, max_length=LENGTH, padding="max_length", return_tensors="pt"
        )
        # The example knows single answers: the first letter stands for several.
        letters = [min((answer & -answer).bit_length() - 1, COPIES - 1) for answer in exam.answers.tolist()]
        tensors = {name: value.view(-1, COPIES, LENGTH) for name, value in inputs.items()}
        return {**tensors, "labels": torch.tensor(letters)}

    def batches(exam: Exam) -> list[dict[str, torch.Tensor]]:
        size = max(settings.batch // parts, 1)
        return [batch(exam[first : first + size]) for first in range(0, len(exam), size)]

    def tokens_of(all_inputs: list[dict[str, torch.Tensor]]) -> int:
        return sum(int(inputs["attention_mask"].sum()) for inputs in all_inputs)

    def loss(inputs: dict[str, torch.Tensor]) -> Any:
        with runtime.autocast():
            return model(**{name: value.to(runtime.device) for name, value in inputs.items()}).loss

    def train(exam: Exam) -> Turn:
        model.train()
        all_inputs = batches(exam)
        began = clock(runtime)
        for first in range(0, len(all_inputs), parts):
            optimizer.zero_grad(set_to_none=True)
            for inputs in all_inputs[first : first + parts]:
                scaler.scale(loss(inputs) / parts).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            scaler.step(optimizer)
            scaler.update()
        return Turn(len(exam), tokens_of(all_inputs), clock(runtime) - began)

    def predict(exam: Exam) -> Turn:
        model.eval()
        all_inputs = batches(exam)
        began = clock(runtime)
        with torch.no_grad():
            for inputs in all_inputs:
                loss(inputs)
        return Turn(len(exam), tokens_of(all_inputs), clock(runtime) - began)

    return Contender(train, predict)


def clock(runtime: Runtime) -> float:
    """Seconds, when the device has done what it was given."""
    if runtime.device.type == "cuda":
        torch.cuda.synchronize(runtime.device)
    return time.perf_counter()
