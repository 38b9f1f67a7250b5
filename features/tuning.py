"""A search for settings of the trees, by cross-validation on the training questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.duplicates import copy_keys, folds_of
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import right_options
from cmexam_baseline.metrics.ragged import offsets_of, row_numbers

N_FOLDS = 3
TRIALS_FILE = "trials.json"
_STAGE = "trying settings"
Trial = dict[str, Any]
# Setting -> least and greatest value tried, on a logarithmic scale unless it is among `_LINEAR`.
_SPACE: dict[str, tuple[float, float]] = {
    "n_estimators": (80, 400),
    "learning_rate": (0.03, 0.2),
    "num_leaves": (7, 63),
    "min_child_samples": (10, 200),
    "subsample": (0.5, 1.0),
    "colsample_bytree": (0.05, 0.5),
    "reg_lambda": (0.0, 20.0),
}
_LINEAR = ("subsample", "reg_lambda")


def tune(
    table: FeatureTable,
    exam: Exam,
    settings: Mapping[str, Any],
    n_trials: int,
    n_jobs: int,
    folder: Path | None = None,
    progress: Progress = no_progress,
) -> list[Trial]:
    """The trials, each with its `settings` and its `accuracy` (0–1) by cross-validation; the given settings are the first.

    table:  the features of `exam`; as no row depends on its own question or a copy of it, one table serves all folds
    folder: keeps finished trials, from which a repeated search with the same arguments goes on (default: none)

    A trial trains one booster a fold. Settings are proposed by optuna's tree-structured Parzen estimator (Bergstra
    et al. 2011), from the trials before and `random_state`.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folds = folds_of(copy_keys(exam), N_FOLDS, settings["random_state"])
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode())
    for content in (table.values, exam.answers):
        digest.update(np.ascontiguousarray(content).data)
    done = _read(folder, identity := digest.hexdigest())
    for number in range(len(done), n_trials):
        progress(_STAGE, number, n_trials)
        tried = dict(settings)
        if number:
            tried |= _proposal(done, settings["random_state"] + number)
        done.append({"settings": tried, "accuracy": _accuracy(table, exam, folds, tried, n_jobs)})
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / TRIALS_FILE, json.dumps({"identity": identity, "trials": done}))
    progress(_STAGE, n_trials, n_trials)
    return done[:n_trials]


def best_trial(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest accuracy, of equal ones the first."""
    return max(trials, key=lambda trial: float(trial["accuracy"]))


def summary(trials: Sequence[Trial]) -> str:
    """One line: the best settings, and what they gain by cross-validation.

    >>> summary([{"settings": {"bag": 2}, "accuracy": 0.5}, {"settings": {"bag": 2, "num_leaves": 9}, "accuracy": 0.51}])
    'best of 2 trials: num_leaves=9; 51.00% by cross-validation, 50.00% with the given settings'
    """
    first, best = trials[0], best_trial(trials)
    given = first["settings"]
    changed = [f"{name}={value:.4g}" for name, value in best["settings"].items() if given.get(name) != value]
    return (
        f"best of {len(trials)} trials: {', '.join(changed) or 'the given settings'}; "
        f"{best['accuracy']:.2%} by cross-validation, {first['accuracy']:.2%} with the given settings"
    )


def _proposal(done: Sequence[Trial], seed: int) -> dict[str, Any]:
    """The next settings: a new study of the trials so far, so that a search that was stopped goes on as if it had not been."""
    import optuna

    space: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.IntDistribution(int(low), int(high), log=True)
        if isinstance(low, int)
        else optuna.distributions.FloatDistribution(low, high, log=name not in _LINEAR)
        for name, (low, high) in _SPACE.items()
    }
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    for trial in done:
        params = {name: trial["settings"][name] for name in space}
        # The first trial has the given settings, which may be outside.
        if all(low <= params[name] <= high for name, (low, high) in _SPACE.items()):
            study.add_trial(
                optuna.trial.create_trial(params=params, distributions=space, value=trial["accuracy"])
            )
    return dict(study.ask(space).params)


def _accuracy(
    table: FeatureTable, exam: Exam, folds: NDArray[np.int64], settings: Mapping[str, Any], n_jobs: int
) -> float:
    """The share of questions whose best option is the whole answer, each answered by trees of the other folds."""
    right, answers = right_options(exam), np.zeros_like(exam.answers)
    for fold in range(N_FOLDS):
        held_out = folds == fold
        boosters = trees.train(*_part(table, right, ~held_out), {**settings, "bag": 1}, n_jobs)
        part, _ = _part(table, right, held_out)
        scores = trees.probabilities(boosters, part)
        answers[held_out] = Decoder.argmax().decode(scores, part.offsets)
    return float(np.mean(exam.answers == answers))


def _part(
    table: FeatureTable, right: NDArray[np.bool_], questions: NDArray[np.bool_]
) -> tuple[FeatureTable, NDArray[np.bool_]]:
    options = questions[row_numbers(table.offsets)]
    offsets = offsets_of(np.diff(table.offsets)[questions])
    return FeatureTable(table.names, table.values[options], offsets), right[options]


def _read(folder: Path | None, identity: str) -> list[Trial]:
    """The finished trials of this search; none where the file is missing, damaged or of another search."""
    try:
        kept = json.loads((folder / TRIALS_FILE).read_bytes()) if folder is not None else {}
        return list(kept["trials"]) if kept.get("identity") == identity else []
    except (OSError, ValueError, KeyError, AttributeError):
        return []
