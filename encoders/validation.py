"""How a scorer does on held-out questions while it is trained."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from cmexam_baseline.encoders.answer_sets import natural_answers
from cmexam_baseline.encoders.batches import Batches, Ints
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.losses import LOSSES
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.exam.progress import Progress


def validate(
    scorer: Scorer, loss: str, batches: Batches | None, runtime: Runtime, most_tokens: int,
    progress: Progress | None = None,
) -> tuple[float | None, float | None]:  # fmt: skip
    """Mean loss and accuracy of the most probable answers, where an answer is known; None if it never is.

    The same in every process.
    """
    if batches is None or not batches.answers.any():
        return None, None
    scores = score_all(scorer, batches, runtime, most_tokens, stage="evaluating", progress=progress)
    offsets, known = batches.sequences.option_offsets, batches.answers > 0
    bias = scorer.size_bias.detach().double().cpu()
    losses, _ = LOSSES[loss](
        torch.from_numpy(_in_rows(scores, offsets)[known]), torch.from_numpy(np.diff(offsets)[known]),
        torch.from_numpy(batches.answers[known].astype(np.int64)), bias, 0.0,
    )  # fmt: skip
    predicted = natural_answers(loss, scores, offsets, bias.numpy())
    return float(losses.mean()), float((predicted == batches.answers)[known].mean())


def _in_rows(scores: NDArray[np.float64], offsets: Ints) -> NDArray[np.float64]:
    n_options = np.diff(offsets)
    rows = np.zeros((len(n_options), int(n_options.max(initial=1))))
    rows[np.arange(rows.shape[1]) < n_options[:, None]] = scores
    return rows
