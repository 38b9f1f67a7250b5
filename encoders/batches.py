"""Batches: questions of like length together, at most so many padded tokens at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.ragged import gather, within
from cmexam_baseline.encoders.sequences import Sequences
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.exam.exam import offsets_of

Ints = NDArray[np.int64]
Size = TypeVar("Size", int, Ints)

MULTIPLE = 8
"""Sequences are padded to a multiple of this: tensor cores and fused attention want it."""

PADDING = -1
"""The segment of padding."""

_STEPS_A_POOL = 64


@dataclass(frozen=True, eq=False)
class Batch:
    """S padded sequences of length L and the O options of B questions whose scores are read from them.

    input_ids, segments, token_types, positions: (S, L); segments are `PADDING` at padding, 0 in the question,
    k in the sequence's k-th option; positions count from 0. sequence_of, place_of, row_of, column_of: (O,),
    where an option's score is read (sequence, token) and where it belongs (question, option).
    questions, n_options, answers: (B,); answers are bit masks.
    """

    input_ids: Ints
    segments: Ints
    token_types: Ints
    positions: Ints
    sequence_of: Ints
    place_of: Ints
    row_of: Ints
    column_of: Ints
    questions: Ints
    n_options: Ints
    answers: Ints


class Batches:
    """Makes batches of any questions out of all sequences; cheap enough to do beside the training step."""

    def __init__(
        self, sequences: Sequences, template: Template, answers: NDArray[np.uint16] | None = None
    ) -> None:
        self.sequences = sequences
        self.template = template
        n = len(sequences)
        self.answers = np.zeros(n, np.uint16) if answers is None else answers

    def __len__(self) -> int:
        return len(self.sequences)

    def unknown_share(self) -> float:
        """The share of tokens that the tokenizer did not know."""
        return float((self.sequences.ids == self.template.unknown).mean()) if len(self.sequences.ids) else 0.0

    def work(self, questions: Ints) -> tuple[int, int, int]:
        """Numbers of these questions, of their sequences, and of the tokens in those without padding."""
        first, last = self.sequences.firsts[questions], self.sequences.firsts[questions + 1]
        tokens = self.sequences.offsets[last] - self.sequences.offsets[first]
        return len(questions), int((last - first).sum()), int(tokens.sum())

    def make(self, questions: Ints) -> Batch:
        """The batch of these questions, in this order."""
        data, template = self.sequences, self.template
        n_sequences = np.diff(data.firsts)[questions]
        rows = gather(np.arange(len(data.offsets) - 1), data.firsts[questions], n_sequences)
        lengths = data.lengths[rows]
        width = padded(int(lengths.max(initial=1)))
        tokens = gather(np.arange(len(data.ids)), data.offsets[rows], lengths)
        at = np.repeat(np.arange(len(rows)) * width, lengths) + within(lengths)

        segments = _spread(data.segments[tokens], at, len(rows), width, PADDING)
        positions = np.tile(np.arange(width), (len(rows), 1))
        if data.positions is not None:
            positions = _spread(data.positions[tokens], at, len(rows), width, 0)
        n_options = np.diff(data.option_offsets)[questions]
        options = gather(np.arange(len(data.sequence_of)), data.option_offsets[questions], n_options)
        first_row = offsets_of(n_sequences)[:-1]
        row_of = np.repeat(np.arange(len(questions)), n_options)
        return Batch(
            input_ids=_spread(data.ids[tokens], at, len(rows), width, template.pad),
            segments=segments,
            token_types=np.where(segments > 0, template.second_type, 0),
            positions=positions,
            sequence_of=data.sequence_of[options] + (first_row - data.firsts[questions])[row_of],
            place_of=data.place_of[options],
            row_of=row_of,
            column_of=within(n_options),
            questions=np.asarray(questions, np.int64),
            n_options=n_options,
            answers=self.answers[questions].astype(np.int64),
        )

    def split(self, questions: Ints, most_tokens: int, parts: int = 1) -> list[Ints]:
        """These questions in at least `parts` groups (while there are questions), each within `most_tokens`.

        A question alone may exceed the budget; none is left out. The groups do not depend on anything else,
        so that one process and several make the same ones.
        """
        if not len(questions):
            return []
        lengths = padded(self.sequences.question_lengths[questions])
        n_sequences = np.diff(self.sequences.firsts)[questions]
        order = np.argsort(lengths, kind="stable")
        most_questions = -(-len(questions) // parts)
        groups: list[list[int]] = [[]]
        rows = 0
        for i in order:
            rows += int(n_sequences[i])
            if groups[-1] and (rows * int(lengths[i]) > most_tokens or len(groups[-1]) == most_questions):
                groups.append([])
                rows = int(n_sequences[i])
            groups[-1].append(int(i))
        return [questions[group] for group in groups]

    def in_order_of_length(self, most_tokens: int) -> list[Ints]:
        """All questions in groups within `most_tokens`, longest first: what fits the first fits all."""
        return self.split(np.arange(len(self)), most_tokens)[::-1]


def padded(lengths: Size) -> Size:
    """Lengths rounded up to a multiple of `MULTIPLE`.

    >>> padded(17)
    24
    """
    return -(-lengths // MULTIPLE) * MULTIPLE


def plan_epoch(lengths: Ints, questions: Ints, batch: int, seed: int, epoch: int) -> list[Ints]:
    """The steps of an epoch: every question once, `batch` of like length a step, in an order of its own.

    Questions are shuffled, sorted by length within pools of many steps, cut into steps, and the steps
    shuffled. The same seed and epoch give the same plan wherever it is made.

    >>> steps = plan_epoch(np.array([5, 9, 5, 9]), np.arange(4), batch=2, seed=0, epoch=0)
    >>> sorted(sorted(step.tolist()) for step in steps)
    [[0, 2], [1, 3]]
    """
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(questions)
    steps: list[Ints] = []
    for pool in _cut(shuffled, batch * _STEPS_A_POOL):
        steps.extend(_cut(pool[np.argsort(lengths[pool], kind="stable")], batch))
    return [steps[i] for i in random.permutation(len(steps))]


def _cut(array: Ints, size: int) -> Iterator[Ints]:
    for begin in range(0, len(array), size):
        yield array[begin : begin + size]


def _spread(values: NDArray[np.generic], at: Ints, rows: int, width: int, fill: int) -> Ints:
    result = np.full(rows * width, fill, np.int64)
    result[at] = values
    return result.reshape(rows, width)
