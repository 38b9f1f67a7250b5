"""The training loop.

A loop of our own rather than transformers' Trainer, because a run must be the same however it is interrupted:
each epoch's steps and each step's micro-batches follow from the seed, each micro-batch has its own random
numbers, and losses are sums over questions divided by the step's number of questions. So a resumed run needs no
random state, two processes compute what one does, and a step that ran out of memory is repeated in smaller
micro-batches with the same gradients. Dropout is the exception: it is drawn per micro-batch, so with dropout
the size of micro-batches matters as another seed would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmexam_baseline.encoders.batches import Batch, Batches, Ints, plan_epoch
from cmexam_baseline.encoders.checkpoints import (
    Checkpoints,
    TrainingState,
    copy_into,
    copy_to_cpu,
    pack,
    steps_taken,
    unpack,
)
from cmexam_baseline.encoders.devices import device_facts
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.optimization import (
    first_batch_tokens,
    parameter_groups,
    schedule_factor,
    seed_everything,
    trained_parameters,
)
from cmexam_baseline.encoders.runtime import (
    Runtime,
    device_memory,
    free_memory,
    is_out_of_memory,
    peak_memory,
    tokens_to_predict,
)
from cmexam_baseline.encoders.scoring import LOSSES, evaluate_scores, in_rows, run_scorer, score_all
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.training_report import Evaluation, Meter, TrainingReport
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import DetailedStage, Progress, no_progress

_WORKERS = {"cuda": 2, "cpu": 0}
_MAX_UNKNOWN = 0.2
_MIN_TOKENS = 64
# Every skipped step halves fp16's loss scale. Below this it is not the scale that is wrong.
_MIN_SCALE = 2.0**-16
_VAL_SCORES = ":val_scores"
# Of the curve of the training loss, at least.
_POINTS = 100


@dataclass(frozen=True)
class Step:
    """A training step that was done: its number from 1, of how many, mean loss, share of right answers."""

    step: int
    steps: int
    loss: float
    accuracy: float
    learning_rate: float


class _OutOfMemory(Exception):
    """A step did not fit into memory; nothing of it has happened."""


class Trainer:
    """Trains a scorer in place on the questions that have an answer; see `run`.

    `on_step` and `on_evaluation` are called with each `Step` and `Evaluation`, in the first process only.
    """

    def __init__(
        self, scorer: Scorer, settings: EncoderSettings, runtime: Runtime, train: Batches,
        val: Batches | None = None, checkpoints: Checkpoints | None = None, progress: Progress = no_progress,
        on_step: Callable[[Step], object] | None = None,
        on_evaluation: Sequence[Callable[[Evaluation], object]] = (),
    ) -> None:  # fmt: skip
        self.scorer, self.settings, self.runtime = scorer, settings, runtime
        self.train, self.val = train, val if val is not None and val.answers.any() else None
        self.checkpoints, self.progress = checkpoints, progress
        self.on_step, self.on_evaluation = (on_step, on_evaluation) if not runtime.rank else (None, ())
        self.workers = _WORKERS[runtime.device.type] if settings.workers is None else settings.workers
        self.trained = trained_parameters(scorer)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(scorer, settings), fused=runtime.device.type == "cuda"
        )
        self.scaler = runtime.scaler()
        self.questions: Ints = np.flatnonzero(train.answers)
        if not len(self.questions):
            raise InputError("no training question has an answer; give a file with an Answer column")
        self.unknown = train.unknown_share()
        if self.unknown > _MAX_UNKNOWN:
            raise InputError(
                f"{self.unknown:.0%} of the training tokens are unknown to the tokenizer;"
                " give a model whose tokenizer knows Chinese characters"
            )
        self.steps_per_epoch = -(-len(self.questions) // settings.batch_size)
        self.steps = self.steps_per_epoch * settings.epochs
        self.state = TrainingState()
        # Losses, right answers and questions of this process that are not in the state yet.
        self.totals = torch.zeros(3, dtype=torch.float64, device=runtime.device)
        self.best_weights: dict[str, Tensor] | None = None
        self.best_scores: NDArray[np.float64] | None = None
        tokens = first_batch_tokens(settings, scorer, train, runtime)
        # All processes must cut steps alike, so the GPU with the least memory decides.
        self.state.batch_tokens = min(runtime.gather(tokens))
        self.halvings = 0
        peak_memory(runtime.device, reset=True)

    def run(self) -> TrainingReport:
        """Train to the end, or until val stops improving, and keep the best weights.

        With checkpoints it is resumed from the newest complete one. Raises `InputError` if the loss becomes
        NaN or infinite, if not even one question fits into memory, or if another process trains with the same
        checkpoints.
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
        while self.state.step < self.steps and not self.state.finished:
            self._epoch(self.state.step // self.steps_per_epoch, meter)
        if self.best_weights is not None:
            copy_into(self.trained, self.best_weights)
        self.optimizer.zero_grad(set_to_none=True)
        self.scorer.eval()
        return self._report(meter)

    def _epoch(self, epoch: int, meter: Meter) -> None:
        """The rest of an epoch; where memory runs out, the step is repeated in smaller micro-batches."""
        plan = plan_epoch(
            self.train.lengths, self.questions, self.settings.batch_size, self.settings.random_state, epoch
        )
        end = (epoch + 1) * self.steps_per_epoch
        while self.state.step < end and not self.state.finished:
            try:
                self._steps(plan[self.state.step - epoch * self.steps_per_epoch :], epoch, meter)
            except _OutOfMemory:
                self._halve()

    def _steps(self, plan: list[Ints], epoch: int, meter: Meter) -> None:
        parts = max(self.settings.min_micro_batches, self.runtime.world)
        mine = [
            self.train.split(questions, self.state.batch_tokens, parts)[
                self.runtime.rank :: self.runtime.world
            ]
            for questions in plan
        ]
        groups = [group for my_groups in mine for group in my_groups]
        batches = iter(self.train.load(groups, self.runtime.device, self.workers))
        meter.start()
        for questions, my_groups in zip(plan, mine, strict=True):
            found = self._step(batches, len(my_groups), len(questions))
            self.totals += found
            self.state.step += 1
            meter.count(self.train.work(questions))
            if self.on_step is not None:
                loss_sum, right, n = found.tolist()
                rate = max(group["lr"] for group in self.optimizer.param_groups)
                means = loss_sum / max(n, 1), right / max(n, 1)
                self.on_step(Step(self.state.step, self.steps, *means, rate))
            evaluated = self._is_time(self.settings.evaluate_every)
            if meter.due(evaluated):
                self._tell(meter)
            saved = self._is_time(self.settings.checkpoint_every or self.settings.evaluate_every)
            if evaluated or saved or self._is_time(max(self.steps // _POINTS, 1)):
                self._take()
            if evaluated or saved:
                meter.count()
                if evaluated:
                    self._evaluate(epoch)
                if saved or self.state.finished:
                    self._save()
                meter.start()
            if self.state.finished:
                return

    def _step(self, batches: Iterator[Batch[Tensor]], n_groups: int, n_questions: int) -> Tensor:
        """One step over all micro-batches; returns this process's losses, right answers and questions, summed."""
        factor = schedule_factor(self.settings.schedule, self.state.step, self.steps, self.settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(torch.zeros((), device=self.runtime.device))  # which a process without a part needs
        totals = torch.zeros(3, dtype=torch.float64, device=self.runtime.device)
        failed = False
        try:
            for part in range(n_groups):
                batch = self.runtime.move(next(batches))
                number = part * self.runtime.world + self.runtime.rank
                seed_everything(self.settings.random_state, self.state.step, number)
                totals += self._backward(batch, n_questions)
        except RuntimeError as error:
            if "DataLoader worker" in str(error):
                raise InputError(
                    "a process that makes batches was killed, perhaps for want of shared memory; use `workers=0`, or"
                    " more of it (docker run --shm-size)"
                ) from error
            if not is_out_of_memory(error):
                raise
            failed = True  # dealt with below: here the error still holds the tensors of the pass
        if max(self.runtime.gather(int(failed))):
            raise _OutOfMemory
        try:
            self._change_weights()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            # Some weights may have changed already, so that the step cannot be repeated.
            raise InputError(
                f"{device_memory(self.runtime.device)} does not suffice for AdamW's state, 8 bytes per trained weight;"
                ' use `tuning="lora"`, or take a smaller model'
            ) from error
        return totals

    def _change_weights(self) -> None:
        """Let the optimizer take the step whose gradients are there."""
        parameters = list(self.trained.values())
        self.runtime.sum_gradients(parameters)
        self.scaler.unscale_(self.optimizer)
        if self.settings.max_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(parameters, self.settings.max_grad_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def _backward(self, batch: Batch[Tensor], n_questions: int) -> Tensor:
        """Add the gradients of a micro-batch; returns its losses, right answers and questions, summed."""
        scores = run_scorer(self.scorer, batch, self.runtime)
        rows = in_rows(scores, batch.row_of, batch.column_of, len(batch.n_options))
        criterion = LOSSES[self.settings.loss]
        losses, answers = criterion(rows, batch.n_options, batch.answers, self.scorer.size_bias)
        self.scaler.scale(losses.sum() / n_questions).backward()
        right = (answers == batch.answers).sum()
        sums = losses.detach().sum(), right, right.new_tensor(len(losses))
        return torch.stack([one.double() for one in sums])

    def _halve(self) -> None:
        """Go on with half the tokens per micro-batch; at the minimum save what was done and raise `InputError`."""
        self.optimizer.zero_grad(set_to_none=True)
        free_memory(self.runtime.device)
        tokens, saved = self.state.batch_tokens, ""
        if tokens >= 2 * _MIN_TOKENS:
            self.state.batch_tokens = tokens // 16 * 8
            self.halvings += 1
            return
        if self.checkpoints is not None and self.state.step:
            self._take()
            self.state.batch_tokens = 0  # a resumed run, with other settings, finds its own
            self._save()
            saved = f"; step {self.state.step} is saved, from which the same command goes on"
        less = "" if self.settings.gradient_checkpointing else "set `gradient_checkpointing=True`, "
        raise InputError(
            f"{device_memory(self.runtime.device)} does not suffice for {tokens} tokens per micro-batch;"
            f" {less}end what else uses it, or take a smaller model{saved}"
        )

    def _is_time(self, every: int) -> bool:
        at_end = self.state.step == self.steps
        return at_end or self.state.step % (every or self.steps_per_epoch) == 0

    def _take(self) -> None:
        """Add what all processes counted to the state."""
        loss_sum, right, seen = self.runtime.sum(self.totals).tolist()
        self.totals.zero_()
        self._check_numbers(loss_sum)
        self.state.count(loss_sum, right, int(seen))

    def _tell(self, meter: Meter) -> None:
        """Report the state and what this process has counted since; the others may not be reporting now."""
        loss_sum, right, seen = self.totals.tolist()
        self._check_numbers(loss_sum)
        state = self.state
        last_val = state.evaluations[-1].val_accuracy if state.evaluations else None
        seen = max(state.seen + seen, 1)
        meter.tell(state.step, (state.loss_sum + loss_sum) / seen, (state.right + right) / seen, last_val)

    def _check_numbers(self, loss: float) -> None:
        wrong = "" if math.isfinite(loss) else "the loss became NaN or infinite"
        if self.scaler.get_scale() < _MIN_SCALE:
            wrong = "the gradients have been NaN or infinite for many steps"
        if wrong:
            raise InputError(
                f'{wrong} at step {self.state.step} of {self.steps}; lower `lr`, or use `precision="fp32"`'
            )

    def _evaluate(self, epoch: int) -> None:
        val_loss = val_accuracy = scores = None
        if self.val is not None:
            tokens = tokens_to_predict(self.state.batch_tokens, self.runtime.device)
            scores = score_all(self.scorer, self.val, self.runtime, tokens, "evaluating", self.progress)
            bias = self.scorer.size_bias.detach().double().cpu().numpy()
            val_loss, val_accuracy = evaluate_scores(scores, self.val, self.settings.loss, bias)
        better = self.state.evaluate(epoch, val_loss, val_accuracy)
        evaluation = self.state.evaluations[-1]
        if self.val is not None:
            told = f"val {val_accuracy:.1%}, loss {val_loss:.3f}"
            self.progress(DetailedStage("evaluating", told), len(self.val), len(self.val))
        if better:
            self.best_scores, self.best_weights = scores, copy_to_cpu(self.trained)
        patience = self.settings.patience
        self.state.finished = self.state.step == self.steps or 0 < patience <= self.state.without_gain
        for call in self.on_evaluation:
            call(evaluation)

    def _save(self) -> None:
        if self.checkpoints is not None and self.runtime.rank == 0:
            best = None
            if self.best_weights is not None and self.best_scores is not None:
                scores = {_VAL_SCORES: torch.from_numpy(self.best_scores)}
                best = (self.state.best_step, {**self.best_weights, **scores})
            self.state.scaler = self.scaler.state_dict()
            tensors, state = pack(self.trained, self.optimizer), asdict(self.state)
            self.checkpoints.save_in_background(self.state.step, tensors, state, best)

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
        tensors, stored, best = found
        if best is not None:
            self.best_scores = best.pop(_VAL_SCORES).numpy()
            self.best_weights = best
        own_tokens = self.state.batch_tokens
        self.state = TrainingState.from_dict(stored)
        # With dropout, micro-batches of another size would be another run.
        if self.settings.batch_tokens != "auto" or not self.state.batch_tokens:
            self.state.batch_tokens = own_tokens
        unpack(tensors, self.trained, self.optimizer)
        if self.state.scaler:
            self.scaler.load_state_dict(self.state.scaler)

    def _report(self, meter: Meter) -> TrainingReport:
        questions_per_second, sequences_per_second, tokens_per_second = meter.rates()
        return TrainingReport(
            evaluations=self.state.evaluations,
            losses=self.state.losses,
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
            batch_tokens=self.state.batch_tokens,
            halvings=self.halvings,
            seconds=meter.seconds,
            questions_per_second=questions_per_second,
            sequences_per_second=sequences_per_second,
            tokens_per_second=tokens_per_second,
            peak_memory_bytes=peak_memory(self.runtime.device),
            unknown_share=self.unknown,
            truncation=asdict(self.train.sequences.truncation),
            skipped_steps=self.state.step - steps_taken(self.optimizer),
            skipped_checkpoints=self.checkpoints.skipped if self.checkpoints else [],
        )
