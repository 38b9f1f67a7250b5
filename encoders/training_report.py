"""The figures of a training run, and the progress that it reports while it runs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from cmexam_baseline.exam.progress import DetailedStage, Progress

_SECONDS_BETWEEN = 0.5


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

    Rates count training only, without evaluation; peak memory is the GPU's, or the process's on a CPU.
    `batch_tokens` was halved `halvings` times where memory ran out. Steps are skipped where gradients overflow
    in fp16. `cache_bytes` is the size of the cached output of frozen layers.
    """

    evaluations: list[Evaluation] = field(default_factory=list)
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
            text += (
                f"; {cut['questions']} questions and {cut['options']} options cut by {cut['tokens']} tokens"
            )
        if cut.get("evidence"):
            text += f"; evidence of {cut['evidence']} options or questions cut"
        return text

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingReport:
        """The report that `to_dict` described.

        >>> TrainingReport.from_dict(TrainingReport(steps=3).to_dict()).steps
        3
        """
        return cls(**{**values, "evaluations": [Evaluation(**one) for one in values["evaluations"]]})


def tell_evaluation(progress: Progress | None, evaluation: Evaluation, questions: int) -> None:
    """Report an evaluation on a number of questions to the callback, if an answer was known."""
    if progress is not None and evaluation.val_loss is not None:
        text = f"val {evaluation.val_accuracy:.1%}, loss {evaluation.val_loss:.3f}"
        progress(DetailedStage("evaluating", text), questions, questions)


class Meter:
    """Counts questions, sequences and tokens over time and reports twice a second to the progress callback.

    The stage that the callback gets is a `DetailedStage`: loss and accuracy since the last evaluation, the
    last val accuracy, questions a second and the time left.
    """

    def __init__(self, progress: Progress | None, steps: int, done: int = 0) -> None:
        self._progress = progress
        self._steps = steps
        self._at_start = done
        self._last = float("-inf")
        self._since: float | None = None
        self.seconds = 0.0
        self.questions = 0
        self.sequences = 0
        self.tokens = 0

    def start(self) -> None:
        """Start the clock, unless it runs."""
        if self._since is None:
            self._since = time.perf_counter()

    def stop(self) -> None:
        """Stop the clock, for an evaluation or a checkpoint."""
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None

    def count(self, questions: int, sequences: int, tokens: int) -> None:
        """Add the work of a step."""
        self.questions += questions
        self.sequences += sequences
        self.tokens += tokens

    @property
    def elapsed(self) -> float:
        """Seconds the clock has run."""
        return self.seconds + (0.0 if self._since is None else time.perf_counter() - self._since)

    def rate(self, count: int) -> float:
        """A count per second."""
        return count / self.elapsed if self.elapsed > 0 else 0.0

    def due(self, evaluated: bool) -> bool:
        """Whether it is time to report, as always before an evaluation; asking does not wait for the device."""
        waited = time.perf_counter() - self._last >= _SECONDS_BETWEEN
        return self._progress is not None and (waited or evaluated)

    def tell(self, step: int, loss: float, accuracy: float, val_accuracy: float | None) -> None:
        """Report the progress at `step` to the callback."""
        if self._progress is None:
            return
        self._last = time.perf_counter()
        parts = [f"loss {loss:.3f}", f"accuracy {accuracy:.1%}"]
        if val_accuracy is not None:
            parts.append(f"val {val_accuracy:.1%}")
        parts.append(f"{self.rate(self.questions):.1f} questions/s")
        if step > self._at_start:
            left = self.elapsed / (step - self._at_start) * (self._steps - step)
            parts.append(f"{_clock(left)} left")
        self._progress(DetailedStage("training", ", ".join(parts)), step, self._steps)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
