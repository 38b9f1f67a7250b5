"""One training: fit, predict, score, write the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmexam_baseline.baselines.ensemble_gains import PART_NAMES, ensemble_gains
from cmexam_baseline.baselines.extra_training import JoinedExam
from cmexam_baseline.baselines.out_of_fold import named
from cmexam_baseline.baselines.run_folder import write_run
from cmexam_baseline.baselines.split_scores import (
    answer_scores,
    explanation_scores,
    free_baseline_scores,
    scores_without_overlap,
)
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.duplicates import find_overlap
from cmexam_baseline.exam.progress import Progress, StageTimer
from cmexam_baseline.exam.splits import Split


@dataclass(frozen=True)
class Plan:
    """What to train: the kind of model, its settings, where the run goes.

    kind:     "lightgbm", "encoder" or "ensemble" of both
    settings: an `EncoderSettings` where there is an encoder, None for LightGBM
    embedder: a `features.Embedder` for LightGBM's features, or None
    n_folds:  into how many parts an ensemble cuts the training questions
    bm25:     whether LightGBM reads sentences ranked by BM25, too
    joined:   the training questions with their sources, where other exams joined them
    """

    kind: str
    settings: Any
    out: Path
    overwrite: bool
    embedder: Any
    n_folds: int
    bm25: bool
    joined: JoinedExam | None = None

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints of encoders are until the run is written; beside the run folder."""
        return self.out.with_name(f"{self.out.name}.checkpoints")


def train_once(plan: Plan, seed: int, splits: Mapping[str, Split], stages: StageTimer) -> dict[str, Any]:
    """Train with one seed, write the run folder and return its scores."""
    exams = {name: split.exam for name, split in splits.items()}
    baseline = _FIT[plan.kind](plan, seed, splits, stages)
    predictions = _predictions(baseline, exams, stages)
    parts = _part_predictions(plan, seed, splits, baseline, stages) if plan.kind == "ensemble" else {}
    scores: dict[str, Any] = {
        name: answer_scores(exams[name], predicted.answers, splits[name].n_left_out)
        for name, predicted in predictions.items()
    }
    for name, predicted in predictions.items():
        explained = explanation_scores(exams[name], predicted.answers, predicted.explanations)
        if explained is not None:
            scores[name]["explanations"] = explained
    with stages.stage("looking for overlap with the training questions"):
        overlaps = {name: find_overlap(exams["train"], exams[name]) for name in predictions}
        for name, predicted in predictions.items():
            scores[name]["without_overlap"] = scores_without_overlap(
                overlaps[name], exams[name], predicted.answers
            )
    for name, of_parts in parts.items():
        with stages.stage(f"comparing the ensemble with its parts on {name}"):
            systems = {"ensemble": predictions[name].answers}
            systems |= {part: one.answers for part, one in of_parts.items()}
            scores[name]["gains"] = ensemble_gains(exams[name], systems, overlaps[name].overlaps)
    scores["free_baselines"] = free_baseline_scores(exams, seed)
    if not writes(plan.kind):
        # Under torchrun every process takes part in saving, and the first one writes.
        baseline.save(plan.out)
        return scores
    with stages.stage("saving the run"):
        kept = {**predictions, **_by_file(parts)}
        write_run(
            plan.out,
            plan.overwrite,
            plan.kind,
            baseline,
            seed,
            splits,
            plan.joined,
            kept,
            scores,
            stages.seconds,
        )
    _keep_logs(plan.checkpoints, plan.out / "logs")
    shutil.rmtree(plan.checkpoints, ignore_errors=True)
    return scores


def _keep_logs(checkpoints: Path, place: Path) -> None:
    """Move the curves of `--log-to` from beside the checkpoints into the run folder."""
    for logs in sorted(checkpoints.rglob("logs")):
        if logs.is_dir():  # not one that moved within another
            target = place / logs.parent.relative_to(checkpoints)
            target.parent.mkdir(parents=True, exist_ok=True)
            logs.rename(target)


def writes(kind: str) -> bool:
    """Whether this process is the one that writes and prints; all but the first of torchrun's are not."""
    if kind != "encoder":
        return True
    from cmexam_baseline.encoders import is_main_process

    return is_main_process()


def _lightgbm(plan: Plan, seed: int, splits: Mapping[str, Split], stages: Progress) -> Any:
    from cmexam_baseline.features import LightGBMBaseline

    baseline = LightGBMBaseline(random_state=seed, embedder=plan.embedder, bm25=plan.bm25)
    return baseline.fit(*_train_and_val(splits), progress=stages, from_other_exam=_is_extra(plan))


def _encoder(plan: Plan, seed: int, splits: Mapping[str, Split], stages: StageTimer) -> Any:
    from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
    from cmexam_baseline.encoders import with_seed

    encoder = EvidenceEncoder.untrained(with_seed(plan.settings, seed))
    encoder.fit(*_train_and_val(splits), progress=stages, folder=plan.checkpoints)
    stages.say(encoder.encoder.report_.summary())
    return encoder


def _ensemble(plan: Plan, seed: int, splits: Mapping[str, Split], stages: StageTimer) -> Any:
    from cmexam_baseline.baselines.ensemble import Ensemble
    from cmexam_baseline.encoders import with_seed

    ensemble = Ensemble.untrained(with_seed(plan.settings, seed), plan.n_folds, plan.embedder, plan.bm25)
    train, val = _train_and_val(splits)
    return ensemble.fit(train, val, stages, plan.checkpoints, _is_extra(plan))


_FIT: dict[str, Callable[[Plan, int, Mapping[str, Split], StageTimer], Any]] = {
    "lightgbm": _lightgbm,
    "encoder": _encoder,
    "ensemble": _ensemble,
}


def _train_and_val(splits: Mapping[str, Split]) -> tuple[Exam, Exam | None]:
    return splits["train"].exam, splits["val"].exam if "val" in splits else None


def _is_extra(plan: Plan) -> Any:
    return None if plan.joined is None else plan.joined.is_extra


def _predictions(
    baseline: Any, exams: Mapping[str, Exam], stages: StageTimer, what: str = "predicting"
) -> dict[str, Predictions]:
    return {
        name: baseline.predict(exam, progress=named(stages, f"{what} {name}"))
        for name, exam in exams.items()
        if name != "train"
    }


def _part_predictions(
    plan: Plan, seed: int, splits: Mapping[str, Split], ensemble: Any, stages: StageTimer
) -> dict[str, dict[str, Predictions]]:
    """By split, what the parts of an ensemble say alone: its encoder, and LightGBM trained without it."""
    exams = {name: split.exam for name, split in splits.items()}
    alone = _lightgbm(plan, seed, splits, named(stages, "LightGBM alone"))
    lightgbm = _predictions(alone, exams, stages, "LightGBM alone: predicting")
    return {
        name: dict(zip(PART_NAMES, (found, ensemble.encoder_predictions(exams[name])), strict=True))
        for name, found in lightgbm.items()
    }


def _by_file(parts: Mapping[str, Mapping[str, Predictions]]) -> dict[str, Predictions]:
    """Predictions of parts by the name of their file: val_lightgbm and so on."""
    return {f"{name}_{part}": one for name, found in parts.items() for part, one in found.items()}
