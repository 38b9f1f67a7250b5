"""TF-IDF retrieval over training questions, LightGBM on top of it, and dummy baselines.

Names are imported when first used, so that importing this package costs nothing and needs no extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.metrics.lazy_names import lazy_names
from cmexam_baseline.metrics.threads import wait_passively

if TYPE_CHECKING:
    from cmexam_baseline.features.corpus import Corpus as Corpus
    from cmexam_baseline.features.dense_index import Embedder as Embedder
    from cmexam_baseline.features.dummy import DUMMY_BASELINES as DUMMY_BASELINES
    from cmexam_baseline.features.lightgbm_baseline import LightGBMBaseline as LightGBMBaseline
    from cmexam_baseline.features.sentence_retriever import SentenceRetriever as SentenceRetriever
    from cmexam_baseline.features.stacking import score_columns as score_columns

wait_passively()

__getattr__, __dir__, __all__ = lazy_names(__name__)
