"""Trained models: train, load, predict; LightGBM with an encoder; learning curves and leaderboards.

Names are loaded from their modules when first used, so that importing this package needs no optional package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.metrics.lazy_names import lazy_names

if TYPE_CHECKING:
    from cmexam_baseline.baselines.curve import MeasuredCurve as MeasuredCurve
    from cmexam_baseline.baselines.curve import learning_curve as learning_curve
    from cmexam_baseline.baselines.ensemble import Ensemble as Ensemble
    from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder as EvidenceEncoder
    from cmexam_baseline.baselines.hub_push import push_run as push_run
    from cmexam_baseline.baselines.leaderboard_entries import Leaderboard as Leaderboard
    from cmexam_baseline.baselines.leaderboard_entries import LeaderboardEntry as LeaderboardEntry
    from cmexam_baseline.baselines.leaderboard_entries import leaderboard as leaderboard
    from cmexam_baseline.baselines.pipeline import train as train
    from cmexam_baseline.baselines.registry import MODELS as MODELS
    from cmexam_baseline.baselines.registry import Baseline as Baseline
    from cmexam_baseline.baselines.run_folder import Run as Run
    from cmexam_baseline.baselines.run_folder import load_run as load_run
    from cmexam_baseline.features.lightgbm_baseline import LightGBMBaseline as LightGBMBaseline

__getattr__, __dir__, __all__ = lazy_names(__name__)
