"""Where a run computes: device, precision, and the other processes of torchrun or accelerate launch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cmexam_baseline.encoders.devices import check_kernels, choose_precision, device_facts
from cmexam_baseline.encoders.preflight import check_tracker
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Runtime:
    """The device and precision of this process, its number among `world` processes, and their accelerator.

    There is an accelerator where there are several processes.
    """

    device: torch.device
    precision: str
    rank: int = 0
    world: int = 1
    accelerator: Any = None

    def autocast(self) -> AbstractContextManager[None]:
        """The encoder's arithmetic: half precision where chosen; weights stay in fp32."""
        dtype = _DTYPES.get(self.precision, torch.bfloat16)
        return torch.autocast(self.device.type, dtype, enabled=self.precision in _DTYPES)

    def scaler(self) -> torch.amp.GradScaler:
        """Loss scaling, which fp16 needs and the others do without."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")

    def sum(self, tensor: Tensor) -> Tensor:
        """The tensor summed over all processes; itself where there is one."""
        if self.world == 1:
            return tensor
        summed: Tensor = self.accelerator.reduce(tensor, "sum")
        return summed

    def gather(self, number: int) -> list[int]:
        """This number of every process."""
        if self.world == 1:
            return [number]
        numbers = self.accelerator.gather(torch.tensor([number], device=self.device))
        return [int(one) for one in numbers.tolist()]

    def sum_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        """Sum the gradients over all processes in place, a few large messages at a time.

        torch's DistributedDataParallel would want every process to run backward equally often and would
        average over processes; here one may have fewer parts of a step, and parts count by questions.
        """
        if self.world == 1:
            return
        for group in _buckets(parameters):
            for parameter in group:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
            flat = self.sum(torch.cat([_gradient(parameter).ravel() for parameter in group]))
            parts = torch.split(flat, [parameter.numel() for parameter in group])
            for parameter, part in zip(group, parts, strict=True):
                _gradient(parameter).copy_(part.view_as(parameter))

    def wait(self) -> None:
        """Until every process is here."""
        if self.world > 1:
            self.accelerator.wait_for_everyone()


def start_runtime(settings: EncoderSettings) -> Runtime:
    """Device and precision for these settings; joins the process group under torchrun or accelerate launch.

    Raises `InputError` before anything is loaded if the card cannot be used.
    """
    facts = device_facts(settings.device)
    check_kernels(facts)
    precision = choose_precision(facts, settings.precision)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        # Without accelerate, whose first choice of a device would stand for every later model of this process.
        return Runtime(torch.device(facts.kind), precision)
    try:
        from accelerate import Accelerator
    except ImportError as error:
        raise InputError(
            "the encoders need accelerate; run pip install 'cmexam-baseline[encoders]'"
        ) from error
    accelerator = Accelerator(cpu=facts.kind == "cpu", mixed_precision="no")
    return Runtime(
        accelerator.device, precision, accelerator.process_index, accelerator.num_processes, accelerator
    )


@contextmanager
def tracker(
    settings: EncoderSettings, folder: str | os.PathLike[str] | None, runtime: Runtime
) -> Iterator[Any]:
    """An accelerate tracker (TensorBoard or wandb) for `log_to`, ended with the block; files in `folder`/logs.

    None for `none` and in every process but the first. Raises `InputError` with what to install if the
    package is missing.
    """
    check_tracker(settings.log_to)
    if settings.log_to == "none" or runtime.rank:
        yield None
        return
    from accelerate import PartialState, tracking

    PartialState(cpu=runtime.device.type == "cpu")  # which the trackers' own messages want to have been made
    logs = Path(folder or ".") / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    place = {"tensorboard": "logging_dir", "wandb": "dir"}[settings.log_to]
    started = tracking.LOGGER_TYPE_TO_CLASS[settings.log_to]("cmexam-baseline", **{place: logs})
    started.start()
    started.store_init_configuration({name: str(value) for name, value in settings.to_dict().items()})
    try:
        yield started
    finally:
        started.finish()


def _gradient(parameter: torch.nn.Parameter) -> Tensor:
    if parameter.grad is None:
        raise RuntimeError("a parameter lost its gradient")
    return parameter.grad


def _buckets(parameters: list[torch.nn.Parameter], size: int = 1 << 25) -> list[list[torch.nn.Parameter]]:
    buckets: list[list[torch.nn.Parameter]] = []
    filled = size
    for parameter in parameters:
        if filled + parameter.numel() > size:
            buckets.append([])
            filled = 0
        buckets[-1].append(parameter)
        filled += parameter.numel()
    return buckets
