"""Scores of all questions, by all processes together, and how good they are on held-out questions."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmexam_baseline.encoders.batch_sizing import device_memory, free_memory, is_out_of_memory
from cmexam_baseline.encoders.batches import Batches, Ints, TensorBatch, load_batches
from cmexam_baseline.encoders.decision import natural_answers
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.losses import LOSSES
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import Progress

_FEWEST_TOKENS = 512


def run_scorer(scorer: Scorer, batch: TensorBatch, runtime: Runtime) -> Tensor:
    """Flat scores (O,) of a batch on the device, in fp32."""
    with runtime.autocast(), scorer.given_states(batch.states):
        scores: Tensor = scorer(
            batch.input_ids, batch.segments, batch.token_types, batch.positions,
            batch.sequence_of, batch.column_of,
        )  # fmt: skip
    return scores.float()


def score_all(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int,
    stage: str = "predicting", progress: Progress | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Flat scores (options,) of all questions in their order, the same in every process.

    Where memory runs out, fewer tokens per batch are tried. Raises `InputError` where even few do not fit, or
    where other processes would have to follow.
    """
    while True:
        failed = False
        try:
            return _scores(scorer, batches, runtime, max_tokens, stage, progress)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            failed = True
        if failed and (max_tokens <= _FEWEST_TOKENS or runtime.world > 1):
            raise InputError(
                f"{device_memory(runtime.device)} does not suffice for {max_tokens} tokens per batch;"
                " end what else uses it, or take another device"
            )
        max_tokens //= 2
        free_memory(runtime.device)


def _scores(
    scorer: Scorer, batches: Batches, runtime: Runtime, max_tokens: int, stage: str,
    progress: Progress | None,
) -> NDArray[np.float64]:  # fmt: skip
    groups = batches.by_length(max_tokens)[runtime.rank :: runtime.world]
    offsets = batches.sequences.option_offsets
    scores = torch.zeros(int(offsets[-1]), dtype=torch.float32, device=runtime.device)
    training = scorer.training
    scorer.eval()
    firsts = torch.tensor(offsets[:-1], device=runtime.device)
    done = 0
    try:
        with torch.no_grad():
            for batch in load_batches(batches, groups, runtime.device, workers=0):
                on_device = batch.to(runtime.device)
                where = firsts[on_device.questions][on_device.row_of] + on_device.column_of
                scores[where] = run_scorer(scorer, on_device, runtime)
                done += len(batch.questions)
                if progress is not None:
                    progress(stage, min(done * runtime.world, len(batches)), len(batches))
    finally:
        scorer.train(training)
    return runtime.sum(scores).double().cpu().numpy()


def evaluate_scores(
    scores: NDArray[np.float64], batches: Batches, loss: str, size_bias: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean loss, and accuracy of the most probable answers, over the questions whose answer is known."""
    offsets, known = batches.sequences.option_offsets, batches.answers > 0
    losses, _ = LOSSES[loss](
        torch.from_numpy(_in_rows(scores, offsets)[known]), torch.from_numpy(np.diff(offsets)[known]),
        torch.from_numpy(batches.answers[known].astype(np.int64)), torch.from_numpy(size_bias),
    )  # fmt: skip
    predicted = natural_answers(loss, scores, offsets, size_bias)
    return float(losses.mean()), float((predicted == batches.answers)[known].mean())


def _in_rows(scores: NDArray[np.float64], offsets: Ints) -> NDArray[np.float64]:
    n_options = np.diff(offsets)
    rows = np.zeros((len(n_options), int(n_options.max(initial=1))))
    rows[np.arange(rows.shape[1]) < n_options[:, None]] = scores
    return rows
