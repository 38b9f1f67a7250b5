"""Scores of all questions, by as many processes as there are."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.collate import TensorBatch, load_batches
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import Progress

_FEWEST_TOKENS = 512


def run_scorer(scorer: Scorer, batch: TensorBatch, runtime: Runtime) -> Tensor:
    """Flat scores (O,) of a batch on the device, in fp32."""
    with runtime.autocast():
        scores: Tensor = scorer(
            batch.input_ids, batch.segments, batch.token_types, batch.positions,
            batch.sequence_of, batch.place_of, batch.column_of,
        )  # fmt: skip
    return scores.float()


def score_all(
    scorer: Scorer, batches: Batches, runtime: Runtime, most_tokens: int,
    stage: str = "predicting", progress: Progress | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Flat scores (options,) of all questions in their order, the same in every process.

    Where a card's memory ends, fewer tokens at a time are tried. Raises `InputError` where even few do not
    fit, or where other processes would have to follow.
    """
    while True:
        try:
            return _scores(scorer, batches, runtime, most_tokens, stage, progress)
        except torch.OutOfMemoryError as error:
            if most_tokens <= _FEWEST_TOKENS or runtime.world > 1:
                raise InputError(
                    f"the card's memory does not suffice for {most_tokens} tokens at a time;"
                    " end what else uses the card, or take another device"
                ) from error
        most_tokens //= 2
        torch.cuda.empty_cache()


def _scores(
    scorer: Scorer,
    batches: Batches,
    runtime: Runtime,
    most_tokens: int,
    stage: str,
    progress: Progress | None,
) -> NDArray[np.float64]:
    groups = batches.in_order_of_length(most_tokens)[runtime.rank :: runtime.world]
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
