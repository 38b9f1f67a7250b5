"""Everything that can be set about an encoder, from Python, a TOML file or the command line."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import InputError

LEARNING_RATES = {"full": 5e-5, "lora": 3e-4, "prefix": 2e-2}
"""Learning rate by tuning where none is given; those of LoRA and prefix are the CMExam paper's.

That of full tuning is for BERT-base's width: wider encoders want less, narrower ones more.
"""

NEW_HEAD_LR = 1e-3
"""Learning rate of a head of new weights where none is given; at the encoder's rate it takes hundreds of steps
to say anything (docs/encoders.md has the curves)."""

# What may change between a killed run and its repetition without changing what is trained.
_FREE = ("device", "workers", "log_to", "batch_tokens", "checkpoint_every", "gradient_checkpointing")

_BASE_WIDTH = 768
_MOST_FULL_LR = 2e-4

POOLINGS = {"pairwise": "cls", "joint": "mean"}
"""Pooling by head where none is given: transformers' own form, and what learned fastest in docs/encoders.md."""


def _option(default: Any, help: str, choices: tuple[str, ...] = (), least: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices, "least": least})


@dataclass(frozen=True)
class EncoderSettings:
    """All settings of an encoder baseline; `None` stands for a default that depends on another setting.

    Every field carries its help text, its choices and its least value in the `metadata` of
    `dataclasses.fields`, so that a command line can be made from them. Raises `InputError` listing everything
    that is wrong at once.

    >>> EncoderSettings(head="joint", epochs=5).head
    'joint'
    >>> EncoderSettings(head="jiont", lr=-1.0)
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: head is 'jiont', expected pairwise or joint; lr is -1.0, \
expected 0 or more
    """

    model: str = _option("bert", "bert, roberta, a model on the Hugging Face hub, or a folder")
    head: str = _option("pairwise", "one sequence an option, or one a question", ("pairwise", "joint"))
    pooling: str | None = _option(None, "what a score is read from", ("cls", "mean", "marker"))
    joint_attention: str = _option(
        "blocks", "joint head: options meet in the question's tokens (order plays no part), or everywhere",
        ("blocks", "full"),
    )  # fmt: skip
    loss: str = _option("subset", "over sets of options, or options", ("subset", "softmax", "sigmoid"))
    tuning: str = _option("full", "which weights are trained", ("full", "lora", "prefix"))
    lora_rank: int = _option(8, "rank of the LoRA matrices", least=1)
    lora_alpha: float = _option(16.0, "scale of the LoRA matrices", least=0)
    lora_dropout: float = _option(0.05, "dropout before the LoRA matrices", least=0)
    prefix_length: int = _option(128, "virtual tokens a layer in P-tuning v2", least=1)
    adapter: str | None = _option(
        None, "what was tuned by LoRA or prefix, in the saved model", ("merged", "apart")
    )  # fmt: skip
    epochs: int = _option(3, "passes over the training questions at most", least=1)
    lr: float | None = _option(None, "highest learning rate; by tuning and width if not given", least=0)
    head_lr: float | None = _option(
        None, "the same for what is on top; if not given 1e-3, or as --lr where that is more, or where"
        " the pooler is pretrained (pairwise with cls)", least=0,
    )  # fmt: skip
    batch: int = _option(16, "questions a step, over all processes and accumulated parts", least=1)
    batch_tokens: int | str = _option("auto", "padded tokens at a time at most, or auto: what fits", least=8)
    accumulation: int = _option(1, "parts a step is cut into at least", least=1)
    max_length: int = _option(512, "tokens a sequence at most", least=16)
    evidence: int = _option(
        0, "best sentences of training questions and explanations that are read beside every option", least=0
    )  # fmt: skip
    evidence_tokens: int = _option(128, "tokens of evidence an option (or a question) at most", least=0)
    schedule: str = _option("linear", "decay of the learning rate", ("linear", "cosine", "constant"))
    warmup: float = _option(0.1, "share of the steps that warm up", least=0)
    weight_decay: float = _option(0.01, "AdamW's decay of matrices", least=0)
    clip: float = _option(1.0, "largest gradient norm; 0 for no clipping", least=0)
    layer_decay: float = _option(1.0, "factor of the learning rate from a layer to the one below", least=0)
    dropout: float | None = _option(None, "dropout of the encoder; its own if not given", least=0)
    label_smoothing: float = _option(0.0, "probability spread over all answers", least=0)
    r_drop: float = _option(0.0, "weight of R-Drop's divergence between two passes", least=0)
    fgm: float = _option(0.0, "size of FGM's adversarial step on the word embeddings", least=0)
    gradient_checkpointing: bool = _option(False, "less memory for a third more time")
    patience: int = _option(3, "evaluations without a better val accuracy before stopping; 0 never", least=0)
    evaluate_every: int = _option(0, "steps between evaluations; 0 for once an epoch", least=0)
    checkpoint_every: int = _option(0, "steps between checkpoints; 0 for one an evaluation", least=0)
    precision: str = _option("auto", "arithmetic of the encoder", ("auto", "fp16", "bf16", "fp32"))
    device: str = _option("auto", "where to compute", ("auto", "cpu", "cuda"))
    workers: int | None = _option(None, "processes that make batches; by device if not given", least=0)
    log_to: str = _option("none", "where curves go", ("none", "tensorboard", "wandb"))
    seed: int = _option(0, "of everything random", least=0)

    def __post_init__(self) -> None:
        problems = [problem for one in fields(self) for problem in _problems(one, getattr(self, one.name))]
        problems += [problem for name, bound in _SHARES.items() for problem in _too_large(self, name, bound)]
        if not problems:
            problems = [message for message, wrong in _CONFLICTS.items() if wrong(self)]
        if problems:
            raise InputError("; ".join(problems))

    def learning_rate(self, width: int = _BASE_WIDTH) -> float:
        """`lr`, or the default of the tuning for an encoder of this hidden size.

        >>> settings = EncoderSettings()
        >>> [round(settings.learning_rate(width), 7) for width in (384, 768, 1024)]
        [0.0002, 5e-05, 2.81e-05]
        """
        if self.lr is not None:
            return self.lr
        rate = LEARNING_RATES[self.tuning]
        return rate if self.tuning != "full" else min(rate * (_BASE_WIDTH / width) ** 2, _MOST_FULL_LR)

    def head_learning_rate(self, width: int, all_new: bool) -> float:
        """`head_lr`, or its default; `all_new` says that nothing on top of the encoder is pretrained.

        >>> EncoderSettings().head_learning_rate(768, all_new=True)
        0.001
        """
        if self.head_lr is not None:
            return self.head_lr
        return max(self.learning_rate(width), NEW_HEAD_LR if all_new else 0.0)

    @property
    def pooling_used(self) -> str:
        """`pooling`, or the default of the head.

        >>> EncoderSettings(head="joint").pooling_used
        'mean'
        """
        return self.pooling or POOLINGS[self.head]

    @property
    def apart(self) -> bool:
        """Whether the saved model holds the adapter alone: a prefix always, LoRA on demand.

        >>> EncoderSettings(tuning="prefix").apart, EncoderSettings(tuning="lora").apart
        (True, False)
        """
        return self.tuning == "prefix" or (self.tuning == "lora" and self.adapter == "apart")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON.

        >>> EncoderSettings.from_dict(EncoderSettings(epochs=7).to_dict()).epochs
        7
        """
        return asdict(self)

    def decisive(self) -> dict[str, Any]:
        """The values that decide what is trained; others may change before a killed run is repeated.

        >>> "device" in EncoderSettings().decisive()
        False
        """
        return {name: value for name, value in self.to_dict().items() if name not in _FREE}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "settings") -> EncoderSettings:
        """The settings with these names and values; dashes may stand for underscores.

        Raises `InputError` beginning with `source` for an unknown name or a wrong value.

        >>> EncoderSettings.from_dict({"batch-tokens": 4096}).batch_tokens
        4096
        """
        given = {name.replace("-", "_"): value for name, value in values.items()}
        known = [one.name for one in fields(cls)]
        unknown = [_unknown(name, known) for name in given if name not in known]
        if unknown:
            raise InputError(f"{source}: " + "; ".join(unknown))
        try:
            return cls(**given)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def load_settings(path: str | os.PathLike[str] | None = None, **given: Any) -> EncoderSettings:
    """Settings from a TOML file, overridden by what is given; both may be left out.

    The file holds `name = value` lines with the names of `EncoderSettings`; a table `[encoder]` is read in
    their place where there is one. Raises `InputError` naming the file if it is missing, is not TOML or holds
    something unknown.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "train.toml"
    >>> _ = file.write_text('head = "joint"\\nepochs = 5\\n')
    >>> load_settings(file, epochs=2).to_dict()["epochs"]
    2
    """
    settings = (
        EncoderSettings() if path is None else EncoderSettings.from_dict(_read_toml(Path(path)), str(path))
    )
    if not given:
        return settings
    return EncoderSettings.from_dict({**settings.to_dict(), **given})


def with_seed(settings: EncoderSettings, seed: int) -> EncoderSettings:
    """The same settings with another seed.

    >>> with_seed(EncoderSettings(), 3).seed
    3
    """
    return replace(settings, seed=seed)


def _read_toml(path: Path) -> Mapping[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}; give a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}; write lines such as epochs = 3") from error
    table = content.get("encoder", content)
    if not isinstance(table, dict):
        raise InputError(f"{path}: encoder is not a table; write [encoder] on a line of its own")
    return table


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no setting" + (f", did you mean {near[0]}?" if near else "")


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "int | None": (int, type(None)),
    "int | str": (int, str),
    "float": (float, int),
    "float | None": (float, int, type(None)),
    "bool": (bool,),
}
_SHARES = {"warmup": 1.0, "label_smoothing": 1.0, "dropout": 1.0, "lora_dropout": 1.0}


def _problems(one: Any, value: Any) -> list[str]:
    choices, least = one.metadata["choices"], one.metadata["least"]
    fits: bool = isinstance(value, _TYPES[one.type]) and (one.type == "bool" or not isinstance(value, bool))
    if not fits:
        return [f"{one.name} is {value!r}, expected {one.type.replace('None', 'nothing').replace('|', 'or')}"]
    if choices and value is not None and value not in choices:
        return [f"{one.name} is {value!r}, expected {', '.join(choices[:-1])} or {choices[-1]}"]
    if isinstance(value, str):
        return [f"batch_tokens is {value!r}, expected a number or auto"] * (
            one.name == "batch_tokens" and value != "auto"
        )
    if least is not None and value is not None and not least <= value < float("inf"):
        return [f"{one.name} is {value}, expected {least:g} or more"]
    return []


def _too_large(settings: EncoderSettings, name: str, bound: float) -> list[str]:
    value: Any = getattr(settings, name)
    wrong = isinstance(value, int | float) and value > bound
    return [f"{name} is {value}, expected {bound:g} or less"] if wrong else []


_CONFLICTS: dict[str, Callable[[EncoderSettings], bool]] = {
    "a prefix cannot be merged into the model; use --adapter apart": lambda s: (
        s.tuning == "prefix" and s.adapter == "merged"
    ),
    "gradient_checkpointing drops the prefix; use it with --tuning full or lora": lambda s: (
        s.tuning == "prefix" and s.gradient_checkpointing
    ),
    "fgm needs word embeddings that are trained; use it with --tuning full": lambda s: (
        s.tuning != "full" and s.fgm > 0
    ),
}
