"""Where a run computes: device, precision, memory, and the other processes of torchrun or accelerate launch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
from torch import Tensor, distributed

from cmexam_baseline.encoders.batches import Batch
from cmexam_baseline.encoders.devices import check_kernels, check_tracker, choose_precision, device_facts
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.training_report import Evaluation
from cmexam_baseline.exam.errors import InputError

CPU_TOKENS = 1024
"""On a CPU more at once is slower: with 8,192, e5-small-zh trained at two thirds (joint) and a third (pairwise)
of this speed, because large tensors are fresh memory every time."""

CUDA_TOKENS = 8192
"""Enough to keep a GPU busy in prediction, which keeps nothing for a backward pass."""

_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
_GRADIENTS_AT_ONCE = 32


@dataclass(frozen=True)
class Runtime:
    """The device and precision of this process, and its rank among `world` processes."""

    device: torch.device
    precision: str
    rank: int = 0
    world: int = 1

    def move(self, batch: Batch[Tensor]) -> Batch[Tensor]:
        """The batch on the device, without waiting where its memory is pinned."""
        return batch.each(lambda tensor: tensor.to(self.device, non_blocking=True))

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
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        for begin in range(0, len(gradients), _GRADIENTS_AT_ONCE):
            group = gradients[begin : begin + _GRADIENTS_AT_ONCE]
            flat = self.sum(torch.cat([gradient.ravel() for gradient in group]))
            for gradient, part in zip(group, flat.split([one.numel() for one in group]), strict=True):
                gradient.copy_(part.view_as(gradient))

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
    device = torch.device(facts.kind)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Runtime(device, precision)
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
) -> Iterator[Callable[[Evaluation], None]]:
    """A function that gives evaluations to `report_to` by accelerate, until the block ends; files in `folder`/logs.

    It does nothing for `none` and in every process but the first. trackio's files are elsewhere. Raises
    `InputError` with what to install if the package is missing or accelerate is too old for it.
    """
    check_tracker(settings.report_to)
    if settings.report_to == "none" or runtime.rank:
        yield lambda evaluation: None
        return
    from accelerate import PartialState, tracking

    PartialState(cpu=runtime.device.type == "cpu")  # which the messages of trackers need
    name = settings.report_to
    kind = tracking.LOGGER_TYPE_TO_CLASS.get(name)
    if kind is None:
        raise InputError(f'`report_to="{name}"` needs a newer accelerate; run pip install -U accelerate')
    # trackio keeps all runs in one place of its own.
    place = {"tensorboard": "logging_dir", "wandb": "dir", "swanlab": "logdir"}.get(name)
    options = {}
    if place:
        logs = Path(folder or ".") / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        options[place] = str(logs)
    started = kind("cmexam-baseline", **options)
    started.start()
    started.store_init_configuration({name: str(value) for name, value in settings.to_dict().items()})

    def log(evaluation: Evaluation) -> None:
        values = {name: value for name, value in vars(evaluation).items() if value is not None}
        started.log(values, step=values.pop("step"))

    try:
        yield log
    finally:
        started.finish()


def tokens_to_predict(trained_with: int, device: torch.device) -> int:
    """Padded tokens per batch in prediction: those of training, or more where the device wants them."""
    return max(trained_with, CUDA_TOKENS) if device.type == "cuda" else CPU_TOKENS


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory of a GPU or of this machine ran out."""
    # Where malloc fails, torch raises a plain RuntimeError that names its allocator; so do CUDA and its libraries.
    marks = ("DefaultCPUAllocator", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(m in str(error) for m in marks)


def device_memory(device: torch.device) -> str:
    """The memory of a device in words."""
    return "the memory of the GPU" if device.type == "cuda" else "the memory of this machine"


def free_memory(device: torch.device) -> None:
    """Give cached blocks of a GPU back, so that blocks of another size fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def gpu_memory(device: torch.device) -> int:
    """Bytes that tensors can still take on a GPU: free ones, and those that torch keeps from tensors that are gone."""
    free, total = torch.cuda.mem_get_info(device)
    used, kept = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
    # By index: it refuses a device without one, which others take for the current device. New in torch 2.9.
    fraction = getattr(torch.cuda, "get_per_process_memory_fraction", lambda index: 1.0)(device.index)
    return min(free + kept, int(fraction * total)) - used


def peak_memory(device: torch.device, reset: bool = False) -> int:
    """Peak bytes allocated by torch on the GPU, or used by this process on a CPU; `reset` begins a GPU's anew."""
    if device.type == "cuda":
        if reset:
            torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
