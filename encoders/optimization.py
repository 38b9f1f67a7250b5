"""Learning rates by parameter and step, and the seeds of random numbers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.settings import EncoderSettings

SIZE_BIAS_LR = 1e-2
"""Learning rate of the bias by number of options: ten numbers beside scores that change by whole units."""


def trained_parameters(scorer: Scorer) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in scorer.named_parameters() if parameter.requires_grad}


def parameter_groups(scorer: Scorer, settings: EncoderSettings) -> list[dict[str, Any]]:
    """AdamW's groups: every trained parameter once, with its maximum learning rate (`peak`) and weight decay.

    Biases and normalisation (one dimension) do not decay.
    """
    head = scorer.head_parameters()
    width = scorer.encoder.config.hidden_size
    body_rate = settings.learning_rate(width)
    head_rate = settings.head_learning_rate(width, scorer.all_new)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trained_parameters(scorer).items():
        peak = SIZE_BIAS_LR if name == "size_bias" else head_rate if name in head else body_rate
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((peak, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": 0.0, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]


def schedule_factor(schedule: str, step: int, steps: int, warmup: float) -> float:
    """The share of the maximum learning rate at step 0 .. steps - 1: linear warm-up, then the decay.

    >>> [schedule_factor("linear", step, 4, 0.25) for step in range(4)]
    [1.0, 1.0, 0.6666666666666667, 0.33333333333333337]
    """
    warm = math.ceil(steps * warmup)
    if step < warm:
        return (step + 1) / warm
    return _DECAYS[schedule]((step - warm) / max(steps - warm, 1))


_DECAYS: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
    "constant": lambda done: 1.0,
}


def seed_everything(*numbers: int) -> None:
    """Seed torch from numbers that identify a micro-batch of a run, so that no random state need be saved."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
