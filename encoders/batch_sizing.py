"""How many padded tokens fit at a time, and what to do where memory ends all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from cmexam_baseline.encoders.batches import Batches, padded
from cmexam_baseline.exam.errors import InputError

CPU_TOKENS = 1024
"""On a CPU more at a time is slower: with 8,192, e5-small-zh trained at two thirds (joint) and a third (pairwise)
of this speed, because large tensors are fresh memory every time."""

CUDA_TOKENS = 8192
"""What fills a card in prediction, which keeps nothing for a backward pass."""

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
    moments = None
    try:
        moments = torch.empty(2 * sum(p.numel() for p in parameters), dtype=torch.float32, device=device)
        passes()
    except torch.OutOfMemoryError:
        return False
    finally:
        del moments
        for parameter in parameters:
            parameter.grad = None
        torch.cuda.empty_cache()
    return True


def tokens_to_predict(trained_with: int, device: torch.device) -> int:
    """Padded tokens at a time in prediction: those of training, or what suits the device better.

    >>> tokens_to_predict(20_000, torch.device("cpu")), tokens_to_predict(1024, torch.device("cuda"))
    (1024, 8192)
    """
    return max(trained_with, CUDA_TOKENS) if device.type == "cuda" else CPU_TOKENS


def less_memory(batch_tokens: int, checkpointing: bool) -> str:
    """What the user of a training may do where its memory ended; both leave its checkpoints good.

    >>> less_memory(4096, checkpointing=True)
    'run the same command with --batch-tokens 2048, and it goes on from its last checkpoint'
    """
    other = "" if checkpointing else " or --gradient-checkpointing"
    fewer = max(batch_tokens // 16 * 8, 8)
    return f"run the same command with --batch-tokens {fewer}{other}, and it goes on from its last checkpoint"


@contextmanager
def enough_memory(remedy: str) -> Iterator[None]:
    """Raise `InputError` with the remedy where the card's or this machine's memory ends in the block.

    >>> with enough_memory("use --batch-tokens 512"):
    ...     raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: the card's memory does not suffice; use --batch-tokens 512
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InputError(f"the card's memory does not suffice; {remedy}") from error
    except RuntimeError as error:
        if "DefaultCPUAllocator" not in str(
            error
        ):  # what torch says where malloc fails; it has no class for it
            raise
        raise InputError(f"this machine's memory does not suffice; {remedy}") from error


def most_tokens_a_step(train: Batches, batch: int) -> int:
    """Padded tokens that no step exceeds."""
    sequences_a_question = np.sort(np.diff(train.sequences.firsts))[::-1]
    longest = padded(train.sequences.question_lengths).max(initial=8)
    return int(sequences_a_question[:batch].sum() * longest)
