"""The training loop.

A loop of our own rather than transformers' Trainer (accelerate joins several processes and runs trackers), because
a run must come out the same however it is cut up: every epoch's steps and every step's parts follow from the seed
alone, every part has random numbers of its own, and losses are sums over questions divided by the step's number of
questions. So a resumed run needs no random state, and two processes do what one does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cmexam_baseline.encoders.batch_sizing import (
    choose_batch_tokens,
    enough_memory,
    fits_beside_moments,
    less_memory,
    most_tokens_a_step,
)
from cmexam_baseline.encoders.batches import Batches, Ints, padded, plan_epoch
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.collate import TensorBatch, load_batches
from cmexam_baseline.encoders.devices import device_facts, forget_peak_memory, peak_memory
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.optimization import (
    parameter_groups,
    schedule_factor,
    seed_everything,
)
from cmexam_baseline.encoders.peft_tuning import trained_parameters
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.step_loss import Objective
from cmexam_baseline.encoders.training_report import Meter, TrainingReport, tell_evaluation
from cmexam_baseline.encoders.training_state import TrainingState, copy_into, pack, steps_taken, unpack
from cmexam_baseline.encoders.validation import validate
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import Progress

_WORKERS = {"cuda": 2, "cpu": 0}
_MOST_UNKNOWN = 0.2
# Every step that is skipped halves fp16's scale of losses. So far down it is not the scale that is at fault.
_LEAST_SCALE = 2.0**-16


class Trainer:
    """Trains a scorer in place on the questions that have an answer; see `run`.

    `tracker`, if given, is an accelerate tracker; `progress` and `tracker` are for the first process alone.
    """

    def __init__(
        self, scorer: Scorer, settings: EncoderSettings, runtime: Runtime, train: Batches,
        val: Batches | None = None, checkpoints: Checkpoints | None = None, tracker: Any = None,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        self.scorer, self.settings, self.runtime = scorer, settings, runtime
        self.train, self.val = train, val
        self.checkpoints, self.tracker, self.progress = checkpoints, tracker, progress
        self.workers = _WORKERS[runtime.device.type] if settings.workers is None else settings.workers
        self.trained = trained_parameters(scorer)
        groups = parameter_groups(scorer, settings)
        self.optimizer = torch.optim.AdamW(groups, fused=runtime.device.type == "cuda")
        self.scaler = runtime.scaler()
        self.objective = Objective(scorer, settings, runtime, self.scaler)
        self.questions: Ints = np.flatnonzero(train.answers)
        if not len(self.questions):
            raise InputError("no training question has an answer; give a file with an Answer column")
        self.unknown = train.unknown_share()
        if self.unknown > _MOST_UNKNOWN:
            raise InputError(
                f"{self.unknown:.0%} of the training tokens are unknown to the tokenizer;"
                " give a model whose tokenizer knows Chinese characters"
            )
        self.lengths = padded(train.sequences.question_lengths)
        self.steps_an_epoch = -(-len(self.questions) // settings.batch)
        self.steps = self.steps_an_epoch * settings.epochs
        self.state = TrainingState()
        self.best_weights: dict[str, Tensor] | None = None
        self.best_file: dict[str, str] = {}
        most = most_tokens_a_step(train, settings.batch)
        tokens = choose_batch_tokens(settings.batch_tokens, runtime.device, self._fits, most)
        # Every process must cut steps in the same way, so the card with the least room decides for all.
        self.batch_tokens = min(runtime.gather(tokens))
        forget_peak_memory(runtime.device)

    def run(self) -> TrainingReport:
        """Train to the end, or to where val stops getting better, and put the best weights in place.

        With checkpoints it goes on from the newest whole one. Raises `InputError` if the loss stops being a
        number, or if another process trains with the same checkpoints.
        """
        if self.checkpoints is None or self.runtime.rank:
            return self._run()
        with self.checkpoints.held():
            return self._run()

    def _run(self) -> TrainingReport:
        if self.checkpoints is not None:
            self._resume(self.checkpoints)
        meter = Meter(self.progress, self.steps, self.state.step)
        self.scorer.train()
        with enough_memory(less_memory(self.batch_tokens, self.settings.gradient_checkpointing)):
            while self.state.step < self.steps and not self.state.finished:
                self._epoch(self.state.step // self.steps_an_epoch, meter)
        if self.best_weights is not None:
            copy_into(self.trained, self.best_weights)
        self.scorer.eval()
        return self._report(meter)

    def _epoch(self, epoch: int, meter: Meter) -> None:
        plan = plan_epoch(self.lengths, self.questions, self.settings.batch, self.settings.seed, epoch)
        parts = max(self.settings.accumulation, self.runtime.world)
        first = self.state.step - epoch * self.steps_an_epoch
        steps = [self.train.split(questions, self.batch_tokens, parts) for questions in plan[first:]]
        mine = [groups[self.runtime.rank :: self.runtime.world] for groups in steps]
        loader = load_batches(
            self.train, [group for groups in mine for group in groups], self.runtime.device, self.workers
        )
        batches = iter(loader) if any(mine) else iter(())
        totals = torch.zeros(3, dtype=torch.float64, device=self.runtime.device)
        for groups, my_groups in zip(steps, mine, strict=True):
            meter.start()
            n_questions = sum(len(group) for group in groups)
            self._step(batches, len(my_groups), n_questions, totals)
            self.state.step += 1
            meter.count(*self.train.work(np.concatenate(groups)))
            evaluated = self._is_time(self.settings.evaluate_every)
            if meter.due(stretch_ends=evaluated):
                self._tell(meter, totals)
            if evaluated or (
                self.settings.checkpoint_every and self._is_time(self.settings.checkpoint_every)
            ):
                self._take(totals)
                meter.stop()
                if evaluated:
                    self._evaluate(epoch)
                self._save()
            if self.state.finished:
                return

    def _step(self, batches: Iterator[TensorBatch], n_groups: int, n_questions: int, totals: Tensor) -> None:
        factor = schedule_factor(self.settings.schedule, self.state.step, self.steps, self.settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        for part in range(n_groups):
            batch = next(batches).to(self.runtime.device)
            number = part * self.runtime.world + self.runtime.rank
            seed_everything(self.settings.seed, self.state.step, number)
            totals += self.objective.backward(batch, n_questions)
        parameters = list(self.trained.values())
        self.runtime.sum_gradients(parameters)
        self.scaler.unscale_(self.optimizer)
        if self.settings.clip > 0:
            torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _fits(self, tokens: int) -> bool:
        """Whether the passes over so many tokens, of the longest questions, fit into the card's memory."""
        questions = self.train.in_order_of_length(tokens)[0]
        self.scorer.train()

        def passes() -> None:
            batch = TensorBatch.from_batch(self.train.make(questions)).to(self.runtime.device)
            self.objective.backward(batch, len(questions))

        return fits_beside_moments(passes, list(self.trained.values()))

    def _is_time(self, every: int) -> bool:
        at_end = self.state.step == self.steps
        return at_end or self.state.step % (every or self.steps_an_epoch) == 0

    def _take(self, totals: Tensor) -> None:
        """Add what all processes counted to the state."""
        loss_sum, right, seen = self.runtime.sum(totals).tolist()
        totals.zero_()
        self._refuse_no_number(loss_sum)
        self.state.count(loss_sum, right, int(seen))

    def _tell(self, meter: Meter, totals: Tensor) -> None:
        """Tell what this process counted; the others are not asked, they may not be telling now."""
        loss_sum, right, seen = totals.tolist()
        self._refuse_no_number(loss_sum)
        last_val = self.state.evaluations[-1].val_accuracy if self.state.evaluations else None
        meter.tell(self.state.step, loss_sum / max(seen, 1), right / max(seen, 1), last_val)

    def _refuse_no_number(self, loss: float) -> None:
        wrong = "" if math.isfinite(loss) else "the loss was no number any more"
        if self.scaler.get_scale() < _LEAST_SCALE:
            wrong = "the gradients have been no numbers for many steps"
        if wrong:
            raise InputError(
                f"{wrong} at step {self.state.step} of {self.steps}; lower --lr, or use --precision fp32"
            )

    def _evaluate(self, epoch: int) -> None:
        val_loss, val_accuracy = validate(
            self.scorer, self.settings.loss, self.val, self.runtime, 2 * self.batch_tokens, self.progress
        )
        better = self.state.evaluate(epoch, val_loss, val_accuracy)
        tell_evaluation(self.progress, self.state.evaluations[-1], 0 if self.val is None else len(self.val))
        if better:
            self.best_weights = {name: p.detach().cpu().clone() for name, p in self.trained.items()}
            self.best_file = {}
        patience = self.settings.patience
        self.state.finished = self.state.step == self.steps or 0 < patience <= self.state.without_gain
        if self.tracker is not None:
            evaluation = asdict(self.state.evaluations[-1])
            numbers = {name: value for name, value in evaluation.items() if value is not None}
            self.tracker.log(numbers, step=self.state.step)

    def _save(self) -> None:
        if self.checkpoints is not None and self.runtime.rank == 0:
            if self.best_weights is not None and not self.best_file:
                self.best_file = self.checkpoints.save_best(self.state.best_step, self.best_weights)
            self.state.scaler = self.scaler.state_dict()
            tensors = pack(self.trained, self.optimizer)
            self.checkpoints.save(self.state.step, tensors, {**self.state.to_dict(), **self.best_file})
        self.runtime.wait()

    def _resume(self, checkpoints: Checkpoints) -> None:
        if self.runtime.rank == 0:
            checkpoints.remove_unfinished()
        self.runtime.wait()
        found = checkpoints.load()
        if len(set(self.runtime.gather(-1 if found is None else found[1]["step"]))) > 1:
            raise InputError(
                f"processes see different checkpoints in {checkpoints.folder}; use a folder that all share"
            )
        if found is None:
            return
        tensors, stored, self.best_weights = found
        self.best_file = {name: stored[name] for name in ("best_file", "best_sha256") if name in stored}
        self.state = TrainingState.from_dict(stored)
        unpack(tensors, self.trained, self.optimizer)
        if self.state.scaler:
            self.scaler.load_state_dict(self.state.scaler)

    def _report(self, meter: Meter) -> TrainingReport:
        meter.stop()
        return TrainingReport(
            evaluations=self.state.evaluations,
            best_step=self.state.best_step or self.state.step,
            steps=self.state.step,
            stopped_early=self.state.step < self.steps,
            questions=len(self.questions),
            questions_without_answer=len(self.train) - len(self.questions),
            processes=self.runtime.world,
            n_parameters=sum(parameter.numel() for parameter in self.scorer.parameters()),
            n_trained_parameters=sum(parameter.numel() for parameter in self.trained.values()),
            device=device_facts(self.settings.device).name,
            precision=self.runtime.precision,
            batch_tokens=self.batch_tokens,
            seconds=meter.elapsed,
            questions_per_second=meter.rate(meter.questions),
            sequences_per_second=meter.rate(meter.sequences),
            tokens_per_second=meter.rate(meter.tokens),
            peak_memory_bytes=peak_memory(self.runtime.device),
            unknown_share=self.unknown,
            truncation=asdict(self.train.sequences.truncation),
            skipped_steps=self.state.step - steps_taken(self.optimizer),
            skipped_checkpoints=self.checkpoints.skipped if self.checkpoints else [],
        )
