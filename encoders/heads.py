"""Scores of options: transformers' multiple-choice head, and a head of our own for the other settings."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from cmexam_baseline.encoders.batches import PADDING
from cmexam_baseline.encoders.decision import MOST_OPTIONS, Floats
from cmexam_baseline.encoders.frozen_layers import LowerLayers
from cmexam_baseline.encoders.models import load_config, load_encoder
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError


class Scorer(nn.Module):
    """An encoder and a head that give every option one score.

    `encoder` is the transformers base model inside, `size_bias` the learned bias by number of options of the subset loss.
    `joint` says that a sequence holds all options, which attend to the question and each to itself.
    `all_new` says that nothing above the encoder's layers is pretrained. `lower` holds the frozen layers.
    """

    encoder: Any
    size_bias: nn.Parameter
    joint = False

    def __init__(self, size_bias: Floats) -> None:
        super().__init__()
        self.size_bias = nn.Parameter(torch.tensor(size_bias, dtype=torch.float32))
        self.prefix: nn.Module | None = None
        self.adapter: tuple[Any, ...] = ()  # in a tuple, so that torch does not register its parameters twice
        self.all_new = True
        self.lower: LowerLayers | None = None

    def freeze(self, n_layers: int) -> None:
        """Freeze the embeddings and the lowest layers; raises `InputError` if the encoder has no such layers."""
        self.lower = LowerLayers(self.encoder, n_layers)
        self.train(self.training)

    def train(self, mode: bool = True) -> Scorer:
        """As of `nn.Module`, but frozen layers stay in eval mode: their output has no dropout."""
        super().train(mode)
        if self.lower is not None:
            self.lower.eval()
        return self

    def forward(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor,
        sequence_of: Tensor, column_of: Tensor,
    ) -> Tensor:  # fmt: skip
        """Flat scores (O,) of the options, from the fields of `Batch`."""
        inputs = self.encoder_inputs(input_ids, segments, token_types, positions)
        return self._score(inputs, segments, sequence_of, column_of)

    def _score(
        self, inputs: dict[str, Any], segments: Tensor, sequence_of: Tensor, column_of: Tensor
    ) -> Tensor:
        raise NotImplementedError

    def head_parameters(self) -> dict[str, nn.Parameter]:
        """The trained weights on top of the encoder's layers, its pooler included, by name."""
        pooler = getattr(self.encoder, "pooler", None)
        others = set(self.encoder.parameters()) - set(pooler.parameters() if pooler is not None else ())
        if self.prefix is not None:
            others |= set(self.prefix.parameters())
        return {name: parameter for name, parameter in self.named_parameters() if parameter not in others}

    def encoder_inputs(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor
    ) -> dict[str, Any]:
        """Arguments of the encoder; those that this kind of encoder does not know are omitted."""
        n_prefix = self.adapter[0].active_peft_config.num_virtual_tokens if self.prefix is not None else 0
        inputs: dict[str, Any] = {"input_ids": input_ids}
        if self.joint:
            inputs["attention_mask"] = self._block_mask(segments, n_prefix)
        else:
            valid = (segments != PADDING).long()
            inputs["attention_mask"] = nn.functional.pad(valid, (n_prefix, 0), value=1)
        if self.joint or n_prefix:
            inputs["position_ids"] = positions + self.first_position
        if n_prefix:
            inputs["past_key_values"] = self.adapter[0].get_prompt(len(input_ids))
        if "token_type_ids" in self.accepted:
            inputs["token_type_ids"] = token_types
        return inputs

    def _block_mask(self, segments: Tensor, n_prefix: int) -> Tensor:
        """(S, 1, L, prefix + L): all attend to the question, the question to all, an option to itself.

        A padding token attends to the question, so that its softmax is over something; nothing attends to padding.
        """
        mine, others = segments[:, :, None], segments[:, None, :]
        visible = ((others == 0) | (mine == 0) | (mine == others)) & (others != PADDING)
        visible = nn.functional.pad(visible, (n_prefix, 0), value=True)[:, None]
        if self.encoder.config._attn_implementation == "sdpa":
            return visible
        lowest = torch.finfo(self.encoder.dtype).min
        return torch.zeros_like(visible, dtype=self.encoder.dtype).masked_fill(~visible, lowest)

    @property
    def accepted(self) -> set[str]:
        """Names of the encoder's arguments."""
        return set(inspect.signature(self.encoder.forward).parameters)

    @property
    def first_position(self) -> int:
        """The position of a sequence's first token: RoBERTa's kind counts from its padding index + 1."""
        padding = getattr(self._position_embeddings, "padding_idx", None)
        return 0 if padding is None else int(padding) + 1

    @property
    def most_positions(self) -> int | None:
        """The maximum tokens of a sequence that the encoder's positions allow; None where they are relative."""
        embeddings = self._position_embeddings
        if not isinstance(embeddings, nn.Embedding):
            return None
        return embeddings.num_embeddings - self.first_position

    @property
    def _position_embeddings(self) -> Any:
        return getattr(getattr(self.encoder, "embeddings", None), "position_embeddings", None)


class MultipleChoiceScorer(Scorer):
    """Pairwise with transformers' own `...ForMultipleChoice`, which loads what is saved with the same logits."""

    def __init__(self, model: Any, size_bias: Floats) -> None:
        super().__init__(size_bias)
        self.model = model

    @property
    def encoder(self) -> Any:  # a view, so that torch does not register the encoder twice
        return self.model.base_model

    def _score(
        self, inputs: dict[str, Any], segments: Tensor, sequence_of: Tensor, column_of: Tensor
    ) -> Tensor:
        """One sequence per option: transformers is given questions of one choice each."""
        choice = {
            name: value.unsqueeze(1) if isinstance(value, Tensor) else value for name, value in inputs.items()
        }
        return cast(Tensor, self.model(**choice).logits[:, 0][sequence_of])


class PoolingScorer(Scorer):
    """Any encoder, pairwise or joint: pooled states of an option through a small head.

    Pooling `mean` averages the option's tokens (joint) or the whole sequence (pairwise), `cls` is the first
    token (pairwise).
    """

    def __init__(self, encoder: Any, settings: EncoderSettings, size_bias: Floats) -> None:
        super().__init__(size_bias)
        self.encoder = encoder
        self.joint = settings.head == "joint"
        self.pooling = settings.pooling_used
        config = encoder.config
        hidden, rate = config.hidden_size, getattr(config, "classifier_dropout", None)
        if rate is None:
            rate = float(getattr(config, "hidden_dropout_prob", 0.1))
        below, top = nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.head = nn.Sequential(nn.Dropout(rate), below, nn.Tanh(), nn.Dropout(rate), top)
        for linear in (below, top):
            nn.init.normal_(linear.weight, std=getattr(config, "initializer_range", 0.02))
            nn.init.zeros_(linear.bias)

    def _score(
        self, inputs: dict[str, Any], segments: Tensor, sequence_of: Tensor, column_of: Tensor
    ) -> Tensor:
        states = self.encoder(**inputs).last_hidden_state
        if self.pooling == "cls":
            return cast(Tensor, self.head(states[sequence_of, 0])[:, 0])
        if self.joint:
            chosen = segments[:, None] == torch.arange(1, MOST_OPTIONS + 1, device=segments.device)[:, None]
        else:
            chosen, column_of = (segments != PADDING)[:, None], torch.zeros_like(column_of)
        weights = chosen.to(states.dtype)
        means = (weights @ states) / weights.sum(2, keepdim=True).clamp(min=1)
        return cast(Tensor, self.head(means[sequence_of, column_of])[:, 0])


def build_scorer(folder: Path, settings: EncoderSettings, size_bias: Floats, saved: bool = False) -> Scorer:
    """The scorer for these settings on the encoder in `folder`, its new weights drawn from `random_state`.

    `saved` says that the folder was written by this package: then only safetensors are read. Raises
    `InputError` if the folder cannot be loaded, or if the encoder cannot do what the settings want.
    """
    from transformers import AutoModel, AutoModelForMultipleChoice
    from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIPLE_CHOICE_MAPPING, MODEL_MAPPING

    config = load_config(folder)
    if getattr(config, "is_encoder_decoder", False) or getattr(config, "is_decoder", False):
        raise InputError(
            f"{folder} holds a {config.model_type} model that generates; give an encoder such as bert"
        )
    torch.manual_seed(settings.random_state)
    standard = settings.head == "pairwise" and settings.pooling_used == "cls"
    scorer: Scorer
    if standard and type(config) in MODEL_FOR_MULTIPLE_CHOICE_MAPPING:
        model, missing = load_encoder(folder, AutoModelForMultipleChoice, saved)
        scorer = MultipleChoiceScorer(model, size_bias)
        pooler = getattr(scorer.encoder, "pooler", None)
        scorer.all_new = pooler is None or any("pooler" in name for name in missing)
    else:
        kind = MODEL_MAPPING.get(type(config), None)
        has_pooler = inspect.isclass(kind) and "add_pooling_layer" in inspect.signature(kind).parameters
        without = {"add_pooling_layer": False} if has_pooler else {}
        encoder, _ = load_encoder(folder, AutoModel, saved, **without)
        scorer = PoolingScorer(encoder, settings, size_bias)
        if scorer.joint and not _keeps_options_apart(scorer):
            raise InputError(
                f"{folder}: a {config.model_type} model takes no attention mask per pair of tokens;"
                ' use `head="pairwise"`'
            )
    scorer.size_bias.requires_grad_(settings.loss == "subset")
    if settings.dropout is not None:
        for module in scorer.modules():
            if isinstance(module, nn.Dropout):
                module.p = settings.dropout
    if settings.gradient_checkpointing:
        encoder = scorer.encoder
        if not getattr(encoder, "supports_gradient_checkpointing", False):
            raise InputError(
                f"a {config.model_type} model has no gradient checkpointing; use `gradient_checkpointing=False`"
            )
        encoder.config.use_cache = False
        # transformers 5.2x renames gradient to activation checkpointing and warns about the old name.
        new_name = getattr(encoder, "activation_checkpointing_enable", None)
        (new_name or encoder.gradient_checkpointing_enable)({"use_reentrant": False})
    return scorer


def _keeps_options_apart(scorer: Scorer) -> bool:
    """Whether the encoder heeds positions and masks per pair of tokens: change an option, compare the other."""
    if not {"position_ids", "attention_mask"} <= scorer.accepted:
        return False
    ids = torch.full((2, 6), 5)
    ids[1, 5] = 6
    segments, positions = torch.tensor([[[0, 0, 1, 1, 2, 2]] * 2, [[0, 1, 2, 3, 2, 3]] * 2])
    training = scorer.training
    scorer.eval()
    try:
        with torch.no_grad():
            inputs = scorer.encoder_inputs(ids, segments, torch.zeros_like(ids), positions)
            first = scorer.encoder(**inputs, output_hidden_states=True).hidden_states[1]
    except (ValueError, RuntimeError, TypeError, IndexError):
        return False
    finally:
        scorer.train(training)
    pairs = ((first[0, 2:4], first[1, 2:4]), (first[0, 2:4], first[0, 4:6]))
    return all(torch.allclose(one, other, atol=1e-4) for one, other in pairs)
