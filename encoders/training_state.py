"""Where a training run stands, as tensors and plain values for a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from cmexam_baseline.encoders.training_report import Evaluation


@dataclass
class TrainingState:
    """Steps done, evaluations, the best of them, and sums since the last one.

    With the weights and what the optimizer remembers, this is all that a run needs to go on: random numbers
    and the order of questions follow from seed and step.
    """

    step: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    best_step: int = 0
    best: tuple[float, float] = (-1.0, -math.inf)
    without_gain: int = 0
    finished: bool = False
    scaler: dict[str, Any] = field(default_factory=dict)
    loss_sum: float = 0.0
    right: float = 0.0
    seen: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        >>> TrainingState.from_dict(TrainingState(step=7, best=(0.5, -1.25)).to_dict()).best
        (0.5, -1.25)
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingState:
        """The state that `to_dict` described; other names are passed over."""
        known = {one.name: values[one.name] for one in fields(cls)}
        known["best"] = tuple(known["best"])
        known["evaluations"] = [Evaluation(**one) for one in known["evaluations"]]
        return cls(**known)

    def count(self, loss_sum: float, right: float, seen: int) -> None:
        """Add questions to the sums."""
        self.loss_sum += loss_sum
        self.right += right
        self.seen += seen

    def evaluate(self, epoch: int, val_loss: float | None, val_accuracy: float | None) -> bool:
        """Note an evaluation and begin the sums anew; returns whether val was better than ever before.

        Among equal accuracies the lower loss is better.
        """
        seen = max(self.seen, 1)
        self.evaluations.append(
            Evaluation(self.step, epoch, self.loss_sum / seen, self.right / seen, val_loss, val_accuracy)
        )
        self.loss_sum, self.right, self.seen = 0.0, 0.0, 0
        if val_accuracy is None or val_loss is None:
            return False
        if (val_accuracy, -val_loss) <= self.best:
            self.without_gain += 1
            return False
        self.best, self.best_step, self.without_gain = (val_accuracy, -val_loss), self.step, 0
        return True


def pack(trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The trained weights by name, and what the optimizer remembers of each as `what:name`."""
    tensors = {name: parameter.detach().cpu() for name, parameter in trained.items()}
    for name, parameter in trained.items():
        for key, value in optimizer.state[parameter].items():
            tensors[f"{key}:{name}"] = value.detach().cpu()
    return tensors


def unpack(
    tensors: Mapping[str, Tensor], trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    """Put back what `pack` took."""
    copy_into(trained, tensors)
    remembered: dict[str, dict[str, Tensor]] = {name: {} for name in trained}
    for full, tensor in tensors.items():
        key, colon, name = full.partition(":")
        if colon:
            parameter = trained[name]
            # AdamW counts its steps on the CPU, unless it is the fused one of a card.
            remembered[name][key] = (
                tensor if key == "step" and not parameter.is_cuda else tensor.to(parameter.device)
            )
    for name, parameter in trained.items():
        optimizer.state[parameter] = remembered[name]


def steps_taken(optimizer: torch.optim.Optimizer) -> int:
    """How many steps changed weights: loss scaling skips those whose gradients overflow in fp16."""
    return max((int(state["step"]) for state in optimizer.state.values() if state), default=0)


def copy_into(parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    """Set the parameters to the tensors of their names."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])
