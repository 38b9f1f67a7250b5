"""The models that `train` and `load_run` know.

To add one: write a class with the methods of `Baseline` and a class method `load(folder)`, then add a line to
`MODELS`. Its constructor takes `random_state` and keywords of its own; it is also handed `n_jobs`,
`checkpoints` (a folder), `fold_jobs`, `corpus` and `embedder` if it has arguments of these names.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cmexam_baseline.baselines.protocol import Baseline
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require


@dataclass(frozen=True)
class ModelKind:
    """Where the class of a model is ("module:class"), the extras and the splits that training it needs."""

    target: str
    extras: tuple[str, ...]
    splits: tuple[str, ...] = ("train",)

    def load_class(self) -> Any:
        """The class, imported now."""
        module, name = self.target.split(":")
        return getattr(importlib.import_module(module), name)


MODELS = {
    "lightgbm": ModelKind("cmexam_baseline.features.lightgbm_baseline:LightGBMBaseline", ("lightgbm",)),
    "encoder": ModelKind("cmexam_baseline.baselines.evidence_encoder:EvidenceEncoder", ("encoders",)),
    # An ensemble is chosen and compared with its parts on val.
    "ensemble": ModelKind(
        "cmexam_baseline.baselines.ensemble:Ensemble", ("lightgbm", "encoders"), ("train", "val")
    ),
}
ENCODER_NAMES = ("bert", "roberta")


def model_kind(name: str) -> str:
    """The key of `MODELS` for a model's name: its own, or "encoder" for anything that can be an encoder.

    Raises `InputError` for a misspelt name.

    >>> model_kind("lightgbm"), model_kind("hfl/chinese-roberta-wwm-ext")
    ('lightgbm', 'encoder')
    >>> model_kind("brt")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no model is named 'brt'; did you mean bert?
    """
    if name in MODELS:
        return name
    if name not in ENCODER_NAMES and "/" not in name and not Path(name).exists():
        close = get_close_matches(name.lower(), [*ENCODER_NAMES, *MODELS], 1, 0.75)
        if close:
            raise InputError(f"no model is named {name!r}; did you mean {close[0]}?")
    return "encoder"


def require_extras(kind: str) -> None:
    """Raise `InputError` with the install command if a package is missing that a kind of model needs."""
    for extra in MODELS[kind].extras:
        require(extra, purpose=f"the model {kind}")


def make_model(
    kind: str, parameters: Mapping[str, Any], random_state: int, resources: Mapping[str, Any]
) -> Baseline:
    """An unfitted model; of `resources` it gets those that its constructor takes.

    Raises `InputError` for a parameter that it does not take.
    """
    made = MODELS[kind].load_class()
    known = inspect.signature(made.__init__).parameters
    for name in parameters:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = (
                f"did you mean {close[0]}?" if close else f"its parameters are {', '.join(list(known)[1:])}"
            )
            raise InputError(f"{kind} has no parameter {name!r}; {hint}")
    given = {name: value for name, value in resources.items() if name in known and name not in parameters}
    model: Baseline = made(random_state=random_state, **given, **parameters)
    return model
