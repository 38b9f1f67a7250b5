"""From option scores to probabilities and answers, the way that is best on val; numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.exam.predictions import Predictions

Floats = NDArray[np.float64]
Offsets = NDArray[np.int64]
MOST_OPTIONS = MAX_OPTIONS


@dataclass(frozen=True)
class Decision:
    """How scores become probabilities and answers: by `decoder`, or the loss's most probable answer (None)."""

    loss: str
    size_bias: tuple[float, ...]
    decoder: Decoder | None = None

    def probabilities(self, scores: Floats, offsets: Offsets) -> Floats:
        """Flat probability of every option, from flat scores."""
        return option_probabilities(self.loss, scores, offsets, np.array(self.size_bias))

    def answers(self, scores: Floats, offsets: Offsets, questions: Sequence[str]) -> NDArray[np.uint16]:
        """Bit masks (n,) from flat scores."""
        if self.decoder is None:
            return natural_answers(self.loss, scores, offsets, np.array(self.size_bias))
        return self.decoder.decode(self.probabilities(scores, offsets), offsets, questions)

    def predictions(self, exam: Exam, scores: Floats) -> Predictions:
        """Answers and option probabilities of an exam from flat scores."""
        offsets = exam.option_offsets
        answers = self.answers(scores, offsets, exam.questions)
        return Predictions(list(exam.ids), answers, self.probabilities(scores, offsets), offsets)

    def chosen_on(
        self, scores: Floats, offsets: Offsets, questions: Sequence[str], answers: NDArray[np.uint16]
    ) -> Decision:
        """The best of: the best option alone, the loss's most probable set, a fitted decoder.

        Of equally good ones the first, so never worse on these questions than the best option alone.
        """
        probabilities = self.probabilities(scores, offsets)
        fitted = Decoder.fit(probabilities, offsets, answers, questions)
        candidates = [Decision(self.loss, self.size_bias, one) for one in (Decoder.argmax(), None, fitted)]
        known = answers > 0
        right = [int((one.answers(scores, offsets, questions) == answers)[known].sum()) for one in candidates]
        return candidates[int(np.argmax(right))]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        decoder = None if self.decoder is None else self.decoder.to_dict()
        return {"loss": self.loss, "size_bias": list(self.size_bias), "decoder": decoder}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Decision:
        """The decision that `to_dict` described; raises `ValueError` for anything else."""
        decoder = None if values["decoder"] is None else Decoder.from_dict(values["decoder"])
        return cls(str(values["loss"]), tuple(float(bias) for bias in values["size_bias"]), decoder)


@cache
def memberships(n_options: int) -> NDArray[np.bool_]:
    """(2^n - 1, n): which options the non-empty subset with bit mask row + 1 contains.

    >>> memberships(2).astype(int).tolist()
    [[1, 0], [0, 1], [1, 1]]
    """
    masks = np.arange(1, 1 << n_options)[:, None]
    members: NDArray[np.bool_] = (masks >> np.arange(n_options)) & 1 == 1
    return members


def initial_size_bias(answers: NDArray[np.uint16], n_options: NDArray[np.int64]) -> Floats:
    """A bias by size (index 0: one option) under which equal scores give the sizes their share in `answers`.

    The share of a size is spread over all subsets of that size, by the mean number of options; sizes that
    never occur count as half an answer. So training need not learn first that most answers are single.

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


def option_probabilities(loss: str, scores: Floats, offsets: Offsets, size_bias: Floats) -> Floats:
    """Flat probabilities of the options: to be right (subset), or to be the answer (softmax).

    >>> option_probabilities("softmax", np.zeros(4), np.array([0, 4]), np.zeros(MOST_OPTIONS)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    result = np.empty(len(scores))
    for options, logits, members in _sets(loss, scores, offsets, size_bias):
        exp = np.exp(logits - logits.max(1, keepdims=True))
        result[options] = np.minimum(exp / exp.sum(1, keepdims=True) @ members, 1.0)
    return result


def natural_answers(loss: str, scores: Floats, offsets: Offsets, size_bias: Floats) -> NDArray[np.uint16]:
    """The most probable answer under the loss: a set of options (subset) or a single one (softmax).

    >>> scores, offsets = np.array([-1.0, -2.0, 1.0, 2.0]), np.array([0, 2, 4])
    >>> natural_answers("subset", scores, offsets, np.zeros(MOST_OPTIONS)).tolist()
    [1, 3]
    """
    answers = np.zeros(len(offsets) - 1, np.uint16)
    for options, logits, _ in _sets(loss, scores, offsets, size_bias):
        answers[np.searchsorted(offsets, options[:, 0], side="right") - 1] = logits.argmax(1) + 1
    return answers


def _sets(
    loss: str, scores: Floats, offsets: Offsets, size_bias: Floats
) -> Iterator[tuple[Offsets, Floats, NDArray[np.bool_]]]:
    """Per number of options n: the places in the flat scores (questions, n), logits of all sets, their members."""
    if loss == "softmax":  # sets of one option
        size_bias = np.where(np.arange(MOST_OPTIONS) == 0, 0.0, -np.inf)
    numbers = np.diff(offsets)
    for n in np.unique(numbers[numbers > 0]):
        options, members = offsets[:-1][numbers == n][:, None] + np.arange(n), memberships(int(n))
        yield options, scores[options] @ members.T + size_bias[members.sum(1) - 1], members
