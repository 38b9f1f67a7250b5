"""How many padded tokens fit at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from cmexam_baseline.encoders.batches import Batches, padded

CPU_TOKENS = 1024
"""On a CPU more at a time is slower: with 8,192, e5-small-zh trained at two thirds (joint) and a third (pairwise)
of this speed, because large tensors are fresh memory every time."""

_SMALLEST = 512
_SPARE = 0.85


def choose_batch_tokens(
    wanted: int | str, device: torch.device, fits: Callable[[int], bool], most: int
) -> int:
    """The tokens at a time that are wanted; of `auto`, what fits: doubled until it does not, less a reserve.

    `fits(tokens)` tries a pass; more than `most` is never needed.

    >>> choose_batch_tokens("auto", torch.device("cuda"), lambda tokens: tokens <= 5000, most=100_000)
    3480
    """
    if isinstance(wanted, int):
        return wanted
    if device.type != "cuda":
        return CPU_TOKENS
    tokens = _SMALLEST
    while tokens < most and fits(2 * tokens):
        tokens *= 2
    return max(int(_SPARE * tokens) // 8 * 8, 8) if tokens < most else tokens


def fits_beside_moments(passes: Callable[[], None], parameters: list[torch.nn.Parameter]) -> bool:
    """Whether `passes()` runs without the card's memory ending, AdamW's two moments a weight set aside."""
    device = parameters[0].device
    try:
        moments = torch.empty(2 * sum(p.numel() for p in parameters), dtype=torch.float32, device=device)
        passes()
        del moments
    except torch.cuda.OutOfMemoryError:
        return False
    finally:
        for parameter in parameters:
            parameter.grad = None
        torch.cuda.empty_cache()
    return True


def most_tokens_a_step(train: Batches, batch: int) -> int:
    """Padded tokens that no step exceeds."""
    sequences_a_question = np.sort(np.diff(train.sequences.firsts))[::-1]
    longest = padded(train.sequences.question_lengths).max(initial=8)
    return int(sequences_a_question[:batch].sum() * longest)
