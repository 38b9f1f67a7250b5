"""Training losses over the answers of a batch, with padding masked exactly; the numpy side is in decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from cmexam_baseline.encoders.decision import memberships

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
    masked = scores.float().masked_fill(~_present(scores, n_options), -torch.inf)
    log_probabilities = functional.log_softmax(masked, 1).masked_fill(~_present(scores, n_options), 0.0)
    losses = -(right / right.sum(1, keepdim=True) * log_probabilities).sum(1)
    best = masked.detach().argmax(1)
    return losses, torch.ones_like(best) << best


LOSSES: dict[str, Loss] = {"subset": subset_loss, "softmax": softmax_loss}


@cache
def _members(n_options: int, device: torch.device) -> Tensor:
    return torch.from_numpy(memberships(n_options)).to(device)


def _present(scores: Tensor, n_options: Tensor) -> Tensor:
    return torch.arange(scores.shape[1], device=scores.device) < n_options[:, None]
