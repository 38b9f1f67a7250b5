"""Learning rates by layer and step, and the adversarial step on the word embeddings."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cmexam_baseline.encoders.heads import PoolingScorer, Scorer
from cmexam_baseline.encoders.settings import EncoderSettings

SIZE_BIAS_LR = 1e-2
"""Learning rate of the bias by number of options: eight numbers beside scores that change by whole units."""

_LAYER = re.compile(r"\.(?:layers?|blocks?|h)\.(\d+)\.")


def parameter_groups(scorer: Scorer, settings: EncoderSettings) -> list[dict[str, Any]]:
    """AdamW's groups: every trained parameter once, with its highest learning rate (`peak`) and weight decay.

    The rate falls by `layer_decay` from the head to the top layer and from each layer to the one below;
    biases and normalisation (one dimension) do not decay.
    """
    head = scorer.head_parameters()
    trained = {name: parameter for name, parameter in scorer.named_parameters() if parameter.requires_grad}
    width = scorer.encoder.config.hidden_size
    body_rate = settings.learning_rate(width)
    head_rate = settings.head_learning_rate(width, isinstance(scorer, PoolingScorer))
    depth = 2 + max((_layer(name) for name in trained if name not in head), default=-1)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trained.items():
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        below_head = 0 if name.startswith("prefix.") else depth - 1 - _layer(name)
        peak = head_rate if name in head else body_rate * settings.layer_decay**below_head
        if name == "size_bias":
            peak = SIZE_BIAS_LR
        groups.setdefault((peak, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": 0.0, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]


def _layer(name: str) -> int:
    """The number of the layer in a parameter's name; -1 of embeddings and whatever else lies below."""
    found = _LAYER.search(name)
    return int(found.group(1)) if found else -1


def schedule_factor(schedule: str, step: int, steps: int, warmup: float) -> float:
    """The share of the highest learning rate at step 0 .. steps - 1: linear warm-up, then the decay.

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
    """Seed torch from numbers that name one place in a run, so that no random state need be carried along."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def backward_with_adversary(weight: nn.Parameter, size: float, loss: Callable[[], Tensor]) -> Tensor:
    """Backpropagate `loss()`, and once more with `weight` moved by `size` along its gradient (FGM).

    Both gradients add to what is there; the weight is put back exactly. Returns the first loss. Where the
    gradient is zero or overflowed there is no direction, and the second pass is a plain one.
    Source: Miyato et al. 2017, arXiv 1605.07725.
    """
    before, weight.grad = weight.grad, None
    first = loss()
    first.backward()
    gradient = weight.grad
    if gradient is not None:
        norm = gradient.norm()
        scale = torch.where(torch.isfinite(norm) & (norm > 0), size / norm, torch.zeros_like(norm))
        original = weight.detach().clone()
        with torch.no_grad():
            weight.add_(torch.nan_to_num(gradient * scale))
        loss().backward()
        with torch.no_grad():
            weight.copy_(original)
    if before is not None:
        weight.grad = before if weight.grad is None else before + weight.grad
    return first
