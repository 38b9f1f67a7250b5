"""The figures of a training run, and the progress that it reports while it runs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.progress import DetailedStage, Progress, no_progress

_SECONDS_BETWEEN = 0.5
_UNKNOWN_TOLD = 0.01


@dataclass(frozen=True)
class Evaluation:
    """Loss and accuracy (shares, 0 to 1) on the training questions since the last evaluation, and on val."""

    step: int
    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


@dataclass
class TrainingReport:
    """The evaluations of a run, the step whose weights were kept, and what it cost.

    `losses` has [step, mean training loss since the pair before] at least a hundred times in a run.
    Rates count training only, without evaluation; peak memory is the GPU's, or the process's on a CPU.
    `batch_tokens` was halved `halvings` times where memory ran out. Steps are skipped where gradients overflow
    in fp16. `cache_bytes` is the size of the cached output of frozen layers.
    """

    evaluations: list[Evaluation] = field(default_factory=list)
    losses: list[list[float]] = field(default_factory=list)
    best_step: int = 0
    steps: int = 0
    stopped_early: bool = False
    questions: int = 0
    questions_without_answer: int = 0
    processes: int = 1
    n_parameters: int = 0
    n_trained_parameters: int = 0
    device: str = ""
    precision: str = ""
    batch_tokens: int = 0
    halvings: int = 0
    cache_bytes: int = 0
    seconds: float = 0.0
    questions_per_second: float = 0.0
    sequences_per_second: float = 0.0
    tokens_per_second: float = 0.0
    peak_memory_bytes: int = 0
    unknown_share: float = 0.0
    truncation: dict[str, int] = field(default_factory=dict)
    skipped_steps: int = 0
    skipped_checkpoints: list[str] = field(default_factory=list)

    @property
    def val_accuracy(self) -> float | None:
        """The val accuracy of the weights that were kept, by the loss's most probable answer."""
        return next((one.val_accuracy for one in self.evaluations if one.step == self.best_step), None)

    def summary(self) -> str:
        """Speed, memory and truncation, in one line for a terminal.

        >>> cut = {"questions": 2, "options": 1, "tokens": 73, "evidence": 0}
        >>> TrainingReport(device="Tesla V100", precision="fp16", truncation=cut).summary()
        'Tesla V100, fp16: 0.0 sequences/s, 0.0 questions/s, peak memory 0.0 GB; 2 questions and 1 options cut by \
73 tokens'
        """
        text = (
            f"{self.device}, {self.precision}: {self.sequences_per_second:.1f} sequences/s,"
            f" {self.questions_per_second:.1f} questions/s, peak memory {self.peak_memory_bytes / 1e9:.1f} GB"
        )
        if self.halvings:
            text += f"; memory ran out, so that batch_tokens became {self.batch_tokens}"
        if self.skipped_steps:
            text += f"; {self.skipped_steps} of {self.steps} steps skipped because gradients overflowed"
        cut = self.truncation
        if cut.get("tokens"):
            text += "; {questions} questions and {options} options cut by {tokens} tokens".format(**cut)
        if self.unknown_share > _UNKNOWN_TOLD:
            text += f"; the tokenizer does not know {self.unknown_share:.1%} of the tokens"
        if cut.get("evidence"):
            text += f"; evidence of {cut['evidence']} options or questions cut"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingReport:
        """The report that `to_dict` described."""
        return cls(**{**values, "evaluations": [Evaluation(**one) for one in values["evaluations"]]})


class Meter:
    """Counts questions, sequences and tokens over time and reports twice a second to the progress callback.

    The stage that the callback gets is a `DetailedStage`: loss and accuracy since the last evaluation, the
    last val accuracy, questions a second and the time left.
    """

    def __init__(self, progress: Progress, steps: int, done: int = 0) -> None:
        self._progress, self._steps, self._at_start = progress, steps, done
        self._told, self._since = float("-inf"), 0.0
        self._work = np.zeros(3, np.int64)
        self.seconds = 0.0

    def start(self) -> None:
        """Count time from now on."""
        self._since = time.perf_counter()

    def count(self, work: NDArray[np.int64] | int = 0) -> None:
        """Add the time since the last call of `start` or `count`, and questions, sequences and tokens (3,)."""
        self.seconds += time.perf_counter() - self._since
        self._since = time.perf_counter()
        self._work += work

    def rates(self) -> list[float]:
        """Questions, sequences and tokens per second."""
        return [float(one) for one in self._work / (self.seconds or 1.0)]

    def due(self, evaluated: bool) -> bool:
        """Whether it is time to report, as always before an evaluation; asking does not wait for the device."""
        waited = time.perf_counter() - self._told >= _SECONDS_BETWEEN
        return self._progress is not no_progress and (waited or evaluated)

    def tell(self, step: int, loss: float, accuracy: float, val_accuracy: float | None) -> None:
        """Report the progress at `step` to the callback."""
        self._told = time.perf_counter()
        parts = [f"loss {loss:.3f}", f"accuracy {accuracy:.1%}"]
        if val_accuracy is not None:
            parts.append(f"val {val_accuracy:.1%}")
        parts.append(f"{self.rates()[0]:.1f} questions/s")
        left = self.seconds / max(step - self._at_start, 1) * (self._steps - step)
        parts.append(f"{timedelta(seconds=int(left))} left")
        self._progress(DetailedStage("training", ", ".join(parts)), step, self._steps)
