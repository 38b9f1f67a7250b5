"""Training of few weights through peft (LoRA, P-tuning v2)."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

ADAPTER_FOLDER = "adapter"


def apply_tuning(scorer: Scorer, settings: EncoderSettings) -> None:
    """Freeze and extend the scorer in place as `settings.tuning` says; the head is always trained.

    Raises `InputError` if peft is missing or the encoder takes no prefix.
    """
    if settings.tuning == "full":
        return
    require("encoders", "peft", purpose=f"tuning {settings.tuning!r}")
    config = _CONFIGS[settings.tuning](scorer, settings)
    from peft import get_peft_model

    try:
        with warnings.catch_warnings():
            # peft uses an attribute that transformers is about to rename.
            warnings.simplefilter("ignore", FutureWarning)
            model = get_peft_model(scorer.encoder, config)
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


def merge_adapter(scorer: Scorer) -> None:
    """Add LoRA's products to the weights that they change, in place, and remove peft's modules."""
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


def _lora(scorer: Scorer, settings: EncoderSettings) -> Any:
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as known

    peft: Any = importlib.import_module("peft")
    return peft.LoraConfig(
        task_type="FEATURE_EXTRACTION",
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,
        lora_dropout=settings.lora_dropout,
        target_modules=known.get(scorer.encoder.config.model_type, "all-linear"),
    )


def _prefix(scorer: Scorer, settings: EncoderSettings) -> Any:
    config = scorer.encoder.config
    if "past_key_values" not in scorer.accepted:
        raise InputError(
            f'a {config.model_type} model takes no prefix; use `tuning="lora"` or `tuning="full"`'
        )
    peft: Any = importlib.import_module("peft")
    return peft.PrefixTuningConfig(
        task_type="FEATURE_EXTRACTION",
        num_virtual_tokens=settings.prefix_length,
        num_layers=config.num_hidden_layers,
        token_dim=config.hidden_size,
        num_attention_heads=config.num_attention_heads,
    )


_CONFIGS = {"lora": _lora, "prefix": _prefix}
