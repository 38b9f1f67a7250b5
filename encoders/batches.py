"""Batches: questions of similar length together, within a budget of padded tokens; as arrays and as tensors.

Imports without torch, which only the tensors need.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.decision import MOST_OPTIONS
from cmexam_baseline.encoders.sequences import Sequences
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.metrics.ragged import offsets_of, positions, span_indices

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Ints = NDArray[np.int64]
Halves = NDArray[np.float16]
Size = TypeVar("Size", int, Ints)

MULTIPLE = 8
"""Sequences are padded to a multiple of this, for tensor cores and fused attention."""

PADDING = -1
"""The segment of padding."""

_STEPS_PER_POOL = 64


@dataclass(frozen=True, eq=False)
class Batch:
    """S padded sequences of length L and the O options of B questions whose scores are read from them.

    input_ids, segments, token_types, positions: (S, L); segments are `PADDING` at padding, 0 in the question,
    k in the sequence's k-th option; positions count from 0. sequence_of, row_of, column_of: (O,), the sequence
    from which an option's score is read, and the question and option to which it belongs. questions,
    n_options, answers: (B,); answers are bit masks. states: (S, L, hidden size), float16, the output of the
    frozen layers where it is cached.
    """

    input_ids: Ints
    segments: Ints
    token_types: Ints
    positions: Ints
    sequence_of: Ints
    row_of: Ints
    column_of: Ints
    questions: Ints
    n_options: Ints
    answers: Ints
    states: Halves | None = None


class Batches:
    """Makes batches of any questions from all sequences; the cost depends on the batch alone."""

    def __init__(
        self, sequences: Sequences, template: Template, answers: NDArray[np.uint16] | None = None
    ) -> None:
        self.sequences = sequences
        self.template = template
        self.answers = np.zeros(len(sequences), np.uint16) if answers is None else answers
        self.lengths = padded(sequences.question_lengths)
        self.states: Halves | None = None
        """(tokens, hidden size): the cached output of frozen layers for every token."""

    def __getstate__(self) -> dict[str, Any]:
        """For worker processes that are not forked: the file of the cache, not gigabytes of its content."""
        state = dict(vars(self))
        if isinstance(self.states, np.memmap):
            state["states"] = (self.states.filename, self.states.shape)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if isinstance(state["states"], tuple):
            filename, shape = state["states"]
            self.states = np.memmap(filename, np.float16, "r", shape=shape)

    def __len__(self) -> int:
        return len(self.sequences)

    def unknown_share(self) -> float:
        """The share of tokens that the tokenizer does not know."""
        return float((self.sequences.ids == self.template.unknown).mean()) if len(self.sequences.ids) else 0.0

    def work(self, questions: Ints) -> tuple[int, int, int]:
        """The number of these questions, of their sequences, and of their tokens without padding."""
        first, last = self.sequences.firsts[questions], self.sequences.firsts[questions + 1]
        tokens = self.sequences.offsets[last] - self.sequences.offsets[first]
        return len(questions), int((last - first).sum()), int(tokens.sum())

    def make(self, questions: Ints) -> Batch:
        """The batch of these questions, in this order."""
        data, template = self.sequences, self.template
        n_sequences = data.firsts[questions + 1] - data.firsts[questions]
        rows = span_indices(data.firsts[questions], n_sequences)
        starts = data.offsets[rows]
        lengths = data.offsets[rows + 1] - starts
        width = padded(int(lengths.max(initial=1)))
        tokens = span_indices(starts, lengths)
        at = span_indices(np.arange(len(rows)) * width, lengths)
        shape = (len(rows), width)

        segments = _spread(data.segments[tokens], at, shape, PADDING)
        if data.positions is None:
            token_positions = np.tile(np.arange(width), (len(rows), 1))
        else:
            token_positions = _spread(data.positions[tokens], at, shape, 0)
        n_options = data.option_offsets[questions + 1] - data.option_offsets[questions]
        options = span_indices(data.option_offsets[questions], n_options)
        first_row = offsets_of(n_sequences)[:-1]
        row_of = np.repeat(np.arange(len(questions)), n_options)
        return Batch(
            input_ids=_spread(data.ids[tokens], at, shape, template.pad),
            segments=segments,
            token_types=np.where(segments > 0, template.second_type, 0),
            positions=token_positions,
            sequence_of=data.sequence_of[options] + (first_row - data.firsts[questions])[row_of],
            row_of=row_of,
            column_of=positions(offsets_of(n_options)),
            questions=np.asarray(questions, np.int64),
            n_options=n_options,
            answers=self.answers[questions].astype(np.int64),
            states=None if self.states is None else _spread_states(self.states[tokens], at, shape),
        )

    def split(self, questions: Ints, max_tokens: int, parts: int = 1) -> list[Ints]:
        """These questions in at least `parts` groups (while there are questions), each within `max_tokens`.

        A question alone may exceed the budget; none is omitted. The groups depend on nothing else, so that
        one process and several make the same ones.
        """
        if not len(questions):
            return []
        lengths = self.lengths[questions]
        n_sequences = self.sequences.firsts[questions + 1] - self.sequences.firsts[questions]
        most_questions = -(-len(questions) // parts)
        groups: list[list[int]] = [[]]
        rows = 0
        for i in np.argsort(lengths, kind="stable"):
            rows += int(n_sequences[i])
            if groups[-1] and (rows * int(lengths[i]) > max_tokens or len(groups[-1]) == most_questions):
                groups.append([])
                rows = int(n_sequences[i])
            groups[-1].append(int(i))
        return [questions[group] for group in groups]

    def by_length(self, max_tokens: int) -> list[Ints]:
        """All questions in groups within `max_tokens`, longest first."""
        return self.split(np.arange(len(self)), max_tokens)[::-1]


@dataclass(frozen=True, eq=False)
class TensorBatch:
    """The fields of `Batch` as tensors."""

    input_ids: Tensor
    segments: Tensor
    token_types: Tensor
    positions: Tensor
    sequence_of: Tensor
    row_of: Tensor
    column_of: Tensor
    questions: Tensor
    n_options: Tensor
    answers: Tensor
    states: Tensor | None = None

    @classmethod
    def from_batch(cls, batch: Batch) -> TensorBatch:
        """The same numbers as tensors."""
        import torch

        tensors: dict[str, Any] = {one.name: getattr(batch, one.name) for one in fields(batch)}
        tensors.update({name: torch.from_numpy(one) for name, one in tensors.items() if one is not None})
        return cls(**tensors)

    def to(self, device: torch.device) -> TensorBatch:
        """On the device, without waiting where the memory is pinned."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> TensorBatch:
        """In pinned memory; torch's DataLoader calls this by name."""
        return self._each(lambda tensor: tensor.pin_memory())

    def in_rows(self, scores: Tensor) -> Tensor:
        """Flat option scores (O,) as (B, 10), one row per question, 0 where a question has no such option.

        Always ten wide: asking a GPU for the largest number of options would make it wait.
        """
        rows = scores.new_zeros(len(self.n_options), MOST_OPTIONS)
        return rows.index_put((self.row_of, self.column_of), scores)

    def _each(self, change: Any) -> TensorBatch:
        tensors: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        tensors.update({name: change(one) for name, one in tensors.items() if one is not None})
        return TensorBatch(**tensors)


class BatchDataset:
    """The batches of a list of groups of questions, made when they are asked for."""

    def __init__(self, batches: Batches, groups: list[Ints]) -> None:
        self.batches = batches
        self.groups = groups

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, group: int) -> TensorBatch:
        return TensorBatch.from_batch(self.batches.make(self.groups[group]))


def load_batches(batches: Batches, groups: list[Ints], device: torch.device, workers: int) -> Any:
    """A DataLoader of these batches in this order, made by `workers` processes; pinned for a GPU."""
    from torch.utils.data import DataLoader

    dataset: Any = BatchDataset(batches, groups)
    return DataLoader(
        dataset, batch_size=None, num_workers=min(workers, len(groups)), pin_memory=device.type == "cuda"
    )


def padded(lengths: Size) -> Size:
    """Lengths rounded up to a multiple of `MULTIPLE`.

    >>> padded(17)
    24
    """
    return -(-lengths // MULTIPLE) * MULTIPLE


def plan_epoch(lengths: Ints, questions: Ints, batch_size: int, random_state: int, epoch: int) -> list[Ints]:
    """The steps of an epoch: every question once, `batch_size` of similar length per step, shuffled.

    Questions are shuffled, sorted by length within pools of many steps, cut into steps, and the steps
    shuffled. The sizes of steps differ by at most one, so that no step follows a few questions at the full
    learning rate. The same seed and epoch give the same plan on every machine.

    >>> steps = plan_epoch(np.array([5, 9, 5, 9]), np.arange(4), batch_size=2, random_state=0, epoch=0)
    >>> sorted(sorted(step.tolist()) for step in steps)
    [[0, 2], [1, 3]]
    """
    random = np.random.default_rng([random_state, epoch])
    shuffled = random.permutation(questions)
    n_steps = -(-len(questions) // batch_size)
    bounds = np.arange(n_steps + 1) * len(questions) // max(n_steps, 1)
    for first in range(0, n_steps, _STEPS_PER_POOL):
        pool = slice(bounds[first], bounds[min(first + _STEPS_PER_POOL, n_steps)])
        shuffled[pool] = shuffled[pool][np.argsort(lengths[shuffled[pool]], kind="stable")]
    return [shuffled[bounds[i] : bounds[i + 1]] for i in random.permutation(n_steps)]


def _spread(values: NDArray[np.generic], at: Ints, shape: tuple[int, int], fill: int) -> Ints:
    result = np.full(shape[0] * shape[1], fill, np.int64)
    result[at] = values
    return result.reshape(shape)


def _spread_states(states: Halves, at: Ints, shape: tuple[int, int]) -> Halves:
    result = np.zeros((shape[0] * shape[1], states.shape[1]), np.float16)
    result[at] = states
    return result.reshape(*shape, states.shape[1])
