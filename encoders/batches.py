"""Batches: questions of similar length together, within a budget of padded tokens; as arrays and as tensors.

Imports without torch, which only the tensors need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.sequences import Sequences
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.metrics.ragged import offsets_of, positions, row_max, span_indices

if TYPE_CHECKING:
    import torch

Ints = NDArray[np.int64]
Size = TypeVar("Size", int, Ints)
Array = TypeVar("Array")
Other = TypeVar("Other")

MULTIPLE = 8
"""Sequences are padded to a multiple of this, for tensor cores and fused attention."""

PADDING = -1
"""The segment of padding."""

_STEPS_PER_POOL = 64


@dataclass(frozen=True, eq=False)
class Batch(Generic[Array]):
    """S padded sequences of length L and the O options of B questions whose scores are read from them.

    input_ids, segments, token_types, positions: (S, L); segments are `PADDING` at padding, 0 in the question,
    k in the sequence's k-th option; positions count from 0. sequence_of, row_of, column_of: (O,), the sequence
    from which an option's score is read, and the question and option to which it belongs. questions,
    n_options, answers: (B,); answers are bit masks. states: (S, L, hidden size), float16, the output of the
    frozen layers where it is cached. All are int64 but states; numpy arrays or tensors.
    """

    input_ids: Array
    segments: Array
    token_types: Array
    positions: Array
    sequence_of: Array
    row_of: Array
    column_of: Array
    questions: Array
    n_options: Array
    answers: Array
    states: Array | None = None

    def each(self, change: Callable[[Array], Other]) -> Batch[Other]:
        """The batch with every array changed."""
        arrays: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        arrays.update({name: change(one) for name, one in arrays.items() if one is not None})
        return Batch(**arrays)

    def pin_memory(self) -> Batch[Any]:
        """Tensors in pinned memory; torch's DataLoader calls this by name."""
        return self.each(lambda tensor: tensor.pin_memory())  # type: ignore[attr-defined]  # by then tensors


class StatesFile:
    """Float16 `array` (tokens, hidden size) in a file; worker processes are sent its path, not its content."""

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.array = np.memmap(path, np.float16, "r", shape=shape)
        self._source = path, shape

    def __reduce__(self) -> tuple[type[StatesFile], tuple[Path, tuple[int, int]]]:
        return StatesFile, self._source


class Batches:
    """Makes batches of any questions from all sequences; the cost depends on the batch alone.

    `states`, if set, has the cached output of frozen layers for every token.
    """

    def __init__(
        self, sequences: Sequences, template: Template, answers: NDArray[np.uint16] | None = None
    ) -> None:
        self.sequences = sequences
        self.template = template
        self.answers = np.zeros(len(sequences), np.uint16) if answers is None else answers
        self.lengths = padded(row_max(sequences.lengths, sequences.firsts))
        self.states: StatesFile | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    def unknown_share(self) -> float:
        """The share of tokens that the tokenizer does not know."""
        return float((self.sequences.ids == self.template.unknown).mean()) if len(self.sequences.ids) else 0.0

    def work(self, questions: Ints) -> Ints:
        """The number of these questions, of their sequences, and of their tokens without padding: (3,)."""
        first, last = self.sequences.firsts[questions], self.sequences.firsts[questions + 1]
        tokens = self.sequences.offsets[last] - self.sequences.offsets[first]
        return np.array([len(questions), (last - first).sum(), tokens.sum()])

    def places(self, questions: Ints) -> tuple[Ints, Ints, tuple[int, int]]:
        """All tokens of these questions, where they are in a flat batch, and the batch's shape."""
        firsts, offsets = self.sequences.firsts, self.sequences.offsets
        rows = span_indices(firsts[questions], firsts[questions + 1] - firsts[questions])
        lengths = offsets[rows + 1] - offsets[rows]
        width = padded(int(lengths.max(initial=1)))
        at = span_indices(np.arange(len(rows)) * width, lengths)
        return span_indices(offsets[rows], lengths), at, (len(rows), width)

    def make(self, questions: Ints) -> Batch[NDArray[Any]]:
        """The batch of these questions, in this order."""
        data, template = self.sequences, self.template
        tokens, at, shape = self.places(questions)

        def spread(values: NDArray[Any], fill: int, kind: type[Any] = np.int64) -> NDArray[Any]:
            result = np.full((shape[0] * shape[1], *values.shape[1:]), fill, kind)
            result[at] = values
            return result.reshape(*shape, *values.shape[1:])

        segments = spread(data.segments[tokens], PADDING)
        if data.positions is None:
            token_positions = np.tile(np.arange(shape[1]), (shape[0], 1))
        else:
            token_positions = spread(data.positions[tokens], 0)
        n_options = data.option_offsets[questions + 1] - data.option_offsets[questions]
        options = span_indices(data.option_offsets[questions], n_options)
        row_of = np.repeat(np.arange(len(questions)), n_options)
        first_row = offsets_of(data.firsts[questions + 1] - data.firsts[questions])[:-1]
        states = None
        if self.states is not None:
            states = spread(self.states.array[tokens], 0, np.float16)
        return Batch(
            input_ids=spread(data.ids[tokens], template.pad),
            segments=segments,
            token_types=np.where(segments > 0, template.second_type, 0),
            positions=token_positions,
            sequence_of=data.sequence_of[options] + (first_row - data.firsts[questions])[row_of],
            row_of=row_of,
            column_of=positions(offsets_of(n_options)),
            questions=np.asarray(questions, np.int64),
            n_options=n_options,
            answers=self.answers[questions].astype(np.int64),
            states=states,
        )

    def tensors(self, questions: Ints) -> Batch[torch.Tensor]:
        """The batch of these questions, as tensors."""
        import torch

        return self.make(questions).each(torch.from_numpy)

    def load(self, groups: list[Ints], device: torch.device, workers: int = 0) -> Any:
        """A DataLoader of a batch of tensors per group, in this order, made by `workers` processes; pinned for a GPU."""
        from torch.utils.data import DataLoader

        dataset: Any = groups
        make: Any = self.tensors
        return DataLoader(
            dataset, batch_size=None, collate_fn=make, num_workers=min(workers, len(groups)),
            pin_memory=device.type == "cuda",
        )  # fmt: skip

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
