"""LightGBM over the options of all questions."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.progress import Progress, silent
from cmexam_baseline.features.feature_table import Table

_SETTINGS = {
    "objective": "binary",
    # Many features say nearly the same: small trees on a few of them each are as accurate and far cheaper.
    "learning_rate": 0.05,
    "num_leaves": 31,
    "max_bin": 63,
    "min_data_in_leaf": 40,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "feature_fraction": 0.15,
    # The same trees on every run and for every number of threads.
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

# Below this many options threads wait for each other longer than they work, on a busy machine a hundred times.
_WORTH_THREADS = 20_000


def grow(
    table: Table, right: NDArray[np.bool_], rounds: int, seed: int, threads: int, progress: Progress = silent
) -> Any:
    """A LightGBM booster that tells right options from wrong ones."""
    import lightgbm

    data = lightgbm.Dataset(table.values, right.astype(np.float32), feature_name=table.names)
    useful_threads = threads if len(table.values) >= _WORTH_THREADS else 1
    settings = {**_SETTINGS, "seed": seed, "num_threads": useful_threads}

    def report(state: Any) -> None:
        progress("growing trees", state.iteration + 1, rounds)

    return lightgbm.train(settings, data, num_boost_round=rounds, callbacks=[report])


def probabilities(booster: Any, table: Table) -> NDArray[np.float64]:
    """The probability that each option is right, float64 (options,)."""
    return np.asarray(booster.predict(table.values), dtype=np.float64)


def contributions(booster: Any, table: Table) -> NDArray[np.float64]:
    """What each feature adds to the log-odds of each option (TreeSHAP), float64 (options, features + 1).

    The last column is where every option starts from.
    """
    return np.asarray(booster.predict(table.values, pred_contrib=True), dtype=np.float64)


def to_text(booster: Any) -> str:
    """LightGBM's own text form, without the number of threads, which is the machine's and not the model's."""
    return re.sub(r"\[num_threads: \d+\]", "[num_threads: 0]", booster.model_to_string())


def from_text(text: str) -> Any:
    """The booster that `to_text` described; raises `ValueError` for anything else."""
    import lightgbm

    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise ValueError(str(error)) from error
