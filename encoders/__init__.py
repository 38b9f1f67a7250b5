"""Encoders such as BERT that read a question with its options: training, prediction, export.

Names are resolved when they are used, so that importing this package costs nothing and what needs no torch
runs without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam.errors import InputError

if TYPE_CHECKING:
    from cmexam_baseline.encoders.baseline import EncoderBaseline as EncoderBaseline
    from cmexam_baseline.encoders.devices import is_main_process as is_main_process
    from cmexam_baseline.encoders.embeddings import embed_texts as embed_texts
    from cmexam_baseline.encoders.export import export_onnx as export_onnx
    from cmexam_baseline.encoders.models import find_model as find_model
    from cmexam_baseline.encoders.models import weights_fingerprint as weights_fingerprint
    from cmexam_baseline.encoders.onnx_encoder import OnnxEncoder as OnnxEncoder
    from cmexam_baseline.encoders.readiness import check_ready as check_ready
    from cmexam_baseline.encoders.seeds import fit_seeds as fit_seeds
    from cmexam_baseline.encoders.seeds import mean_and_sd as mean_and_sd
    from cmexam_baseline.encoders.settings import EncoderSettings as EncoderSettings
    from cmexam_baseline.encoders.settings import load_settings as load_settings
    from cmexam_baseline.encoders.settings import with_seed as with_seed

_MODULES = {
    "check_ready": "readiness",
    "embed_texts": "embeddings",
    "EncoderBaseline": "baseline",
    "EncoderSettings": "settings",
    "export_onnx": "export",
    "find_model": "models",
    "fit_seeds": "seeds",
    "is_main_process": "devices",
    "load_settings": "settings",
    "mean_and_sd": "seeds",
    "OnnxEncoder": "onnx_encoder",
    "weights_fingerprint": "models",
    "with_seed": "settings",
}

__all__ = [
    "check_ready",
    "embed_texts",
    "EncoderBaseline",
    "EncoderSettings",
    "export_onnx",
    "find_model",
    "fit_seeds",
    "is_main_process",
    "load_settings",
    "mean_and_sd",
    "OnnxEncoder",
    "weights_fingerprint",
    "with_seed",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cmexam_baseline"):
            raise
        raise InputError(f"{name} needs {error.name}; run pip install 'cmexam-baseline[encoders]'") from error
    return getattr(module, name)
