"""The models that `train` and `load_run` know, and what a model can do.

To add one: write a class with the methods of `Baseline` and a class method `load(folder)`, then add a line to
`MODELS`. Its constructor takes `random_state` and keywords of its own; it is also handed `n_jobs`,
`checkpoints` (a folder) and `fold_jobs` if it has arguments of these names.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cmexam_baseline.exam import Exam, Predictions
    from cmexam_baseline.exam.progress import Progress


class Predictor(Protocol):
    """What answers exams: a `Baseline`, or an encoder that was exported to ONNX."""

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers to `exam`; raises `NotFittedError` before `fit` or `load`."""


class Baseline(Predictor, Protocol):
    """A model that answers exams, with the conventions of a scikit-learn estimator.

    Constructor arguments are keywords and only stored; `random_state` is one of them. What `fit` learns has
    names that end in `_`. `load` is the class method that brings back what `save` wrote.
    """

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, as JSON values."""

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> Baseline:
        """Learn from `exam`, choose on `val` and return itself.

        from_other_exam: bool (n,), whether each question of `exam` comes from an exam other than `val`'s
        """

    def save(self, folder: Path) -> None:
        """Write the model into a new folder."""


@dataclass(frozen=True)
class ModelKind:
    """Where the class of a model is ("module:class"), and the extras and splits that training it needs."""

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


def default_folder(model: str) -> Path:
    """The default run folder: runs/ and the model's name.

    >>> default_folder("models/bert-base-chinese").as_posix()
    'runs/bert-base-chinese'
    """
    return Path("runs") / Path(model).name


def require_extras(kind: str) -> None:
    """Raise `InputError` with the install command if a package is missing that a kind of model needs."""
    for extra in MODELS[kind].extras:
        require(extra, purpose=f"the model {kind}")
