"""One training: fit, predict, score, write the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmexam_baseline.cli.console import ReportProgress, Stages
from cmexam_baseline.cli.reading import Split
from cmexam_baseline.cli.run import write_run
from cmexam_baseline.cli.scores import (
    answer_scores,
    explanation_scores,
    free_baseline_scores,
    scores_without_overlap,
)


@dataclass(frozen=True)
class Plan:
    """What to train: the kind of model, its settings, where the run goes.

    kind:     "lightgbm" or "encoder"
    settings: an `EncoderSettings` for encoders, None for LightGBM
    embedder: a `features.Embedder` for LightGBM's features, or None
    """

    kind: str
    settings: Any
    out: Path
    overwrite: bool
    embedder: Any = None

    @property
    def checkpoints(self) -> Path:
        """Where an encoder's checkpoints are until the run is written; beside the run folder."""
        return self.out.with_name(f"{self.out.name}.checkpoints")


def train_once(plan: Plan, seed: int, splits: Mapping[str, Split], stages: Stages) -> dict[str, Any]:
    """Train with one seed, write the run folder and return its scores."""
    exams = {name: split.exam for name, split in splits.items()}
    baseline = _fitted(plan, seed, splits, stages)
    predictions = {
        name: baseline.predict(exam, progress=_named(stages, f"predicting {name}"))
        for name, exam in exams.items()
        if name != "train"
    }
    scores: dict[str, Any] = {
        name: answer_scores(exams[name], predicted.answers, splits[name].n_left_out)
        for name, predicted in predictions.items()
    }
    for name, predicted in predictions.items():
        explained = explanation_scores(exams[name], predicted.answers, predicted.explanations)
        if explained is not None:
            scores[name]["explanations"] = explained
    with stages.stage("looking for overlap with the training questions"):
        for name, predicted in predictions.items():
            scores[name]["without_overlap"] = scores_without_overlap(
                exams["train"], exams[name], predicted.answers
            )
    scores["free_baselines"] = free_baseline_scores(exams, seed)
    if not writes(plan.kind):
        # Under torchrun every process takes part in saving, and the first one writes.
        baseline.save(plan.out)
        return scores
    with stages.stage("saving the run"):
        write_run(
            plan.out, plan.overwrite, plan.kind, baseline, seed, splits, predictions, scores, stages.seconds
        )
    shutil.rmtree(plan.checkpoints, ignore_errors=True)
    return scores


def writes(kind: str) -> bool:
    """Whether this process is the one that writes and prints; all but the first of torchrun's are not."""
    if kind != "encoder":
        return True
    from cmexam_baseline.encoders import is_main_process

    return is_main_process()


def _fitted(plan: Plan, seed: int, splits: Mapping[str, Split], stages: Stages) -> Any:
    train, val = splits["train"].exam, splits["val"].exam if "val" in splits else None
    if plan.kind == "lightgbm":
        from cmexam_baseline.features import LightGBMBaseline

        joined = splits["train"].joined
        is_extra = None if joined is None else joined.is_extra
        baseline = LightGBMBaseline(seed=seed, embedder=plan.embedder)
        return baseline.fit(train, val, progress=stages, is_extra=is_extra)
    from cmexam_baseline.cli.evidence_encoder import EvidenceEncoder
    from cmexam_baseline.encoders import with_seed

    encoder = EvidenceEncoder.untrained(with_seed(plan.settings, seed))
    return encoder.fit(train, val, progress=stages, folder=plan.checkpoints)


def _named(stages: Stages, name: str) -> ReportProgress:
    return lambda stage, done, total: stages(f"{name}: {stage}", done, total)
