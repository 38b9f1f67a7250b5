"""The figures of scores.json: answers and explanations by split, dummy baselines, and what an ensemble gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    with timer.stage("looking for overlap with the training questions"):
        overlaps = {name: find_overlap(data.train, exam) for name, exam in data.held_out.items()}
    scores: dict[str, Any] = {}
    for name, exam in data.held_out.items():
        answers, overlap = predictions[name].answers, overlaps[name]
        scores[name] = answer_scores(exam, answers, data.splits[name].n_left_out)
        explained = explanation_scores(exam, answers, predictions[name].explanations)
        if explained is not None:
            scores[name]["explanations"] = explained
        scores[name]["without_overlap"] = scores_without_overlap(overlap, exam, answers)
        if name in parts:
            with timer.stage(f"comparing the ensemble with its parts on {name}"):
                systems = {"ensemble": answers, **{part: one.answers for part, one in parts[name].items()}}
                scores[name]["gains"] = ensemble_gains(exam, systems, overlap.overlaps)
    scores["free_baselines"] = dummy_scores(data, random_state)
    return scores


def answer_scores(exam: Exam, answers: NDArray[np.uint16], left_out: int = 0) -> dict[str, Any]:
    """Accuracy and weighted F1 of `answers` (bit masks, one a question of `exam`), single and multi apart.

    Accuracy and F1 are fractions. `n_left_out` counts rows of the file that could not be used, and
    `accuracy_all_rows` is the accuracy with those rows counted as wrong.
    """
    score = metrics.score_answers(exam.answers, answers)
    figures: dict[str, Any] = {
        "n": score.n,
        "n_left_out": left_out,
        "n_unanswered": score.n_unanswered,
        "accuracy": score.accuracy,
        "accuracy_interval": list(metrics.wilson_interval(score.n_correct, score.n)),
        "accuracy_all_rows": score.n_correct / (score.n + left_out) if score.n + left_out else 0.0,
        "weighted_f1": score.weighted.f1,
    }
    for name, rows in (("single", ~exam.is_multi), ("multi", exam.is_multi)):
        gold, given = exam.answers[rows], answers[rows]
        figures[name] = {"n": len(gold), "accuracy": metrics.accuracy(gold, given) if len(gold) else None}
    return figures


def scores_without_overlap(overlap: Overlap, exam: Exam, answers: NDArray[np.uint16]) -> dict[str, Any]:
    """The figures on the questions of `exam` that do not overlap with the training questions.

    `n_overlap` counts the others by category (`find_overlap`: the same question, the same stem, nearly the
    same stem). Without a question left, accuracy, interval and F1 are None.
    """
    clean = ~overlap.overlaps
    counts = {name: count for name, count in overlap.counts().items() if name != "none"}
    found = answer_scores(exam[clean], answers[clean]) if clean.any() else {}
    return {
        "n": int(clean.sum()),
        "n_overlap": counts,
        **{name: found.get(name) for name in _CLEAN_FIGURES},
    }


def explanation_scores(
    exam: Exam, answers: NDArray[np.uint16], explanations: list[str] | None
) -> dict[str, Any] | None:
    """BLEU and ROUGE in percent (`cmexam` profile) on the questions of `exam` that have an explanation.

    `restated` holds the figures of explanations that only repeat stem and options with the same answers: what
    these metrics give for saying nothing. None where there is nothing to compare.
    """
    from cmexam_baseline.features.explainer import restate

    rows = np.flatnonzero([bool(text.strip()) for text in exam.explanations])
    if explanations is None or not len(rows):
        return None
    explained, given = exam[rows], [explanations[row] for row in rows.tolist()]
    found, restated = (
        metrics.score_explanations(explained.explanations, texts, profile="cmexam")
        for texts in (given, restate(explained, answers[rows]))
    )
    return {
        "n": len(rows),
        **{name: getattr(found, name) for name in EXPLANATION_FIGURES},
        "signature": found.signature,
        "restated": {name: getattr(restated, name) for name in EXPLANATION_FIGURES},
    }


def dummy_scores(data: TrainingData, random_state: int) -> dict[str, dict[str, Any]]:
    """Accuracy and weighted F1 of the dummy baselines, by split, for every split but train."""
    scores: dict[str, dict[str, Any]] = {}
    for name, rule in DUMMY_BASELINES.items():
        fitted = rule(random_state=random_state).fit(data.train)
        for split, exam in data.held_out.items():
            found = answer_scores(exam, fitted.predict(exam).answers)
            figures = {key: found[key] for key in ("n", "accuracy", "weighted_f1")}
            scores.setdefault(name, {})[split] = figures
    return scores


def ensemble_gains(
    exam: Exam, systems: Mapping[str, NDArray[np.uint16]], overlaps: NDArray[np.bool_]
) -> dict[str, dict[str, Any]]:
    """Accuracies and differences of systems, each by name with its answers, on all rows and without overlap.

    Differences come with the paired tests of `compare`, corrected by Holm's procedure over the pairs. Without
    a row left, the accuracies are None and there are no differences.
    """
    from cmexam_baseline.scoring import Settings, answer_differences

    gains: dict[str, dict[str, Any]] = {}
    for name, rows in (("all", np.ones(len(exam), np.bool_)), ("without_overlap", ~overlaps)):
        gold, given = exam.answers[rows], {system: one[rows] for system, one in systems.items()}
        differences = answer_differences(gold, list(given.items()), Settings()) if len(gold) else []
        gains[name] = {
            "n": len(gold),
            "accuracy": {one: metrics.accuracy(gold, a) if len(gold) else None for one, a in given.items()},
            "differences": [one.to_dict() for one in differences],
        }
    return gains
