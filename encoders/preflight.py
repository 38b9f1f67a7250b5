"""Whether a training could start: asked before any data are read."""

from __future__ import annotations

import importlib
import importlib.util

from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

# What a tracker is imported as; TensorBoard's own package, or the writer alone.
_TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "wandb": ("wandb",)}
_NEEDED = ("torch", "transformers", "accelerate", "safetensors", "tokenizers", "huggingface_hub")


def check_ready(settings: EncoderSettings) -> None:
    """Raise `InputError` with one line if packages or weights are missing or the card cannot be used.

    Cheap where all is well, but for the import of torch; loads no weights.

    >>> check_ready(EncoderSettings(model="no/such/folder"))
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no/such/folder is no folder; give one with config.json, a \
tokenizer and model.safetensors, or a name on the hub
    """
    needed = _NEEDED if settings.tuning == "full" else (*_NEEDED, "peft")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"encoders need {', '.join(missing)}; run pip install 'cmexam-baseline[encoders]'")
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:  # as where a library of CUDA's is missing
        reason = " ".join(str(error).split())
        raise InputError(f"torch is installed but cannot be used: {reason}; install it anew") from error
    check_tracker(settings.log_to)
    from cmexam_baseline.encoders.devices import check_kernels, choose_precision, device_facts
    from cmexam_baseline.encoders.models import find_model

    facts = device_facts(settings.device)
    check_kernels(facts)
    choose_precision(facts, settings.precision)
    find_model(settings.model)


def check_tracker(log_to: str) -> None:
    """Raise `InputError` with what to install if what curves shall go to is missing.

    >>> check_tracker("none")
    """
    names = _TRACKERS.get(log_to, ())
    if names and all(importlib.util.find_spec(name) is None for name in names):
        raise InputError(f"--log-to {log_to} needs {log_to}; run pip install {log_to}")
