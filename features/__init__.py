"""TF-IDF retrieval over training questions, LightGBM on top of it, and the baselines that cost nothing."""

from __future__ import annotations

from cmexam_baseline.features.baseline import LightGBMBaseline
from cmexam_baseline.features.dense_index import Embedder
from cmexam_baseline.features.dummy import TRIVIAL_BASELINES
from cmexam_baseline.features.sentence_retriever import EvidenceSentences
from cmexam_baseline.features.stacking import score_columns

__all__ = ["TRIVIAL_BASELINES", "Embedder", "EvidenceSentences", "LightGBMBaseline", "score_columns"]
