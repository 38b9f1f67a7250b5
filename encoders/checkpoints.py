"""The state of a training run, in memory and on disk, so that a run can be killed at any moment."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cmexam_baseline.encoders.model_io import save_errors
from cmexam_baseline.encoders.training_report import Evaluation
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import locked, new_folder
from cmexam_baseline.exam.io.manifest import read_manifest, write_manifest

_KIND, _FORMAT = "cmexam-baseline checkpoint", 1
_TENSORS, _MANIFEST = "tensors.safetensors", "state.json"


@dataclass
class TrainingState:
    """Steps done, evaluations, the best of them, sums since the last one, and the size of micro-batches.

    With the weights and the optimizer's state, this is all that a run needs to be resumed: random numbers and
    the order of questions follow from seed and step.
    """

    step: int = 0
    evaluations: list[Evaluation] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)
    best_step: int = 0
    best: tuple[float, float] = (-1.0, -math.inf)
    without_gain: int = 0
    finished: bool = False
    scaler: dict[str, Any] = field(default_factory=dict)
    loss_sum: float = 0.0
    right: float = 0.0
    seen: int = 0
    batch_tokens: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingState:
        """The state that `dataclasses.asdict` described; other names are ignored."""
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        known["best"] = tuple(known["best"])
        known["evaluations"] = [Evaluation(**one) for one in known["evaluations"]]
        return cls(**known)

    def count(self, loss_sum: float, right: float, seen: int) -> None:
        """Add questions to the sums, and a point to the curve of losses."""
        self.losses.append([self.step, loss_sum / max(seen, 1)])
        self.loss_sum += loss_sum
        self.right += right
        self.seen += seen

    def evaluate(self, epoch: int, val_loss: float | None, val_accuracy: float | None) -> bool:
        """Record an evaluation and reset the sums; returns whether val was better than ever before.

        Among equal accuracies the lower loss is better.
        """
        seen = max(self.seen, 1)
        self.evaluations.append(
            Evaluation(self.step, epoch, self.loss_sum / seen, self.right / seen, val_loss, val_accuracy)
        )
        self.loss_sum, self.right, self.seen = 0.0, 0.0, 0
        if val_accuracy is None or val_loss is None:
            return False
        better = (val_accuracy, -val_loss) > self.best
        self.without_gain += 1
        if better:
            self.best, self.best_step, self.without_gain = (val_accuracy, -val_loss), self.step, 0
        return better


def copy_to_cpu(trained: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Copies of weights by name."""
    return {name: parameter.detach().to("cpu", copy=True) for name, parameter in trained.items()}


def pack(trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Copies on the CPU of the trained weights by name, and of the optimizer's state of each as `key:name`."""
    tensors = copy_to_cpu(trained)
    for name, parameter in trained.items():
        for key, value in optimizer.state[parameter].items():
            tensors[f"{key}:{name}"] = value.detach().to("cpu", copy=True)
    return tensors


def unpack(
    tensors: Mapping[str, Tensor], trained: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
) -> None:
    """Restore what `pack` copied."""
    copy_into(trained, tensors)
    for full, tensor in tensors.items():
        key, colon, name = full.partition(":")
        if colon:
            optimizer.state[trained[name]][key] = tensor.to(trained[name].device)


def steps_taken(optimizer: torch.optim.Optimizer) -> int:
    """The number of steps that changed weights: loss scaling skips those whose gradients overflow in fp16."""
    return max((int(state["step"]) for state in optimizer.state.values() if state), default=0)


def copy_into(parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]) -> None:
    """Set the parameters to the tensors of their names."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[name])


@dataclass
class Checkpoints:
    """Checkpoints of one run in a folder; `run` is the fingerprint of what is trained on what.

    A checkpoint is a folder `step-00000120` with tensors (safetensors) and a manifest that has the state, written
    under another name and renamed when complete. Two are kept, and the best weights of each as `best-00000080`, a
    folder of the same form. Others are removed before a new one is written.
    """

    folder: Path
    run: str
    skipped: list[str] = field(default_factory=list)
    _newest: str = ""
    _best: str = ""
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _written: Future[None] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from training with this folder during the block; `InputError` if one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder, "wait for it, or choose another place"):
            try:
                yield
            finally:
                self.wait()

    def save_in_background(
        self, step: int, tensors: dict[str, Tensor], state: dict[str, Any],
        best: tuple[int, dict[str, Tensor]] | None = None,
    ) -> None:  # fmt: skip
        """As `save`, in a thread, after the checkpoint before it; its errors are raised by the next call or `wait`."""
        self.wait()
        self._written = self._writer.submit(self.save, step, tensors, state, best)

    def wait(self) -> None:
        """Until the last checkpoint is on disk; raises the error that kept it from being written."""
        written, self._written = self._written, None
        if written is not None:
            written.result()

    def save(
        self, step: int, tensors: dict[str, Tensor], state: dict[str, Any],
        best: tuple[int, dict[str, Tensor]] | None = None,
    ) -> None:  # fmt: skip
        """Write a checkpoint, and the best weights so far with their step, unless these are on disk."""
        for path in [*self.folder.glob("step-????????"), *self.folder.glob("best-????????")]:
            if path.name not in (self._newest, self._best):
                shutil.rmtree(path, ignore_errors=True)
        if best is not None and self._best != (name := f"best-{best[0]:08d}"):
            self._write(name, best[1])
            self._best = name
        name = f"step-{step:08d}"
        self._write(name, tensors, best_weights=self._best, **state)
        self._newest = name

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Tensor] | None] | None:
        """Tensors, state and best weights of the newest complete checkpoint; None where there is none.

        Damaged ones are named in `skipped`. Raises `InputError` if the checkpoints are another run's.
        """
        for path in sorted(self.folder.glob("step-????????"), reverse=True):
            found = self._read(path)
            if found is not None:
                self._newest, self._best = path.name, found[1]["best_weights"]
                return found
            self.skipped.append(path.name)
        return None

    def remove_unfinished(self) -> None:
        """Remove what a killed run was writing."""
        for path in self.folder.glob(".*"):
            if path.name.startswith((".step-", ".best-")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _write(self, name: str, tensors: dict[str, Tensor], **state: Any) -> None:
        from safetensors.torch import save_file

        with save_errors(self.folder / name), new_folder(self.folder / name) as temporary:
            save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, temporary / _TENSORS)
            write_manifest(temporary, _MANIFEST, _KIND, _FORMAT, run=self.run, **state)

    def _read(self, path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Tensor] | None] | None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = read_manifest(path, _MANIFEST, _KIND, _FORMAT)
        except InputError:
            return None
        if state["run"] != self.run:
            raise InputError(
                f"{self.folder} has checkpoints of other data or settings; remove it, or give the run another folder"
            )
        try:
            best = None
            if state["best_weights"]:
                best_path = self.folder / Path(state["best_weights"]).name
                read_manifest(best_path, _MANIFEST, _KIND, _FORMAT)
                best = load_file(best_path / _TENSORS)
            return load_file(path / _TENSORS), state, best
        except (InputError, OSError, SafetensorError):
            return None
