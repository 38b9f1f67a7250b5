"""Encoders such as BERT that read a question with its options: training, prediction, export.

Names are resolved when they are used, so that importing this package costs nothing and what needs no torch
runs without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import install_command
from cmexam_baseline.metrics.lazy_names import lazy_names
from cmexam_baseline.metrics.threads import wait_passively

if TYPE_CHECKING:
    from cmexam_baseline.encoders.baseline import EncoderBaseline as EncoderBaseline
    from cmexam_baseline.encoders.devices import check_ready as check_ready
    from cmexam_baseline.encoders.devices import is_main_process as is_main_process
    from cmexam_baseline.encoders.embeddings import embed_texts as embed_texts
    from cmexam_baseline.encoders.models import find_model as find_model
    from cmexam_baseline.encoders.models import weights_fingerprint as weights_fingerprint
    from cmexam_baseline.encoders.onnx_encoder import OnnxEncoder as OnnxEncoder
    from cmexam_baseline.encoders.onnx_encoder import export_onnx as export_onnx
    from cmexam_baseline.encoders.pretraining import collect_texts as collect_texts
    from cmexam_baseline.encoders.pretraining import pretrain as pretrain
    from cmexam_baseline.encoders.settings import EncoderSettings as EncoderSettings
    from cmexam_baseline.encoders.settings import load_settings as load_settings

wait_passively()

_load, __dir__, __all__ = lazy_names(__name__)


def __getattr__(name: str) -> object:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cmexam_baseline"):
            raise
        raise InputError(f"{name} needs {error.name}; run {install_command('encoders')}") from error
