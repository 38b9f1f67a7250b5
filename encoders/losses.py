"""Losses over the answers of a batch, with padding masked exactly; the numpy side is in subsets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from cmexam_baseline.encoders.answer_sets import memberships

Loss = Callable[[Tensor, Tensor, Tensor, Tensor, float], tuple[Tensor, Tensor]]


def subset_loss(
    scores: Tensor, n_options: Tensor, answers: Tensor, size_bias: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the right set among all 2^n - 1 non-empty subsets of each question's n options.

    `scores` (B, K) may hold anything beyond a question's n_options (B,); answers (B,) are bit masks. Returns
    the loss (B,) and the log-probabilities (B, 2^K - 1), minus infinity for a subset that is none.

    >>> loss, _ = subset_loss(torch.zeros(1, 5), torch.tensor([2]), torch.tensor([3]), torch.zeros(8))
    >>> round(float(loss[0].exp()), 4)
    3.0
    """
    members = _members(scores.shape[1], scores.device)
    present = _present(scores, n_options)
    sizes = members.sum(1) - 1
    logits = scores.float().masked_fill(~present, 0.0) @ members.float().T + size_bias.float()[sizes]
    valid = torch.arange(1, len(members) + 1, device=scores.device) < (1 << n_options)[:, None]
    return _cross_entropy(logits, valid, functional.one_hot(answers - 1, len(members)).float(), smoothing)


def softmax_loss(
    scores: Tensor, n_options: Tensor, answers: Tensor, size_bias: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Cross-entropy among the options; several right ones share the target. Returns as `subset_loss`."""
    right = _right(scores, answers)
    return _cross_entropy(
        scores.float(), _present(scores, n_options), right / right.sum(1, keepdim=True), smoothing
    )


def sigmoid_loss(
    scores: Tensor, n_options: Tensor, answers: Tensor, size_bias: Tensor, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy of every option, its mean over the question's options.

    The log-probabilities returned are (B, 2K): of right and of wrong.
    """
    present = _present(scores, n_options)
    target = _right(scores, answers) * (1 - smoothing) + smoothing / 2
    log_right, log_wrong = functional.logsigmoid(scores.float()), functional.logsigmoid(-scores.float())
    each = -(target * log_right + (1 - target) * log_wrong).masked_fill(~present, 0.0)
    log_probabilities = torch.cat([log_right, log_wrong], 1)
    gone = torch.cat([~present, ~present], 1)
    return each.sum(1) / n_options, log_probabilities.masked_fill(gone, -torch.inf)


LOSSES: dict[str, Loss] = {"subset": subset_loss, "softmax": softmax_loss, "sigmoid": sigmoid_loss}


def most_probable(loss: str, log_probabilities: Tensor) -> Tensor:
    """The most probable answers (B,) as bit masks, from the log-probabilities that the loss returned.

    >>> most_probable("subset", torch.tensor([[0.1, 0.2, 0.7]]).log()).tolist()
    [3]
    """
    if loss == "subset":
        return log_probabilities.argmax(1) + 1
    width = log_probabilities.shape[1] // (2 if loss == "sigmoid" else 1)
    right = log_probabilities[:, :width]
    best = torch.ones_like(right.argmax(1)) << right.argmax(1)
    if loss == "softmax":
        return best
    above = right > log_probabilities[:, width:]
    masks = (above.long() << torch.arange(width, device=above.device)).sum(1)
    return torch.where(masks > 0, masks, best)


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """Mean of both Kullback-Leibler divergences (B,) of two log-probabilities (B, C); R-Drop's regulariser.

    Classes that are impossible (minus infinity in both) count nothing. Source: Liang et al. 2021,
    arXiv 2106.14448.
    """
    possible = torch.isfinite(first) & torch.isfinite(second)
    first, second = first.masked_fill(~possible, 0.0), second.masked_fill(~possible, 0.0)
    weight = (first.exp() - second.exp()).masked_fill(~possible, 0.0)
    return 0.5 * (weight * (first - second)).sum(1)


@cache
def _members(n_options: int, device: torch.device) -> Tensor:
    return torch.from_numpy(memberships(n_options)).to(device)


def _cross_entropy(logits: Tensor, valid: Tensor, target: Tensor, smoothing: float) -> tuple[Tensor, Tensor]:
    log_probabilities = functional.log_softmax(logits.masked_fill(~valid, -torch.inf), 1)
    finite = log_probabilities.masked_fill(~valid, 0.0)
    smooth = target * (1 - smoothing) + smoothing * valid / valid.sum(1, keepdim=True)
    return -(smooth * finite).sum(1), log_probabilities


def _present(scores: Tensor, n_options: Tensor) -> Tensor:
    return torch.arange(scores.shape[1], device=scores.device) < n_options[:, None]


def _right(scores: Tensor, answers: Tensor) -> Tensor:
    return ((answers[:, None] >> torch.arange(scores.shape[1], device=scores.device)) & 1).float()
