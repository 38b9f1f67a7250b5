"""TF-IDF retrieval over training questions, LightGBM on top of it, and the baselines that cost nothing."""

from __future__ import annotations

from cmexam_baseline.features.baseline import LightGBMBaseline
from cmexam_baseline.features.dense import Embedder
from cmexam_baseline.features.evidence_sentences import EvidenceSentences
from cmexam_baseline.features.opinions import score_columns
from cmexam_baseline.features.trivial import TRIVIAL_BASELINES

__all__ = ["TRIVIAL_BASELINES", "Embedder", "EvidenceSentences", "LightGBMBaseline", "score_columns"]
