"""Answers as sets of options: what scores say about them, in numpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.letters import MAX_OPTIONS

Floats = NDArray[np.float64]
MOST_OPTIONS = MAX_OPTIONS


@cache
def memberships(n_options: int) -> NDArray[np.bool_]:
    """(2^n - 1, n): which options the non-empty subset with bit mask row + 1 holds.

    >>> memberships(2).astype(int).tolist()
    [[1, 0], [0, 1], [1, 1]]
    """
    masks = np.arange(1, 1 << n_options)[:, None]
    members: NDArray[np.bool_] = (masks >> np.arange(n_options)) & 1 == 1
    return members


def initial_size_bias(answers: NDArray[np.uint16], n_options: NDArray[np.int64]) -> Floats:
    """A bias by size (index 0: one option) under which equal scores give the sizes their share in `answers`.

    The share of a size is spread over all subsets of that size, by the mean number of options; sizes never
    seen count as seen half a time. Starting there, training need not learn first that most answers are
    single.

    >>> bias = initial_size_bias(np.array([1, 2, 4, 8, 16, 3], np.uint16), np.full(6, 5))
    >>> bool(bias[0] == 0 and bias[1] < 0)
    True
    """
    sizes = np.bitwise_count(answers).astype(np.int64)
    counts = np.bincount(sizes[sizes > 0], minlength=MOST_OPTIONS + 1)[1:] + 0.5
    n = max(int(round(float(n_options.mean()))), 1) if len(n_options) else 5
    subsets = np.array([comb(max(n, size), size) for size in range(1, MOST_OPTIONS + 1)])
    bias: Floats = np.log(counts / counts.sum()) - np.log(subsets)
    bias -= bias[0]
    return bias


def option_probabilities(loss: str, scores: Floats, offsets: NDArray[np.int64], size_bias: Floats) -> Floats:
    """Flat probabilities of the options: to be right (subset, sigmoid), or to be the answer (softmax).

    >>> option_probabilities("softmax", np.zeros(4), np.array([0, 4]), np.zeros(MOST_OPTIONS)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    result = np.empty(len(scores))
    for rows, block in _by_number(scores, offsets):
        result[rows] = _PROBABILITIES[loss](block, size_bias)
    return result


def natural_answers(
    loss: str, scores: Floats, offsets: NDArray[np.int64], size_bias: Floats
) -> NDArray[np.uint16]:
    """The most probable answer under the loss: of subsets, of single options, or all options above a half.

    >>> scores, offsets = np.array([-1.0, -2.0, 1.0, 2.0]), np.array([0, 2, 4])
    >>> natural_answers("sigmoid", scores, offsets, np.zeros(8)).tolist()
    [1, 3]
    """
    answers = np.zeros(len(offsets) - 1, np.uint16)
    for rows, block in _by_number(scores, offsets):
        question = np.searchsorted(offsets, rows[:, 0], side="right") - 1
        answers[question] = _NATURAL[loss](block, size_bias)
    return answers


def _by_number(scores: Floats, offsets: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], Floats]]:
    """Per number of options n: the (questions, n) places in the flat scores, and the scores there."""
    numbers = np.diff(offsets)
    result = []
    for n in np.unique(numbers[numbers > 0]):
        rows = offsets[:-1][numbers == n][:, None] + np.arange(n)
        result.append((rows, scores[rows]))
    return result


def _subset_block(scores: Floats, size_bias: Floats) -> Floats:
    members = memberships(scores.shape[1])
    logits: Floats = scores @ members.T + size_bias[members.sum(1) - 1]
    return logits


def _softmax(logits: Floats) -> Floats:
    exp = np.exp(logits - logits.max(1, keepdims=True))
    probabilities: Floats = exp / exp.sum(1, keepdims=True)
    return probabilities


def _marginals(scores: Floats, size_bias: Floats) -> Floats:
    marginals: Floats = _softmax(_subset_block(scores, size_bias)) @ memberships(scores.shape[1])
    return np.minimum(marginals, 1.0)


def _best_options(scores: Floats) -> NDArray[np.uint16]:
    best: NDArray[np.uint16] = np.left_shift(1, scores.argmax(1)).astype(np.uint16)
    return best


def _above_half(scores: Floats) -> NDArray[np.uint16]:
    masks: NDArray[np.uint16] = ((scores > 0) << np.arange(scores.shape[1])).sum(1).astype(np.uint16)
    masks[masks == 0] = _best_options(scores)[masks == 0]
    return masks


_Probabilities = Callable[[Floats, Floats], Floats]
_Answers = Callable[[Floats, Floats], NDArray[np.uint16]]
_PROBABILITIES: dict[str, _Probabilities] = {
    "subset": _marginals,
    "softmax": lambda scores, _: _softmax(scores),
    "sigmoid": lambda scores, _: 0.5 * (1 + np.tanh(scores / 2)),
}
_NATURAL: dict[str, _Answers] = {
    "subset": lambda scores, bias: (_subset_block(scores, bias).argmax(1) + 1).astype(np.uint16),
    "softmax": lambda scores, _: _best_options(scores),
    "sigmoid": lambda scores, _: _above_half(scores),
}
