"""What this machine's GPU can do, and whether a training could start: asked before any data are read."""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass

from cmexam_baseline.encoders.models import find_model
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

_BF16_CAPABILITY = (8, 0)
_VOLTA = (7, 0)
# What a tracker is imported as; TensorBoard's own package, or the writer alone.
_TRACKERS = {
    "tensorboard": ("tensorboard", "tensorboardX"),
    "wandb": ("wandb",),
    "swanlab": ("swanlab",),
    "trackio": ("trackio",),
}
_NEEDED = ("torch", "transformers", "safetensors", "tokenizers", "huggingface_hub")


@dataclass(frozen=True)
class DeviceFacts:
    """A device and the torch that is to use it; `capability` and `kernels` are empty on a CPU."""

    kind: str
    name: str = "CPU"
    capability: tuple[int, int] = (0, 0)
    kernels: tuple[str, ...] = ()
    memory: int = 0
    torch_version: str = ""


def device_facts(wanted: str = "auto") -> DeviceFacts:
    """The device that `wanted` (auto, cpu or cuda) means here.

    Raises `InputError` if a GPU is wanted and torch sees none.

    >>> device_facts("cpu").kind
    'cpu'
    """
    import torch

    if wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
        return DeviceFacts("cpu", torch_version=torch.__version__)
    if not torch.cuda.is_available():
        built = "without CUDA" if torch.version.cuda is None else f"for CUDA {torch.version.cuda}"
        raise InputError(
            f"device cuda is wanted, but torch {torch.__version__} (built {built}) sees no GPU;"
            ' check nvidia-smi, or use `device="cpu"`'
        )
    index = int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count()
    properties = torch.cuda.get_device_properties(index)
    return DeviceFacts(
        kind="cuda",
        name=properties.name,
        capability=(properties.major, properties.minor),
        kernels=tuple(torch.cuda.get_arch_list()) if torch.version.hip is None else (),
        memory=properties.total_memory,
        torch_version=torch.__version__,
    )


def check_kernels(facts: DeviceFacts) -> None:
    """Raise `InputError` if the installed torch has no kernels for the GPU, with what to install.

    Binary kernels (sm_75) run on GPUs of the same major and the same or a later minor capability, PTX
    (compute_75) on any later GPU. Source: the CUDA C++ Programming Guide, binary and PTX compatibility.

    >>> check_kernels(DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_75",), torch_version="2.13"))
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: Tesla V100 has compute capability 7.0, but torch 2.13 has \
kernels for sm_75 only; run pip install torch --index-url https://download.pytorch.org/whl/cu126
    """
    if not facts.kernels or any(_runs(kernel, facts.capability) for kernel in facts.kernels):
        return
    major, minor = facts.capability
    # The CUDA 12.6 wheels are the last with kernels for Volta and older; new GPUs need the newest wheels.
    remedy = (
        "pip install torch --index-url https://download.pytorch.org/whl/cu126"
        if _VOLTA >= facts.capability >= (5, 0)
        else "pip install --upgrade torch"
    )
    raise InputError(
        f"{facts.name} has compute capability {major}.{minor}, but torch {facts.torch_version} has kernels"
        f" for {' '.join(facts.kernels)} only; run {remedy}"
    )


def choose_precision(facts: DeviceFacts, wanted: str = "auto") -> str:
    """fp16, bf16 or fp32: what is wanted, or bf16 from compute capability 8.0, fp16 below, fp32 on a CPU.

    torch reports bf16 support on Volta, which emulates it slowly; so do CPUs without instructions for it.
    Raises `InputError` if bf16 is wanted there.

    >>> [choose_precision(DeviceFacts("cuda", capability=(major, 0))) for major in (7, 8)]
    ['fp16', 'bf16']
    """
    if facts.kind == "cuda" and wanted == "bf16" and facts.capability < _BF16_CAPABILITY:
        raise InputError(f'{facts.name} has no bf16 in hardware; use `precision="fp16"`')
    if wanted != "auto":
        return wanted
    if facts.kind != "cuda":
        return "fp32"
    return "bf16" if facts.capability >= _BF16_CAPABILITY else "fp16"


def check_ready(settings: EncoderSettings) -> None:
    """Raise `InputError` in one line if packages or weights are missing or the GPU cannot be used.

    Loads no weights; costs the import of torch.

    >>> check_ready(EncoderSettings(model="no/such/folder"))
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no/such/folder is not a folder; give one with config.json, a \
tokenizer and model.safetensors, or a name on the hub
    """
    needed = _NEEDED if settings.tuning == "full" else (*_NEEDED, "peft")
    require("encoders", *needed, purpose="an encoder")
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:  # as if a library of CUDA is missing
        reason = " ".join(str(error).split())
        raise InputError(f"torch is installed but cannot be used: {reason}; install it again") from error
    check_tracker(settings.report_to)
    facts = device_facts(settings.device)
    check_kernels(facts)
    choose_precision(facts, settings.precision)
    find_model(settings.model)


def check_tracker(report_to: str) -> None:
    """Raise `InputError` with what to install if the tracker of training curves is missing.

    >>> check_tracker("none")
    """
    names = _TRACKERS.get(report_to, ())
    if names:
        require("encoders", "accelerate", purpose=f'`report_to="{report_to}"`')
    if names and all(importlib.util.find_spec(name) is None for name in names):
        raise InputError(f'`report_to="{report_to}"` needs {report_to}; run pip install {report_to}')


def is_main_process() -> bool:
    """Whether this process writes files: the only one, or the first under torchrun or accelerate launch.

    >>> is_main_process()
    True
    """
    return int(os.environ.get("RANK", "0")) == 0


def _runs(kernel: str, capability: tuple[int, int]) -> bool:
    kind, _, number = kernel.partition("_")
    digits = "".join(character for character in number if character.isdigit())
    if len(digits) < 2:
        return False
    built = int(digits[:-1]), int(digits[-1])
    if kind == "compute":
        return built <= capability
    if number.endswith("a"):  # sm_90a: for that very GPU
        return built == capability
    return built[0] == capability[0] and built[1] <= capability[1]
