"""Scores of options: transformers' multiple-choice head, and a head of our own for the other settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
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

    `forward` takes the fields of `TensorBatch` that it needs and returns flat scores (O,). `encoder` is the
    transformers base model inside, `size_bias` the learned bias by number of options of the subset loss.
    `all_new` says that nothing above the encoder's layers is pretrained. `lower` holds the frozen layers.
    """

    encoder: Any
    size_bias: nn.Parameter

    def __init__(self, size_bias: Floats) -> None:
        super().__init__()
        if size_bias.shape != (MOST_OPTIONS,):
            raise ValueError(f"size_bias has shape {size_bias.shape}, expected ({MOST_OPTIONS},)")
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

    @contextmanager
    def given_states(self, states: Tensor | None) -> Iterator[None]:
        """Take these states (S, L, hidden size), if any, for the output of the frozen layers."""
        if self.lower is None or states is None:
            yield
            return
        self.lower.states = states
        try:
            yield
        finally:
            self.lower.states = None

    def forward(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor,
        sequence_of: Tensor, column_of: Tensor,
    ) -> Tensor:  # fmt: skip
        """Flat scores (O,) of the options."""
        raise NotImplementedError

    def head_parameters(self) -> dict[str, nn.Parameter]:
        """The trained weights on top of the encoder's layers, its pooler included, by name."""
        body = {id(parameter) for parameter in self.encoder.parameters()}
        pooler = getattr(self.encoder, "pooler", None)
        on_top = {id(parameter) for parameter in pooler.parameters()} if pooler is not None else set()
        prefix = (
            {id(parameter) for parameter in self.prefix.parameters()} if self.prefix is not None else set()
        )
        return {
            name: parameter
            for name, parameter in self.named_parameters()
            if id(parameter) not in (body - on_top) | prefix
        }

    def encoder_inputs(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor, blocks: bool
    ) -> dict[str, Any]:
        """Arguments of the encoder; those that this kind of encoder does not know are omitted."""
        n_prefix = self.adapter[0].active_peft_config.num_virtual_tokens if self.prefix is not None else 0
        inputs: dict[str, Any] = {"input_ids": input_ids}
        if blocks:
            inputs["attention_mask"] = self._block_mask(segments, n_prefix)
        else:
            valid = (segments != PADDING).long()
            inputs["attention_mask"] = nn.functional.pad(valid, (n_prefix, 0), value=1)
        if blocks or n_prefix:
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
        embeddings = getattr(getattr(self.encoder, "embeddings", None), "position_embeddings", None)
        padding = getattr(embeddings, "padding_idx", None)
        return 0 if padding is None else int(padding) + 1


class MultipleChoiceScorer(Scorer):
    """Pairwise with transformers' own `...ForMultipleChoice`, which loads what is saved with the same logits."""

    def __init__(self, model: Any, size_bias: Floats) -> None:
        super().__init__(size_bias)
        self.model = model

    @property
    def encoder(self) -> Any:  # a view, so that torch does not register the encoder twice
        return self.model.base_model

    def forward(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor,
        sequence_of: Tensor, column_of: Tensor,
    ) -> Tensor:  # fmt: skip
        """One sequence per option: transformers is given questions of one choice each."""
        inputs = self.encoder_inputs(input_ids, segments, token_types, positions, blocks=False)
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
        self.blocks = self.joint and settings.joint_attention == "blocks"
        self.pooling = settings.pooling_used
        hidden = encoder.config.hidden_size
        own_dropout = getattr(encoder.config, "classifier_dropout", None)
        dropout = float(
            getattr(encoder.config, "hidden_dropout_prob", 0.1) if own_dropout is None else own_dropout
        )
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )
        for module in self.head:
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=getattr(encoder.config, "initializer_range", 0.02))
                nn.init.zeros_(module.bias)

    def forward(
        self, input_ids: Tensor, segments: Tensor, token_types: Tensor, positions: Tensor,
        sequence_of: Tensor, column_of: Tensor,
    ) -> Tensor:  # fmt: skip
        """Encode, pool at the options, score."""
        inputs = self.encoder_inputs(input_ids, segments, token_types, positions, self.blocks)
        states = self.encoder(**inputs).last_hidden_state
        if self.pooling == "mean":
            pooled = self._mean(states, segments, sequence_of, column_of)
        else:
            pooled = states[sequence_of, 0]
        return cast(Tensor, self.head(pooled)[:, 0])

    def _mean(self, states: Tensor, segments: Tensor, sequence_of: Tensor, column_of: Tensor) -> Tensor:
        if not self.joint:
            chosen = (segments != PADDING)[:, None]
            column_of = torch.zeros_like(column_of)
        else:
            chosen = segments[:, None] == torch.arange(1, MOST_OPTIONS + 1, device=segments.device)[:, None]
        weights = chosen.to(states.dtype)
        means = (weights @ states) / weights.sum(2, keepdim=True).clamp(min=1)
        return means[sequence_of, column_of]


def build_scorer(folder: Path, settings: EncoderSettings, size_bias: Floats, saved: bool = False) -> Scorer:
    """The scorer for these settings on the encoder in `folder`, its new weights drawn from `random_state`.

    `saved` says that the folder was written by this package: then only safetensors are read. Raises
    `InputError` if the folder cannot be loaded, or if the encoder cannot do what the settings want.
    """
    from transformers import AutoModel, AutoModelForMultipleChoice
    from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIPLE_CHOICE_MAPPING

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
        without = {"add_pooling_layer": False} if _has_pooler_option(config) else {}
        encoder, _ = load_encoder(folder, AutoModel, saved, **without)
        scorer = PoolingScorer(encoder, settings, size_bias)
        _check_blocks(scorer, folder)
    scorer.size_bias.requires_grad_(settings.loss == "subset")
    if settings.dropout is not None:
        for module in scorer.modules():
            if isinstance(module, nn.Dropout):
                module.p = settings.dropout
    if settings.gradient_checkpointing:
        _recompute_activations(scorer.encoder)
    return scorer


def _recompute_activations(encoder: Any) -> None:
    if not getattr(encoder, "supports_gradient_checkpointing", False):
        kind = encoder.config.model_type
        raise InputError(f"a {kind} model has no gradient checkpointing; use `gradient_checkpointing=False`")
    encoder.config.use_cache = False
    # transformers 5.2x renames gradient to activation checkpointing and warns about the old name.
    if hasattr(encoder, "activation_checkpointing_enable"):
        encoder.activation_checkpointing_enable({"use_reentrant": False})
    else:
        encoder.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def most_positions(scorer: Scorer) -> int | None:
    """The maximum tokens of a sequence that the encoder's positions allow; None where they are relative."""
    embeddings = getattr(getattr(scorer.encoder, "embeddings", None), "position_embeddings", None)
    if not isinstance(embeddings, nn.Embedding):
        return None
    return embeddings.num_embeddings - scorer.first_position


def _has_pooler_option(config: Any) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    model = MODEL_MAPPING.get(type(config), None)
    return inspect.isclass(model) and "add_pooling_layer" in inspect.signature(model.__init__).parameters


def _check_blocks(scorer: PoolingScorer, folder: Path) -> None:
    """Refuse `blocks` on an encoder that ignores positions or masks: change an option, compare the other."""
    if not scorer.blocks:
        return
    known = {"position_ids", "attention_mask"} <= scorer.accepted
    if known:
        ids = torch.full((2, 6), 5, dtype=torch.long)
        ids[1, 5] = 6
        segments = torch.tensor([[0, 0, 1, 1, 2, 2]] * 2)
        positions = torch.tensor([[0, 1, 2, 3, 2, 3]] * 2)
        training = scorer.training
        scorer.eval()
        with torch.no_grad():
            inputs = scorer.encoder_inputs(ids, segments, torch.zeros_like(ids), positions, blocks=True)
            try:
                first = scorer.encoder(**inputs, output_hidden_states=True).hidden_states[1]
                other_changed = torch.allclose(first[0, 2:4], first[1, 2:4], atol=1e-4)
                known = other_changed and torch.allclose(first[0, 2:4], first[0, 4:6], atol=1e-4)
            except (ValueError, RuntimeError, TypeError, IndexError):
                known = False
        scorer.train(training)
    if not known:
        kind = scorer.encoder.config.model_type
        raise InputError(
            f"{folder}: a {kind} model takes no attention mask per pair of tokens;"
            ' use `joint_attention="full"` or `head="pairwise"`'
        )
