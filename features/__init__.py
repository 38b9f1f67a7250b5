"""TF-IDF retrieval over training questions with LightGBM on top of it, and dummy baselines.

Names are loaded from their modules when first used: the dummy baselines need numpy alone, the others the extra `lightgbm`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.exam.extras import require
from cmexam_baseline.metrics.lazy_names import lazy_names

if TYPE_CHECKING:
    from cmexam_baseline.features.baseline import LightGBMBaseline as LightGBMBaseline
    from cmexam_baseline.features.dense_index import Embedder as Embedder
    from cmexam_baseline.features.dummy import DUMMY_BASELINES as DUMMY_BASELINES
    from cmexam_baseline.features.sentence_retriever import SentenceRetriever as SentenceRetriever
    from cmexam_baseline.features.stacking import score_columns as score_columns

_load, __dir__, __all__ = lazy_names(__name__)


def __getattr__(name: str) -> object:
    if name in ("LightGBMBaseline", "SentenceRetriever"):
        require("lightgbm", purpose=name)
    return _load(name)
