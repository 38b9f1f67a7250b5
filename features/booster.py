"""LightGBM over the options of all questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.feature_table import FeatureTable

# The same trees on every run and for every number of threads.
_FIXED = {
    "objective": "binary",
    "subsample_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

# Below this many options threads wait for each other longer than they work.
_WORTH_THREADS = 20_000


@dataclass(frozen=True)
class TreeSettings:
    """What decides the trees; names, meanings and units are those of `lightgbm.LGBMClassifier`.

    bag: how many boosters with different seeds are averaged
    """

    random_state: int
    n_estimators: int
    learning_rate: float
    num_leaves: int
    min_child_samples: int
    subsample: float
    colsample_bytree: float
    reg_lambda: float
    max_bin: int
    bag: int

    def parameters(self, member: int) -> dict[str, Any]:
        """The parameters of one booster, for `lightgbm.train`."""
        return {
            **_FIXED,
            # Seeds of different models do not share a member of their bags.
            "seed": self.random_state + member * 1_000_003,
            **{name: getattr(self, name) for name in TUNABLE if name not in ("n_estimators", "bag")},
        }


# The settings of the trees that a user may change, besides the seed.
TUNABLE = tuple(name for name in TreeSettings.__dataclass_fields__ if name != "random_state")


def train(
    table: FeatureTable,
    right: NDArray[np.bool_],
    settings: TreeSettings,
    n_jobs: int,
    progress: Progress = no_progress,
) -> list[Any]:
    """The LightGBM boosters that tell right options from wrong ones, `settings.bag` of them."""
    import lightgbm

    total = settings.n_estimators * settings.bag
    threads = {"num_threads": n_jobs if len(table.values) >= _WORTH_THREADS else 1}
    data = lightgbm.Dataset(
        table.values,
        right.astype(np.float32),
        feature_name=table.names,
        params={**settings.parameters(0), **threads},
    )
    boosters: list[Any] = []

    def report(state: Any) -> None:
        progress("training trees", len(boosters) * settings.n_estimators + state.iteration + 1, total)

    for member in range(settings.bag):
        parameters = {**settings.parameters(member), **threads}
        boosters.append(lightgbm.train(parameters, data, settings.n_estimators, callbacks=[report]))
    return boosters


def probabilities(boosters: Sequence[Any], table: FeatureTable) -> NDArray[np.float64]:
    """The probability that each option is right, float64 (options,): the mean over the boosters."""
    return np.asarray(np.mean([one.predict(table.values) for one in boosters], axis=0), dtype=np.float64)


def contributions(boosters: Sequence[Any], table: FeatureTable) -> NDArray[np.float64]:
    """What each feature adds to the log-odds of each option (TreeSHAP), float64 (options, features + 1).

    The last column is where every option starts from.
    """
    parts = [one.predict(table.values, pred_contrib=True) for one in boosters]
    return np.asarray(np.mean(parts, axis=0), dtype=np.float64)


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
