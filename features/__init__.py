"""TF-IDF retrieval over training questions and LightGBM on top of it."""

from __future__ import annotations

from cmexam_baseline.features.baseline import LightGBMBaseline

__all__ = ["LightGBMBaseline"]
