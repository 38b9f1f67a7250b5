"""LightGBM over the options of all questions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.tree_settings import TUNABLE
from cmexam_baseline.metrics.ragged import row_numbers

if TYPE_CHECKING:
    from cmexam_baseline.features.feature_table import FeatureTable

# The same trees on every run and for every number of threads.
_FIXED = {
    "subsample_freq": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}

# Below this many options threads wait for each other longer than they work.
_WORTH_THREADS = 20_000


def train(
    table: FeatureTable,
    right: NDArray[np.bool_],
    settings: Mapping[str, Any],
    n_jobs: int,
    progress: Progress = no_progress,
) -> list[Any]:
    """The LightGBM boosters that choose the right option of a question, `bag` of them.

    settings: `random_state` and a value for each of `TUNABLE`

    Their objective is the cross-entropy of a softmax over the options of each question.
    """
    import lightgbm

    n_estimators, bag = settings["n_estimators"], settings["bag"]
    if len(table.values) < _WORTH_THREADS:
        n_jobs = 1
    # Boosters side by side keep cores busier than the threads of one.
    side_by_side = min(bag, n_jobs)
    given = {
        **_FIXED,
        "num_threads": n_jobs // side_by_side,
        **{name: settings[name] for name in TUNABLE if name not in ("n_estimators", "bag")},
    }
    data = lightgbm.Dataset(
        table.values,
        right.astype(np.float32),
        feature_name=table.names,
        params={**given, "num_threads": n_jobs, "seed": settings["random_state"]},
    )
    # Where every feature is constant, as for a single question, LightGBM refuses gradients from outside.
    data.construct()
    constant = all(data.feature_num_bin(i) < 2 for i in range(len(table.names)))
    objective = "binary" if constant else _Softmax(right, table.offsets)
    n_grown, stopped = [0] * bag, Event()

    def grow(member: int) -> Any:
        def count(state: Any) -> None:
            n_grown[member] = state.iteration + 1
            if stopped.is_set():
                raise CancelledError

        # Seeds of different models do not share a member of their bags.
        parameters = {**given, "seed": settings["random_state"] + member * 1_000_003, "objective": objective}
        return lightgbm.train(parameters, data, n_estimators, callbacks=[count])

    with ThreadPoolExecutor(side_by_side) as pool:
        boosters = [pool.submit(grow, member) for member in range(bag)]
        try:
            while wait(boosters, timeout=0.1).not_done:
                progress("training trees", sum(n_grown), bag * n_estimators)
        except BaseException:
            stopped.set()
            raise
    progress("training trees", bag * n_estimators, bag * n_estimators)
    return [booster.result() for booster in boosters]


class _Softmax:
    """Gradients of the cross-entropy, called by LightGBM in each iteration."""

    def __init__(self, right: NDArray[np.bool_], offsets: NDArray[np.int64]) -> None:
        self.offsets = offsets
        n_right = np.add.reduceat(right, offsets[:-1], dtype=np.float64)
        # Several right options share the target equally.
        self.target = right / np.maximum(n_right, 1)[row_numbers(offsets)]

    def __call__(
        self, logits: NDArray[np.float64], _: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and second derivatives."""
        found = softmax(logits, self.offsets)
        return found - self.target, np.maximum(found * (1 - found), 1e-6)


def softmax(logits: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probabilities that sum to 1 in each segment.

    >>> softmax(np.array([0.0, 0.0, 5.0]), np.array([0, 2, 3])).tolist()
    [0.5, 0.5, 1.0]
    """
    owner, starts = row_numbers(offsets), offsets[:-1]
    powers = np.exp(logits - np.maximum.reduceat(logits, starts)[owner])
    found: NDArray[np.float64] = powers / np.add.reduceat(powers, starts)[owner]
    return found


def probabilities(boosters: Sequence[Any], table: FeatureTable) -> NDArray[np.float64]:
    """The probability that each option is right, float64 (options,): the softmax of the mean logits of the boosters."""
    logits = np.stack([one.predict(table.values) for one in boosters])
    return softmax(logits.mean(axis=0), table.offsets)


def contributions(boosters: Sequence[Any], table: FeatureTable) -> NDArray[np.float64]:
    """What each feature adds to the logit of each option (TreeSHAP, mean over the boosters), float64 (options, features + 1).

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
