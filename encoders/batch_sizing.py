"""How many padded tokens are computed at once, and what happens where memory runs out."""

from __future__ import annotations

import numpy as np
import torch

from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.settings import EncoderSettings

CPU_TOKENS = 1024
"""On a CPU more at once is slower: with 8,192, e5-small-zh trained at two thirds (joint) and a third (pairwise)
of this speed, because large tensors are fresh memory every time."""

CUDA_TOKENS = 8192
"""Enough to keep a GPU busy in prediction, which keeps nothing for a backward pass."""

_SMALLEST, _LARGEST = 512, 1 << 16
# Bytes that a layer keeps per token and unit of width for its backward pass: docs/encoders.md has the count.
_KEPT = {"fp16": 44, "bf16": 44, "fp32": 88}
_KEPT_BELOW = 8
_SPARE = 0.8


def first_batch_tokens(
    settings: EncoderSettings, scorer: Scorer, train: Batches, precision: str, device: torch.device
) -> int:
    """Tokens per micro-batch with which training begins: those that are set, or an estimate of what fits.

    The estimate need not be right: where memory runs out, training halves it and repeats the step.
    """
    if isinstance(settings.batch_tokens, int):
        return settings.batch_tokens
    if device.type != "cuda":
        return CPU_TOKENS
    config = scorer.encoder.config
    trained = sum(p.numel() for p in scorer.parameters() if p.requires_grad)
    # A gradient and AdamW's two moments of each trained weight in fp32; the weights are there already.
    free = _SPARE * torch.cuda.mem_get_info(device)[0] - 12 * trained
    fits = int(free / tokens_bytes(config.num_hidden_layers - settings.freeze_layers, config.hidden_size,
                                   precision, settings.gradient_checkpointing))  # fmt: skip
    needed = max_tokens_per_step(train, settings.batch_size)
    return max(min(fits, needed, _LARGEST) // 8 * 8, _SMALLEST)


def tokens_bytes(n_layers: int, width: int, precision: str, checkpointing: bool) -> int:
    """Bytes that a training step keeps per token for its backward pass, estimated.

    >>> tokens_bytes(24, 1024, "fp16", checkpointing=False)
    1089536
    """
    kept = _KEPT[precision]
    per_layer = n_layers * 4 + kept if checkpointing else n_layers * kept
    return width * (per_layer + _KEPT_BELOW)


def tokens_to_predict(trained_with: int, device: torch.device) -> int:
    """Padded tokens per batch in prediction: those of training, or more where the device wants them.

    >>> tokens_to_predict(20_000, torch.device("cpu")), tokens_to_predict(1024, torch.device("cuda"))
    (1024, 8192)
    """
    return max(trained_with, CUDA_TOKENS) if device.type == "cuda" else CPU_TOKENS


def max_tokens_per_step(train: Batches, batch_size: int) -> int:
    """Padded tokens that no step exceeds."""
    sequences_per_question = np.sort(np.diff(train.sequences.firsts))[::-1]
    return int(sequences_per_question[:batch_size].sum() * train.lengths.max(initial=8))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a GPU or of this machine ran out.

    >>> is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    True
    """
    # Where malloc fails, torch raises a plain RuntimeError that names its allocator.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def device_memory(device: torch.device) -> str:
    """The memory of a device in words."""
    return "the memory of the GPU" if device.type == "cuda" else "the memory of this machine"


def free_memory(device: torch.device) -> None:
    """Give cached blocks of a GPU back, so that blocks of another size fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
