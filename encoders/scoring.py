"""Scores of questions, their training losses, and how good scores are on held-out questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cmexam_baseline.encoders.batches import Batch, Batches
from cmexam_baseline.encoders.decision import MOST_OPTIONS, memberships, natural_answers
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.runtime import Runtime, device_memory, free_memory, is_out_of_memory
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.metrics.ragged import positions, row_numbers

_FEWEST_TOKENS = 512

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def subset_loss(
    scores: Tensor, n_options: Tensor, answers: Tensor, size_bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the right set among all 2^n - 1 non-empty subsets of each question's n options.

    `scores` (B, K) may hold anything beyond a question's n_options (B,); answers (B,) are bit masks. Returns
    the loss (B,) and the most probable set (B,) as a bit mask.

    >>> loss, _ = subset_loss(torch.zeros(1, 5), torch.tensor([2]), torch.tensor([3]), torch.zeros(10))
    >>> round(float(loss[0].exp()), 4)
    3.0
    """
    members = _members(scores.shape[1], scores.device)
    sizes = members.sum(1) - 1
    logits = scores.float().masked_fill(~_present(scores, n_options), 0.0) @ members.float().T
    valid = torch.arange(1, len(members) + 1, device=scores.device) < (1 << n_options)[:, None]
    masked = (logits + size_bias.float()[sizes]).masked_fill(~valid, -torch.inf)
    losses = functional.cross_entropy(masked, answers - 1, reduction="none")
    return losses, masked.detach().argmax(1) + 1


def softmax_loss(
    scores: Tensor, n_options: Tensor, answers: Tensor, size_bias: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the options; several right ones share the target. Arguments and result as `subset_loss`."""
    columns = torch.arange(scores.shape[1], device=scores.device)
    right = ((answers[:, None] >> columns) & 1).float()
    present = _present(scores, n_options)
    masked = scores.float().masked_fill(~present, -torch.inf)
    log_probabilities = functional.log_softmax(masked, 1).masked_fill(~present, 0.0)
    losses = -(right / right.sum(1, keepdim=True) * log_probabilities).sum(1)
    best = masked.detach().argmax(1)
    return losses, torch.ones_like(best) << best


LOSSES: dict[str, Loss] = {"subset": subset_loss, "softmax": softmax_loss}


@cache
def _members(n_options: int, device: torch.device) -> Tensor:
    return torch.from_numpy(memberships(n_options)).to(device)


def _present(scores: Tensor, n_options: Tensor) -> Tensor:
    return torch.arange(scores.shape[1], device=scores.device) < n_options[:, None]


def in_rows(scores: Tensor, row_of: Tensor, column_of: Tensor, n_questions: int) -> Tensor:
    """Flat option scores (O,) as (B, 10), one row per question, 0 where a question has no such option.

    Always ten wide: asking a GPU for the largest number of options would make it wait.
    """
    return scores.new_zeros(n_questions, MOST_OPTIONS).index_put((row_of, column_of), scores)


def run_scorer(scorer: Scorer, batch: Batch[Tensor], runtime: Runtime) -> Tensor:
    """Flat scores (O,) of a batch on the device, in fp32."""
    lower = scorer.lower
    try:
        if lower is not None:
            lower.states = batch.states
        with runtime.autocast():
            scores: Tensor = scorer(
                batch.input_ids, batch.segments, batch.token_types, batch.positions,
                batch.sequence_of, batch.column_of,
            )  # fmt: skip
    finally:
        if lower is not None:
            lower.states = None
    return scores.float()


def score_all(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int,
    stage: str = "predicting", progress: Progress = no_progress,
) -> NDArray[np.float64]:  # fmt: skip
    """Flat scores (options,) of all questions in their order, the same in every process.

    Where memory runs out, fewer tokens per batch are tried. Raises `InputError` where even few do not fit, or
    where other processes would have to follow.
    """
    while True:
        try:
            return _scores(scorer, batches, runtime, max_tokens, stage, progress)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Out here the error no longer holds the tensors of the pass.
        if max_tokens <= _FEWEST_TOKENS or runtime.world > 1:
            raise InputError(
                f"{device_memory(runtime.device)} does not suffice for {max_tokens} tokens per batch;"
                " end what else uses it, or take another device"
            )
        max_tokens //= 2
        free_memory(runtime.device)


def _scores(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int, stage: str, progress: Progress
) -> NDArray[np.float64]:
    groups = batches.by_length(max_tokens)[runtime.rank :: runtime.world]
    offsets = batches.sequences.option_offsets
    scores = torch.zeros(int(offsets[-1]), dtype=torch.float32, device=runtime.device)
    firsts = torch.tensor(offsets[:-1], device=runtime.device)
    training, done = scorer.training, 0
    scorer.eval()
    try:
        with torch.no_grad():
            for batch in batches.load(groups, runtime.device):
                on_device = runtime.move(batch)
                where = firsts[on_device.questions][on_device.row_of] + on_device.column_of
                scores[where] = run_scorer(scorer, on_device, runtime)
                done += len(batch.questions)
                progress(stage, min(done * runtime.world, len(batches)), len(batches))
    finally:
        scorer.train(training)
    return runtime.sum(scores).double().cpu().numpy()


def evaluate_scores(
    scores: NDArray[np.float64], batches: Batches, loss: str, size_bias: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean loss, and accuracy of the most probable answers, over the questions whose answer is known."""
    offsets, known, of = batches.sequences.option_offsets, batches.answers > 0, torch.from_numpy
    n_options, answers = np.diff(offsets), batches.answers[known].astype(np.int64)
    rows = in_rows(of(scores), of(row_numbers(offsets)), of(positions(offsets)), len(batches))
    rows = rows[of(known), : int(n_options.max())]  # no more sets of options than needed
    losses, _ = LOSSES[loss](rows, of(n_options[known]), of(answers), of(size_bias))
    predicted = natural_answers(loss, scores, offsets, size_bias)
    return float(losses.mean()), float((predicted == batches.answers)[known].mean())
