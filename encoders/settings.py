"""Settings of an encoder, from Python, a TOML file or the command line."""

from __future__ import annotations

import difflib
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from cmexam_baseline.exam.errors import InputError

LEARNING_RATES = {"full": 5e-5, "lora": 3e-4, "prefix": 2e-2}
"""Default learning rate by tuning; those of LoRA and prefix are the CMExam paper's.

That of full tuning is for BERT-base's width: wider encoders need less, narrower ones more.
"""

NEW_HEAD_LR = 1e-3
"""Default learning rate of a head of new weights (docs/encoders.md has the curves)."""

# Settings that may change between a killed run and its repetition without changing what is trained.
_FREE = (
    "device", "workers", "report_to", "batch_tokens", "checkpoint_every", "gradient_checkpointing",
    "cache_gigabytes",
)  # fmt: skip

# Settings of a trained encoder that training it further keeps unless others are given.
STRUCTURE = ("head", "pooling", "loss", "max_length", "evidence", "evidence_tokens")

_BASE_WIDTH = 768
_MAX_FULL_LR = 2e-4

POOLINGS = {"pairwise": "cls", "joint": "mean"}
"""Default pooling by head: transformers' own form, and what learned fastest in docs/encoders.md."""


def _option(default: Any, help: str, choices: tuple[str, ...] = (), **bounds: float) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices, **bounds})


@dataclass(frozen=True)
class EncoderSettings:
    """All settings of an encoder baseline; `None` means a default that depends on another setting.

    Each field has its help text, choices and minimum in the `metadata` of `dataclasses.fields`, so that a
    command line can be made from them. Raises `InputError` that lists everything that is wrong.

    >>> EncoderSettings(head="joint", epochs=5).head
    'joint'
    >>> EncoderSettings(head="jiont", lr=-1.0)
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: head is 'jiont', expected pairwise or joint; lr is -1.0, \
expected 0 or more
    """

    model: str = _option("bert", "bert, roberta, a model on the Hugging Face hub, or a folder")
    head: str = _option("pairwise", "one sequence per option, or one per question", ("pairwise", "joint"))
    pooling: str | None = _option(None, "which states a score is computed from", ("cls", "mean"))
    loss: str = _option(
        "subset", "cross-entropy over sets of options, or over options", ("subset", "softmax")
    )
    tuning: str = _option("full", "which weights are trained", ("full", "lora", "prefix"))
    lora_rank: int = _option(8, "rank of the LoRA matrices", minimum=1)
    lora_alpha: float = _option(16.0, "scale of the LoRA matrices", minimum=0)
    lora_dropout: float = _option(0.05, "dropout before the LoRA matrices", minimum=0, maximum=1)
    prefix_length: int = _option(128, "virtual tokens per layer in P-tuning v2", minimum=1)
    freeze_layers: int = _option(
        0, "freeze the embeddings and the lowest N layers; their output is computed once and cached", minimum=0
    )  # fmt: skip
    cache_gigabytes: float = _option(
        20.0, "disk space for the output of frozen layers; what needs more is computed at every step", minimum=0
    )  # fmt: skip
    epochs: int = _option(3, "maximum passes over the training questions", minimum=1)
    max_train_questions: int = _option(0, "train on N randomly drawn questions; 0 for all", minimum=0)
    lr: float | None = _option(None, "maximum learning rate; by tuning and width if not given", minimum=0)
    head_lr: float | None = _option(
        None, "maximum learning rate of pooler and head; if not given 1e-3 where they are new, else `lr`",
        minimum=0,
    )  # fmt: skip
    batch_size: int = _option(16, "questions per step, over all processes and micro-batches", minimum=1)
    batch_tokens: int | str = _option(
        "auto", "maximum padded tokens per micro-batch; halved where memory runs out", minimum=8
    )  # fmt: skip
    min_micro_batches: int = _option(1, "minimum micro-batches per step", minimum=1)
    max_length: int = _option(512, "maximum tokens per sequence", minimum=16)
    evidence: int = _option(
        0, "number of retrieved training sentences that are read with each option", minimum=0
    )
    evidence_tokens: int = _option(128, "maximum tokens of evidence per option (or question)", minimum=0)
    schedule: str = _option("linear", "decay of the learning rate", ("linear", "cosine", "constant"))
    warmup: float = _option(0.1, "share of the steps that warm up", minimum=0, maximum=1)
    weight_decay: float = _option(0.01, "AdamW's decay of matrices", minimum=0)
    max_grad_norm: float = _option(1.0, "maximum gradient norm; 0 for no clipping", minimum=0)
    dropout: float | None = _option(None, "dropout of the encoder; else its own", minimum=0, maximum=1)
    gradient_checkpointing: bool = _option(False, "less memory for a third more time")
    patience: int = _option(3, "stop after N evaluations without a better val accuracy; 0 never", minimum=0)
    evaluate_every: int = _option(0, "steps between evaluations; 0 for one per epoch", minimum=0)
    checkpoint_every: int = _option(0, "steps between checkpoints; 0 for one per evaluation", minimum=0)
    precision: str = _option("auto", "arithmetic of the encoder", ("auto", "fp16", "bf16", "fp32"))
    device: str = _option("auto", "where to compute", ("auto", "cpu", "cuda"))
    workers: int | None = _option(None, "processes that make batches; by device if not given", minimum=0)
    report_to: str = _option(
        "none", "where training curves are logged", ("none", "tensorboard", "wandb", "swanlab", "trackio")
    )
    random_state: int = _option(0, "seed of everything random", minimum=0)

    def __post_init__(self) -> None:
        kinds = get_type_hints(type(self))
        problems = [_problem(one, kinds[one.name], getattr(self, one.name)) for one in fields(self)]
        if not any(problems):
            problems = [message for message, wrong in _CONFLICTS.items() if wrong(self)]
        if any(problems):
            raise InputError("; ".join(filter(None, problems)))

    def learning_rate(self, width: int = _BASE_WIDTH) -> float:
        """`lr`, or the default of the tuning for an encoder of this hidden size.

        >>> settings = EncoderSettings()
        >>> [round(settings.learning_rate(width), 7) for width in (384, 768, 1024)]
        [0.0002, 5e-05, 2.81e-05]
        """
        if self.lr is not None:
            return self.lr
        rate = LEARNING_RATES[self.tuning]
        return rate if self.tuning != "full" else min(rate * (_BASE_WIDTH / width) ** 2, _MAX_FULL_LR)

    def head_learning_rate(self, width: int, all_new: bool) -> float:
        """`head_lr`, or its default; `all_new` if no weight above the encoder's layers is pretrained."""
        if self.head_lr is not None:
            return self.head_lr
        return max(self.learning_rate(width), NEW_HEAD_LR if all_new else 0.0)

    @property
    def pooling_used(self) -> str:
        """`pooling`, or the default of the head."""
        return self.pooling or POOLINGS[self.head]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def training_identity(self) -> dict[str, Any]:
        """The values that decide what is trained; the others may change before a killed run is repeated."""
        return {name: value for name, value in self.to_dict().items() if name not in _FREE}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "settings") -> EncoderSettings:
        """The settings with these names and values.

        Raises `InputError` beginning with `source` for an unknown name or a wrong value.

        >>> EncoderSettings.from_dict(EncoderSettings(epochs=7).to_dict()).epochs
        7
        """
        known, unknown = [one.name for one in fields(cls)], []
        for name in sorted(values.keys() - set(known)):
            near = difflib.get_close_matches(name, known, n=1)
            unknown.append(f"{name} is not a setting" + (f", did you mean {near[0]}?" if near else ""))
        try:
            if unknown:
                raise InputError("; ".join(unknown))
            return cls(**values)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None


def load_settings(path: str | os.PathLike[str] | None = None, **given: Any) -> EncoderSettings:
    """Settings from a TOML file, overridden by what is given; both may be omitted.

    The file holds `name = value` lines with the names of `EncoderSettings`; a table `[encoder]` is read
    instead where there is one. Where `model` is a folder with a trained encoder, its head and what it was
    given to read are the defaults, so that it is trained further. Raises `InputError` naming the file if it
    is missing, is not TOML or holds something unknown.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "train.toml"
    >>> _ = file.write_text('head = "joint"\\nepochs = 5\\n')
    >>> load_settings(file, epochs=2).to_dict()["epochs"]
    2
    """
    from cmexam_baseline.encoders.model_io import trained_settings

    in_file = {} if path is None else _read_toml(Path(path))
    source = "settings" if path is None else str(path)
    settings = EncoderSettings.from_dict(in_file, source)
    kept = trained_settings(str(given.get("model", settings.model)))
    inherited = {name: kept[name] for name in STRUCTURE if name in kept}
    return EncoderSettings.from_dict({**inherited, **in_file, **given})


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
    table: Any = content.get("encoder", content)
    if not isinstance(table, dict):
        raise InputError(f"{path}: encoder is not a table; write [encoder] on its own line")
    return {name.replace("-", "_"): value for name, value in table.items()}


def _problem(one: Any, kind: Any, value: Any) -> str:
    """What is wrong with the value of a field of this type; nothing: ""."""
    choices, minimum = one.metadata["choices"], one.metadata.get("minimum", -math.inf)
    maximum = one.metadata.get("maximum", math.inf)
    expected = ""
    fits = isinstance(value, kind | int if isinstance(0.0, kind) else kind)
    if not fits or isinstance(value, bool) != (kind is bool):
        expected = one.type.replace("None", "nothing").replace("|", "or")
    elif choices and value is not None and value not in choices:
        expected = f"{', '.join(choices[:-1])} or {choices[-1]}"
    elif isinstance(value, str) or value is None:
        expected = "a number or auto" if one.name == "batch_tokens" and value != "auto" else ""
    elif not minimum <= value < math.inf:
        expected = f"{minimum:g} or more"
    elif value > maximum:
        expected = f"{maximum:g} or less"
    return expected and f"{one.name} is {value!r}, expected {expected}"


_CONFLICTS: dict[str, Callable[[EncoderSettings], bool]] = {
    'the joint head averages the tokens of each option; use `pooling="mean"` or `head="pairwise"`': lambda s: (
        s.head == "joint" and s.pooling == "cls"
    ),
    'gradient_checkpointing drops the prefix; use it with `tuning="full"` or `tuning="lora"`': lambda s: (
        s.tuning == "prefix" and s.gradient_checkpointing
    ),
    'a prefix changes the frozen layers, too; use freeze_layers with `tuning="full"` or `tuning="lora"`': lambda s: (
        s.tuning == "prefix" and s.freeze_layers > 0
    ),
}
