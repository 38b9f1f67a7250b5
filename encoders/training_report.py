"""What a training run did, in figures; and what it says of itself while it runs."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from cmexam_baseline.exam.progress import DetailedStage, Progress

_SECONDS_BETWEEN = 0.5


@dataclass(frozen=True)
class Evaluation:
    """How the model did at a step: on training questions since the last one, and on val (shares, 0 to 1)."""

    step: int
    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None = None
    val_accuracy: float | None = None


@dataclass
class TrainingReport:
    """The evaluations of a run, the step whose weights were kept, and what it cost.

    Rates count training alone, without evaluation; peak memory is the card's, or the process's on a CPU.
    Steps are skipped where gradients overflow in fp16.
    Parameters count the encoder, the head and what tuning added; trained ones those that training moves.
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
        """The val accuracy of the weights that were kept, by the loss's own most probable answer."""
        return next((one.val_accuracy for one in self.evaluations if one.step == self.best_step), None)

    def summary(self) -> str:
        """Speed, memory and what was cut, in one line for a terminal.

        >>> cut = {"questions": 2, "options": 1, "tokens": 73, "evidence": 0}
        >>> TrainingReport(device="Tesla V100", precision="fp16", truncation=cut).summary()
        'Tesla V100, fp16: 0.0 sequences/s, 0.0 questions/s, peak memory 0.0 GB; 2 questions and 1 options cut by \
73 tokens'
        """
        said = (
            f"{self.device}, {self.precision}: {self.sequences_per_second:.1f} sequences/s,"
            f" {self.questions_per_second:.1f} questions/s, peak memory {self.peak_memory_bytes / 1e9:.1f} GB"
        )
        if self.skipped_steps:
            said += f"; {self.skipped_steps} of {self.steps} steps skipped, their gradients overflowed"
        cut = self.truncation
        if cut.get("tokens"):
            said += (
                f"; {cut['questions']} questions and {cut['options']} options cut by {cut['tokens']} tokens"
            )
        if cut.get("evidence"):
            said += f"; evidence of {cut['evidence']} options or questions cut"
        return said

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
    """Tell the callback how an evaluation on so many questions came out, where an answer was known."""
    if progress is not None and evaluation.val_loss is not None:
        said = f"val {evaluation.val_accuracy:.1%}, loss {evaluation.val_loss:.3f}"
        progress(DetailedStage("evaluating", said), questions, questions)


class Meter:
    """Counts questions, sequences and tokens over time and tells the progress callback twice a second.

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
        """Run the clock, if it does not run yet."""
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
        """So many a second."""
        return count / self.elapsed if self.elapsed > 0 else 0.0

    def due(self, stretch_ends: bool) -> bool:
        """Whether it is time to tell, as always where a stretch of training ends.

        Asking costs nothing, telling waits for the device.
        """
        waited = time.perf_counter() - self._last >= _SECONDS_BETWEEN
        return self._progress is not None and (waited or stretch_ends)

    def tell(self, step: int, loss: float, accuracy: float, val_accuracy: float | None) -> None:
        """Tell the callback how it goes at `step`."""
        if self._progress is None:
            return
        self._last = time.perf_counter()
        said = [f"loss {loss:.3f}", f"accuracy {accuracy:.1%}"]
        if val_accuracy is not None:
            said.append(f"val {val_accuracy:.1%}")
        said.append(f"{self.rate(self.questions):.1f} questions/s")
        if step > self._at_start:
            left = self.elapsed / (step - self._at_start) * (self._steps - step)
            said.append(f"{_clock(left)} left")
        self._progress(DetailedStage("training", ", ".join(said)), step, self._steps)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
