"""The work on many rows shared out to processes, of this machine or of a Dask cluster, and put together again.

Rows are cut into parts of one size, whoever works on them. What is read out of a reply depends on that reply
alone, and scores of explanations add up exactly, so that all figures are those of one process, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.table import pieces
from cmexam_baseline.scoring.extraction import Extraction, extract_all

ROWS_A_PART = 2000
PATIENCE = 10.0  # seconds for a scheduler to answer

Part = TypeVar("Part")


@dataclass(frozen=True)
class Executor:
    """Who works: this process alone (the default), or others through joblib.

    n_jobs:    processes to use on this machine
    scheduler: the address of a Dask scheduler whose workers are used instead; they need this package

    >>> Executor().score_explanations(["缺乏维生素A"], ["缺乏维生素A"], "cmexam").bleu1
    100.0
    """

    n_jobs: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.scheduler is not None:
            require("distributed", purpose="`scheduler`")
        elif self.n_jobs != 1:
            require("distributed", "joblib", purpose="`n_jobs`")

    def extract_all(
        self,
        texts: Sequence[str],
        options: Sequence[Sequence[str] | None],
        stems: Sequence[str | None] | None = None,
    ) -> list[Extraction]:
        """What `cmexam_baseline.scoring.extraction.extract_all` gives."""
        parts = self._map(extract_all, texts, options, stems or [None] * len(texts))
        return [found for part in parts for found in part]

    def score_explanations(
        self,
        references: Sequence[str | None],
        predictions: Sequence[str | None],
        profile: str | metrics.Profile,
        whole_replies: bool = False,
    ) -> metrics.ExplanationScores:
        """What `metrics.score_explanations` gives; of whole replies `script_explanation` is scored."""
        parts = self._map(_score, references, predictions, profile=profile, whole_replies=whole_replies)
        if not all(part.same_definition(parts[0]) for part in parts):
            raise InputError(
                "the workers score by different versions of cmexam-baseline or dictionaries; install the same on all"
            )
        return metrics.ExplanationScores.merged(parts)

    def _map(self, function: Callable[..., Part], *columns: Sequence[Any], **others: Any) -> list[Part]:
        """`function` of every part of the columns, in order; of one part at least."""
        n = len(columns[0])
        if n <= ROWS_A_PART or (self.n_jobs == 1 and self.scheduler is None):
            # In pieces, so that of many texts only some are in memory as they are counted.
            return [function(*(column[piece] for column in columns), **others) for piece in pieces(n)]
        from joblib import Parallel, delayed

        bounds = range(0, n, ROWS_A_PART)
        parts = ([column[start : start + ROWS_A_PART] for column in columns] for start in bounds)
        with self._backend():
            done: list[Part] = Parallel(n_jobs=-1 if self.scheduler else self.n_jobs, batch_size=1)(
                delayed(function)(*part, **others) for part in parts
            )
        return done

    @contextmanager
    def _backend(self) -> Iterator[None]:
        from concurrent.futures import BrokenExecutor

        from joblib import parallel_config

        if self.scheduler is None:
            try:
                with parallel_config(backend="loky"):
                    yield
            except BrokenExecutor as error:
                raise InputError("a worker process was killed; use a smaller `n_jobs`") from error
            return
        from distributed import Client, KilledWorker

        try:
            client = Client(self.scheduler, timeout=PATIENCE, set_as_default=True)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"no Dask scheduler answers at {self.scheduler!r}; give its address, as in tcp://localhost:8786"
            ) from error
        try:
            with client, parallel_config(backend="dask"):
                yield
        except KilledWorker as error:
            raise InputError(f"the workers of {self.scheduler} die at this work; see their logs") from error


def script_explanation(reply: str) -> str:
    """What CMExam's evaluate_lora_result.py scores of a reply: the part behind a half-width 解释:, or else all of it.

    >>> script_explanation("B\\n解释: 缺乏维生素A"), script_explanation("B")
    ('缺乏维生素A', 'B')
    """
    return reply.split("解释:")[1].strip() if "解释:" in reply else reply


def _score(
    references: Sequence[str | None],
    predictions: Sequence[str | None],
    profile: str | metrics.Profile,
    whole_replies: bool = False,
) -> metrics.ExplanationScores:
    if whole_replies:
        predictions = [text and script_explanation(text) for text in predictions]
    return metrics.score_explanations(references, predictions, profile=profile)
