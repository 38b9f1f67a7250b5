"""Where a run computes: device, precision, and the other processes of torchrun or accelerate launch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from cmexam_baseline.encoders.devices import check_kernels, check_tracker, choose_precision, device_facts
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Runtime:
    """The device and precision of this process, and its rank among `world` processes."""

    device: torch.device
    precision: str
    rank: int = 0
    world: int = 1

    def autocast(self) -> AbstractContextManager[None]:
        """The encoder's arithmetic: half precision where chosen; weights stay in fp32."""
        dtype = _DTYPES.get(self.precision, torch.bfloat16)
        return torch.autocast(self.device.type, dtype, enabled=self.precision in _DTYPES)

    def scaler(self) -> torch.amp.GradScaler:
        """Loss scaling, which only fp16 needs."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")

    def sum(self, tensor: Tensor) -> Tensor:
        """The tensor summed over all processes; itself where there is one."""
        if self.world == 1:
            return tensor
        summed = tensor.clone()
        distributed.all_reduce(summed)
        return summed

    def gather(self, number: int) -> list[int]:
        """This number of every process."""
        if self.world == 1:
            return [number]
        numbers = [torch.zeros(1, dtype=torch.int64, device=self.device) for _ in range(self.world)]
        distributed.all_gather(numbers, torch.tensor([number], device=self.device))
        return [int(one) for one in numbers]

    def sum_gradients(self, parameters: list[torch.nn.Parameter]) -> None:
        """Sum the gradients over all processes in place, a few large messages at a time.

        torch's DistributedDataParallel needs every process to run backward equally often and averages over
        processes; here one may have fewer micro-batches of a step, and they count by questions.
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
            distributed.barrier()


def start_runtime(settings: EncoderSettings) -> Runtime:
    """Device and precision for these settings; joins the process group under torchrun or accelerate launch.

    Raises `InputError` before anything is loaded if the GPU cannot be used.
    """
    facts = device_facts(settings.device)
    check_kernels(facts)
    precision = choose_precision(facts, settings.precision)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Runtime(torch.device(facts.kind), precision)
    device = torch.device(facts.kind)
    if facts.kind == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        # One process may wait for another that writes a checkpoint or fills the cache of frozen layers.
        distributed.init_process_group("nccl" if facts.kind == "cuda" else "gloo", timeout=timedelta(hours=2))
    return Runtime(device, precision, distributed.get_rank(), distributed.get_world_size())


@contextmanager
def tracker(
    settings: EncoderSettings, folder: str | os.PathLike[str] | None, runtime: Runtime
) -> Iterator[Any]:
    """An accelerate tracker for `report_to`, ended with the block; its files, but for trackio's, in `folder`/logs.

    None for `none` and in every process but the first. Raises `InputError` with what to install if the
    package is missing or accelerate is too old for it.
    """
    check_tracker(settings.report_to)
    if settings.report_to == "none" or runtime.rank:
        yield None
        return
    from accelerate import PartialState, tracking

    PartialState(cpu=runtime.device.type == "cpu")  # which the messages of trackers need
    logs = Path(folder or ".") / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    kind = tracking.LOGGER_TYPE_TO_CLASS.get(settings.report_to)
    if kind is None:
        raise InputError(
            f'`report_to="{settings.report_to}"` needs a newer accelerate; run pip install -U accelerate'
        )
    # trackio keeps all runs in one place of its own.
    place = {"tensorboard": "logging_dir", "wandb": "dir", "swanlab": "logdir"}.get(settings.report_to)
    started = kind("cmexam-baseline", **({place: str(logs)} if place else {}))
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
