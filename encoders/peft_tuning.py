"""Which weights are trained: all, or few of them through peft (LoRA, P-tuning v2)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from torch import nn

from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

ADAPTER_FOLDER = "adapter"


def apply_tuning(scorer: Scorer, settings: EncoderSettings) -> None:
    """Freeze and extend the scorer in place as `settings.tuning` says; the head stays trained in each.

    Raises `InputError` if peft is missing or the encoder takes no prefix.
    """
    if settings.tuning == "full":
        return
    config = _CONFIGS[settings.tuning](scorer, settings)
    from peft import get_peft_model

    try:
        with warnings.catch_warnings():
            # peft asks for an attribute that transformers is about to rename; nothing a user could do.
            warnings.simplefilter("ignore", FutureWarning)
            model = get_peft_model(scorer.encoder, config)
    except ValueError as error:
        raise InputError(f"--tuning {settings.tuning} does not fit this encoder: {error}") from error
    scorer.adapter = (model,)
    if settings.tuning == "prefix":
        scorer.prefix = model.prompt_encoder
        for parameter in scorer.encoder.parameters():
            parameter.requires_grad_(False)
    for parameter in scorer.head_parameters().values():
        parameter.requires_grad_(True)
    scorer.size_bias.requires_grad_(settings.loss == "subset")


def merge_adapter(scorer: Scorer) -> None:
    """Add LoRA's products to the weights that they change, in place; nothing remains of peft."""
    (model,) = scorer.adapter
    model.merge_and_unload()
    scorer.adapter = ()


def save_adapter(scorer: Scorer, folder: Path) -> None:
    """Write the adapter as peft's own folder, `adapter_config.json` and `adapter_model.safetensors`."""
    (model,) = scorer.adapter
    # "auto" would ask the hub whether the base model's vocabulary has grown; it has not.
    model.save_pretrained(folder / ADAPTER_FOLDER, safe_serialization=True, save_embedding_layers=False)
    (folder / ADAPTER_FOLDER / "README.md").unlink(missing_ok=True)


def load_adapter(scorer: Scorer, folder: Path) -> None:
    """Read weights that `save_adapter` wrote into a scorer that the same tuning was applied to."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    (model,) = scorer.adapter
    set_peft_model_state_dict(model, load_file(folder / ADAPTER_FOLDER / "adapter_model.safetensors"))


def trained_parameters(scorer: Scorer) -> dict[str, nn.Parameter]:
    """The parameters that are trained, by name."""
    return {name: parameter for name, parameter in scorer.named_parameters() if parameter.requires_grad}


def _lora(scorer: Scorer, settings: EncoderSettings) -> Any:
    peft = _peft()
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as known

    return peft.LoraConfig(
        task_type="FEATURE_EXTRACTION",
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=known.get(scorer.encoder.config.model_type, "all-linear"),
    )


def _prefix(scorer: Scorer, settings: EncoderSettings) -> Any:
    peft, config = _peft(), scorer.encoder.config
    if "past_key_values" not in scorer.accepted:
        raise InputError(f"a {config.model_type} model takes no prefix; use --tuning lora or full")
    return peft.PrefixTuningConfig(
        task_type="FEATURE_EXTRACTION",
        num_virtual_tokens=settings.prefix_length,
        num_layers=config.num_hidden_layers,
        token_dim=config.hidden_size,
        num_attention_heads=config.num_attention_heads,
    )


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise InputError(
            "--tuning lora and prefix need peft; run pip install 'cmexam-baseline[encoders]'"
        ) from error
    return peft


_CONFIGS = {"lora": _lora, "prefix": _prefix}
