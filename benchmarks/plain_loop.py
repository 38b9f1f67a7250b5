"""Plain loops in the manner of transformers' multiple-choice example, to be timed beside ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cmexam_baseline.encoders import EncoderSettings, find_model
from cmexam_baseline.encoders.models import load_encoder, load_tokenizer
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.exam import Exam

COPIES, LENGTH = 5, 192
PLAIN = {
    "plain, padded to 192": {"fixed": True, "grouped": False},
    "plain, padded to the longest": {"fixed": False, "grouped": False},
    "plain, grouped by length": {"fixed": False, "grouped": True},
}
"""The example has `pad_to_max_length`, off by default; transformers' Trainer has `group_by_length`, off by default."""


@dataclass(frozen=True)
class Turn:
    """Questions done, their tokens without padding, seconds."""

    questions: int
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Contender:
    """One way to train on questions and to predict them."""

    train: Callable[[Exam], Turn]
    predict: Callable[[Exam], Turn]


def plain_loop(
    settings: EncoderSettings, runtime: Runtime, parts: int, fixed: bool = True, grouped: bool = False
) -> Contender:
    """The multiple-choice example's training: five copies of a question, AdamW; tokenised beforehand.

    fixed:   pad to `LENGTH`, not to the longest sequence of a batch
    grouped: sort the questions by length first
    """
    from transformers import AutoModelForMultipleChoice

    folder = find_model(settings.model)
    tokenizer = load_tokenizer(folder)
    torch.manual_seed(0)
    model, _ = load_encoder(folder, AutoModelForMultipleChoice)
    model.to(runtime.device)
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate(), fused=runtime.device.type == "cuda"
    )
    scaler = runtime.scaler()

    def batch(exam: Exam) -> dict[str, torch.Tensor]:
        firsts = [question for question in exam.questions for _ in range(COPIES)]
        seconds = [text for row in range(len(exam)) for text in (exam.options(row) + [""] * COPIES)[:COPIES]]
        padding = "max_length" if fixed else "longest"
        inputs = tokenizer(
            firsts, seconds, truncation=True, max_length=LENGTH, padding=padding, return_tensors="pt"
        )
        # The example knows single answers only: of several letters the first is taken.
        letters = [min((answer & -answer).bit_length() - 1, COPIES - 1) for answer in exam.answers.tolist()]
        tensors = {name: value.view(len(exam), COPIES, -1) for name, value in inputs.items()}
        return {**tensors, "labels": torch.tensor(letters)}

    def batches(exam: Exam) -> list[dict[str, torch.Tensor]]:
        size = max(settings.batch_size // parts, 1)
        if grouped:
            exam = exam[np.argsort([len(question) for question in exam.questions], kind="stable")]
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
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
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


class WaitingTrainer(Trainer):
    """A trainer that measures how long its steps wait for the next batch."""

    waited = 0.0

    def _step(self, batches: Iterator[Any], n_groups: int, n_questions: int) -> torch.Tensor:
        def timed() -> Iterator[Any]:
            while True:
                began = time.perf_counter()
                try:
                    batch = next(batches)
                except StopIteration:
                    return
                self.waited += time.perf_counter() - began
                yield batch

        return super()._step(timed(), n_groups, n_questions)
