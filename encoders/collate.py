"""A batch as torch tensors: to the device and back to rows of scores."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from cmexam_baseline.encoders.answer_sets import MOST_OPTIONS
from cmexam_baseline.encoders.batches import Batch, Batches, Ints


@dataclass(frozen=True, eq=False)
class TensorBatch:
    """The fields of `Batch` as tensors of int64."""

    input_ids: Tensor
    segments: Tensor
    token_types: Tensor
    positions: Tensor
    sequence_of: Tensor
    place_of: Tensor
    row_of: Tensor
    column_of: Tensor
    questions: Tensor
    n_options: Tensor
    answers: Tensor

    @classmethod
    def from_batch(cls, batch: Batch) -> TensorBatch:
        """The same numbers as tensors."""
        return cls(**{one.name: torch.from_numpy(getattr(batch, one.name)) for one in fields(batch)})

    def to(self, device: torch.device) -> TensorBatch:
        """On the device, without waiting where the memory is pinned."""
        return TensorBatch(
            **{one.name: getattr(self, one.name).to(device, non_blocking=True) for one in fields(self)}
        )

    def pin_memory(self) -> TensorBatch:
        """In pinned memory; torch's DataLoader calls this by name."""
        return TensorBatch(**{one.name: getattr(self, one.name).pin_memory() for one in fields(self)})

    def in_rows(self, scores: Tensor) -> Tensor:
        """Flat option scores (O,) as (B, 8), a question a row, 0 where a question has no such option.

        Always eight wide: to ask a card for the largest number of options would make it wait.
        """
        rows = scores.new_zeros(len(self.n_options), MOST_OPTIONS)
        return rows.index_put((self.row_of, self.column_of), scores)


class BatchDataset(torch.utils.data.Dataset[TensorBatch]):
    """The batches of a list of groups of questions, made when they are asked for."""

    def __init__(self, batches: Batches, groups: list[Ints]) -> None:
        self.batches = batches
        self.groups = groups

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, group: int) -> TensorBatch:
        return TensorBatch.from_batch(self.batches.make(self.groups[group]))


def load_batches(
    batches: Batches, groups: list[Ints], device: torch.device, workers: int
) -> torch.utils.data.DataLoader[TensorBatch]:
    """These batches in this order, made by `workers` processes beside the training; pinned for a GPU."""
    return torch.utils.data.DataLoader(
        BatchDataset(batches, groups),
        batch_size=None,
        num_workers=min(workers, len(groups)),
        pin_memory=device.type == "cuda",
    )
