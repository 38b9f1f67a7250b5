"""What is trained and how: tuning by peft, learning rates by parameter and step, seeds, sizes of micro-batches."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.runtime import CPU_TOKENS, Runtime, gpu_memory
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

SIZE_BIAS_LR = 1e-2
"""Learning rate of the bias by number of options: ten numbers beside scores that change by whole units."""

_SMALLEST, _LARGEST = 512, 1 << 16
# Bytes that a layer keeps per token and unit of width for its backward pass: docs/encoders.md has the count.
_KEPT = {"fp16": 44, "bf16": 44, "fp32": 88}
_KEPT_BELOW = 8
_SPARE = 0.8


def apply_tuning(scorer: Scorer, settings: EncoderSettings) -> None:
    """Freeze and extend the scorer in place as `settings.tuning` says; the head is always trained.

    LoRA and prefixes (P-tuning v2) are peft's. Raises `InputError` if peft is missing or the encoder takes no prefix.
    """
    if settings.tuning == "full":
        return
    require("encoders", "peft", purpose=f"tuning {settings.tuning!r}")
    import peft
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as known

    shape = scorer.encoder.config
    config: Any
    if settings.tuning == "lora":
        targets: Any = known.get(shape.model_type, "all-linear")
        config = peft.LoraConfig(
            task_type="FEATURE_EXTRACTION", r=settings.lora_rank, lora_alpha=settings.lora_alpha,  # type: ignore[arg-type]  # only divided
            lora_dropout=settings.lora_dropout, target_modules=targets,
        )  # fmt: skip
    else:
        if "past_key_values" not in scorer.accepted:
            raise InputError(
                f'a {shape.model_type} model takes no prefix; use `tuning="lora"` or `tuning="full"`'
            )
        config = peft.PrefixTuningConfig(
            task_type="FEATURE_EXTRACTION", num_virtual_tokens=settings.prefix_length,
            num_layers=shape.num_hidden_layers, token_dim=shape.hidden_size,
            num_attention_heads=shape.num_attention_heads,
        )  # fmt: skip
    try:
        with warnings.catch_warnings():
            # peft uses an attribute that transformers is about to rename.
            warnings.simplefilter("ignore", FutureWarning)
            model = peft.get_peft_model(scorer.encoder, config)
    except ValueError as error:
        raise InputError(f'`tuning="{settings.tuning}"` does not fit this encoder: {error}') from error
    scorer.adapter = (model,)
    if settings.tuning == "prefix":
        scorer.prefix = model.prompt_encoder
        for parameter in scorer.encoder.parameters():
            parameter.requires_grad_(False)
    for parameter in scorer.head_parameters().values():
        parameter.requires_grad_(True)
    scorer.size_bias.requires_grad_(settings.loss == "subset")


def trained_parameters(scorer: Scorer) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in scorer.named_parameters() if parameter.requires_grad}


def parameter_groups(scorer: Scorer, settings: EncoderSettings) -> list[dict[str, Any]]:
    """AdamW's groups: every trained parameter once, with its maximum learning rate (`peak`) and weight decay.

    Biases and normalisation (one dimension) do not decay.
    """
    head = scorer.head_parameters()
    width = scorer.encoder.config.hidden_size
    body_rate = settings.learning_rate(width)
    head_rate = settings.head_learning_rate(width, scorer.all_new)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trained_parameters(scorer).items():
        peak = SIZE_BIAS_LR if name == "size_bias" else head_rate if name in head else body_rate
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((peak, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": 0.0, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]


def schedule_factor(schedule: str, step: int, steps: int, warmup: float) -> float:
    """The share of the maximum learning rate at step 0 .. steps - 1: linear warm-up, then the decay.

    >>> [schedule_factor("linear", step, 4, 0.25) for step in range(4)]
    [1.0, 1.0, 0.6666666666666667, 0.33333333333333337]
    """
    warm = math.ceil(steps * warmup)
    if step < warm:
        return (step + 1) / warm
    return _DECAYS[schedule]((step - warm) / max(steps - warm, 1))


_DECAYS: dict[str, Callable[[float], float]] = {
    "linear": lambda done: 1.0 - done,
    "cosine": lambda done: 0.5 * (1.0 + math.cos(math.pi * done)),
    "constant": lambda done: 1.0,
}


def seed_everything(*numbers: int) -> None:
    """Seed torch from numbers that identify a micro-batch of a run, so that no random state need be saved."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)


def first_batch_tokens(settings: EncoderSettings, scorer: Scorer, train: Batches, runtime: Runtime) -> int:
    """Tokens per micro-batch with which training begins: those that are set, or an estimate of what fits.

    The estimate need not be right: where memory runs out, training halves it and repeats the step.
    """
    if isinstance(settings.batch_tokens, int):
        return settings.batch_tokens
    if runtime.device.type != "cuda":
        return CPU_TOKENS
    config = scorer.encoder.config
    trained = sum(parameter.numel() for parameter in trained_parameters(scorer).values())
    # A gradient and AdamW's two moments of each trained weight in fp32; the weights are there already.
    free = _SPARE * gpu_memory(runtime.device) - 12 * trained
    n_layers = config.num_hidden_layers - settings.freeze_layers
    per_token = tokens_bytes(n_layers, config.hidden_size, runtime.precision, settings.gradient_checkpointing)
    needed = max_tokens_per_step(train, settings.batch_size)
    return max(min(int(free / per_token), needed, _LARGEST) // 8 * 8, _SMALLEST)


def tokens_bytes(n_layers: int, width: int, precision: str, checkpointing: bool) -> int:
    """Bytes that a training step keeps per token for its backward pass, estimated."""
    kept = _KEPT[precision]
    return width * ((n_layers * 4 + kept if checkpointing else n_layers * kept) + _KEPT_BELOW)


def max_tokens_per_step(train: Batches, batch_size: int) -> int:
    """Padded tokens that no step exceeds."""
    sequences_per_question = np.sort(np.diff(train.sequences.firsts))[::-1]
    return int(sequences_per_question[:batch_size].sum() * train.lengths.max(initial=8))
