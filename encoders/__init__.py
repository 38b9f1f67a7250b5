"""Encoders such as BERT that read a question with its options: training, prediction, export.

Names are resolved when they are used, so that importing this package costs nothing and what needs no torch
runs without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmexam_baseline.encoders.baseline import EncoderBaseline as EncoderBaseline
    from cmexam_baseline.encoders.devices import is_main_process as is_main_process
    from cmexam_baseline.encoders.models import find_model as find_model
    from cmexam_baseline.encoders.settings import EncoderSettings as EncoderSettings
    from cmexam_baseline.encoders.settings import load_settings as load_settings

_MODULES = {
    "EncoderBaseline": "baseline",
    "EncoderSettings": "settings",
    "find_model": "models",
    "is_main_process": "devices",
    "load_settings": "settings",
}

__all__ = ["EncoderBaseline", "EncoderSettings", "find_model", "is_main_process", "load_settings"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
