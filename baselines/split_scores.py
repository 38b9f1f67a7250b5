"""The figures of scores.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cmexam_baseline import metrics
from cmexam_baseline.baselines.training_data import TrainingData
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.duplicates import Overlap, find_overlap
from cmexam_baseline.exam.progress import StageTimer
from cmexam_baseline.exam.published import EXPLANATION_FIGURES
from cmexam_baseline.features.dummy import DUMMY_BASELINES

_CLEAN_FIGURES = ("accuracy", "accuracy_interval", "weighted_f1")


def scores_of_run(
    data: TrainingData,
    predictions: Mapping[str, Predictions],
    parts: Mapping[str, Mapping[str, Predictions]],
    random_state: int,
    timer: StageTimer,
) -> dict[str, Any]:
    """The content of scores.json: figures by split, what an ensemble gains over its `parts`, dummy baselines."""
    scores: dict[str, Any] = {}
    for name, predicted in predictions.items():
        exam = data.splits[name].exam
        scores[name] = answer_scores(exam, predicted.answers, data.splits[name].n_left_out)
        explained = explanation_scores(exam, predicted.answers, predicted.explanations)
        if explained is not None:
            scores[name]["explanations"] = explained
    with timer.stage("looking for overlap with the training questions"):
        overlaps = {name: find_overlap(data.train, exam) for name, exam in data.held_out.items()}
        for name, predicted in predictions.items():
            exam = data.splits[name].exam
            scores[name]["without_overlap"] = scores_without_overlap(overlaps[name], exam, predicted.answers)
    for name, of_parts in parts.items():
        from cmexam_baseline.baselines.ensemble_gains import ensemble_gains

        with timer.stage(f"comparing the ensemble with its parts on {name}"):
            systems = {"ensemble": predictions[name].answers}
            systems |= {part: one.answers for part, one in of_parts.items()}
            scores[name]["gains"] = ensemble_gains(data.splits[name].exam, systems, overlaps[name].overlaps)
    exams = {name: split.exam for name, split in data.splits.items()}
    scores["free_baselines"] = dummy_scores(exams, random_state)
    return scores


def answer_scores(exam: Exam, answers: np.ndarray, left_out: int = 0) -> dict[str, Any]:
    """Accuracy and weighted F1 of `answers` (bit masks, one a question of `exam`), single and multi apart.

    Accuracy and F1 are fractions. `n_left_out` counts rows of the file that could not be used, and
    `accuracy_all_rows` is the accuracy with those rows counted as wrong.
    """
    score = metrics.score_answers(exam.answers, answers)
    multiple = np.bitwise_count(exam.answers) > 1
    low, high = metrics.wilson_interval(score.n_correct, score.n)
    return {
        "n": score.n,
        "n_left_out": left_out,
        "n_unanswered": score.n_unanswered,
        "accuracy": score.accuracy,
        "accuracy_interval": [low, high],
        "accuracy_all_rows": score.n_correct / (score.n + left_out) if score.n + left_out else 0.0,
        "weighted_f1": score.weighted.f1,
        "single": _part(exam.answers[~multiple], answers[~multiple]),
        "multi": _part(exam.answers[multiple], answers[multiple]),
    }


def scores_without_overlap(overlap: Overlap, exam: Exam, answers: np.ndarray) -> dict[str, Any]:
    """The figures on the questions of `exam` that do not overlap with the training questions.

    `n_overlap` counts the others by category (`find_overlap`: the same question, the same stem, nearly the
    same stem). Without a question left, accuracy, interval and F1 are None.
    """
    clean = ~overlap.overlaps
    counts = {name: count for name, count in overlap.counts().items() if name != "none"}
    if not clean.any():
        figures = dict.fromkeys(_CLEAN_FIGURES)
    else:
        found = answer_scores(exam[clean], answers[clean])
        figures = {name: found[name] for name in _CLEAN_FIGURES}
    return {"n": int(clean.sum()), "n_overlap": counts, **figures}


def explanation_scores(
    exam: Exam, answers: np.ndarray, explanations: list[str] | None
) -> dict[str, Any] | None:
    """BLEU and ROUGE in percent (`cmexam` profile) on the questions of `exam` that have an explanation.

    `restated` holds the figures of explanations that only repeat stem and options with the same answers: what
    these metrics give for saying nothing. None where there is nothing to compare.
    """
    from cmexam_baseline.features.explainer import restate

    rows = np.array([bool(text.strip()) for text in exam.explanations], dtype=bool)
    if explanations is None or not rows.any():
        return None
    explained = exam[rows]
    given = [text for text, kept in zip(explanations, rows.tolist(), strict=True) if kept]
    found = metrics.score_explanations(explained.explanations, given, profile="cmexam")
    empty = metrics.score_explanations(
        explained.explanations, restate(explained, answers[rows]), profile="cmexam"
    )
    return {
        "n": int(rows.sum()),
        **{name: getattr(found, name) for name in EXPLANATION_FIGURES},
        "signature": found.signature,
        "restated": {name: getattr(empty, name) for name in EXPLANATION_FIGURES},
    }


def dummy_scores(exams: Mapping[str, Exam], random_state: int) -> dict[str, dict[str, Any]]:
    """Accuracy and weighted F1 of the dummy baselines, by split, for every split but train."""
    scores: dict[str, dict[str, Any]] = {}
    for name, rule in DUMMY_BASELINES.items():
        fitted = rule(random_state=random_state).fit(exams["train"])
        for split, exam in exams.items():
            if split != "train":
                found = answer_scores(exam, fitted.predict(exam).answers)
                scores.setdefault(name, {})[split] = {
                    key: found[key] for key in ("n", "accuracy", "weighted_f1")
                }
    return scores


def _part(gold: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
    part = metrics.score_answers(gold, answers)
    return {"n": part.n, "accuracy": part.accuracy if part.n else None}
