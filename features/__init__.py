"""TF-IDF retrieval over training questions, LightGBM on top of it, and the baselines that cost nothing."""

from __future__ import annotations

from cmexam_baseline.features.baseline import LightGBMBaseline
from cmexam_baseline.features.dense_index import Embedder
from cmexam_baseline.features.dummy import DUMMY_BASELINES
from cmexam_baseline.features.sentence_retriever import SentenceRetriever
from cmexam_baseline.features.stacking import score_columns

__all__ = ["DUMMY_BASELINES", "Embedder", "SentenceRetriever", "LightGBMBaseline", "score_columns"]
