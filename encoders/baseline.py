"""EncoderBaseline: fit, predict, save, load."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cmexam_baseline.encoders.answering import Answering
from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.cache import fingerprint
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.description import Description
from cmexam_baseline.encoders.devices import is_main_process
from cmexam_baseline.encoders.heads import Scorer, build_scorer, most_positions
from cmexam_baseline.encoders.inputs import Evidence, encode_exam, evidence_kind
from cmexam_baseline.encoders.memory import choose_batch_tokens, most_tokens_a_step, probe
from cmexam_baseline.encoders.models import find_model, load_tokenizer, weights_fingerprint
from cmexam_baseline.encoders.report import TrainingReport
from cmexam_baseline.encoders.runtime import Runtime, start_runtime, start_tracker
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.sequences import Layout, Sequences
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.storage import load_model, save_model
from cmexam_baseline.encoders.subsets import initial_size_bias
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.encoders.tuning import apply_tuning, merge_adapter
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions

Progress = Callable[[str, int, int], None]
_WORKERS = {"cuda": 2, "cpu": 0}


@dataclass
class _Fitted:
    """What training leaves, or loading brings back."""

    scorer: Scorer
    tokenizer: Any
    text_tokenizer: TextTokenizer
    description: Description
    runtime: Runtime


class EncoderBaseline:
    """A Chinese encoder fine-tuned to choose the right options.

    Settings are an `EncoderSettings`, or its fields by name. Under torchrun or accelerate launch every
    process makes the same calls; the first one writes.

    >>> EncoderBaseline(head="joint", epochs=5).settings.head
    'joint'
    """

    def __init__(self, settings: EncoderSettings | None = None, **changes: Any) -> None:
        self.settings = EncoderSettings.from_dict({**(settings or EncoderSettings()).to_dict(), **changes})
        self._fitted: _Fitted | None = None

    def fit(
        self, exam: Exam, val: Exam | None = None, progress: Progress | None = None, *,
        evidence: Evidence | None = None, val_evidence: Evidence | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> EncoderBaseline:  # fmt: skip
        """Train on the questions of `exam` that have an answer; returns itself.

        With `val`, the weights of the best evaluation there are kept and the decoding is chosen there.
        `evidence` and `val_evidence` hold a list of sentences for every question, or for every option.
        `folder` takes checkpoints and logs: a call that was killed goes on from there when it is repeated.
        Raises `InputError` if the card, the weights, the data or the settings do not allow it.
        """
        settings = self.settings
        runtime = start_runtime(settings)
        base = find_model(settings.model)
        tokenizer = load_tokenizer(base)
        text_tokenizer = TextTokenizer.from_transformers(tokenizer)
        kind = evidence_kind(exam, evidence)
        if val is not None and evidence_kind(val, val_evidence) != kind:
            raise InputError("val needs evidence of the same kind as the training questions")
        answers = _answers_with_options(exam)
        size_bias = initial_size_bias(answers, exam.n_options)
        scorer = build_scorer(base, settings, size_bias)
        apply_tuning(scorer, settings)
        scorer.to(runtime.device)
        layout = _layout(settings, scorer)

        def batches(questions: Exam, sentences: Evidence | None) -> Batches:
            sequences = encode_exam(
                questions, text_tokenizer, layout, sentences, settings.evidence_tokens,
                progress if runtime.rank == 0 else None,
            )  # fmt: skip
            return Batches(sequences, text_tokenizer.template, _answers_with_options(questions))

        train = batches(exam, evidence)
        held_out = batches(val, val_evidence) if val is not None else None
        workers = _WORKERS[runtime.device.type] if settings.workers is None else settings.workers
        work = None if folder is None else Path(folder)
        run = _fingerprint(
            settings, base, [train.sequences, held_out.sequences if held_out else None], answers
        )
        trainer = Trainer(
            scorer, settings, runtime, train, held_out, batch_tokens=0,
            checkpoints=None if work is None else Checkpoints(work / "checkpoints", run),
            tracker=start_tracker(settings, work) if runtime.rank == 0 else None,
            progress=progress, workers=workers,
        )  # fmt: skip
        trainer.batch_tokens = choose_batch_tokens(
            settings.batch_tokens, runtime.device, probe(trainer, scorer, train),
            most_tokens_a_step(train, settings.batch),
        )  # fmt: skip
        report = trainer.run()
        if scorer.adapter and not settings.apart:
            merge_adapter(scorer)
        bias = tuple(scorer.size_bias.detach().double().cpu().tolist())
        answering = Answering(settings.loss, bias)
        if held_out is not None and val is not None:
            scores = score_all(scorer, held_out, runtime, trainer.batch_tokens)
            answering = answering.chosen_on(scores, val.option_offsets, val.questions, held_out.answers)
        source = None
        if settings.apart:
            source = {"model": settings.model, "fingerprint": weights_fingerprint(base)}
        description = Description(settings, text_tokenizer.template, layout, answering, kind, report, source)
        self._fitted = _Fitted(scorer, tokenizer, text_tokenizer, description, runtime)
        return self

    @property
    def report(self) -> TrainingReport:
        """What training did and cost; kept by `save` and `load`."""
        return self._trained().description.report

    def predict(
        self, exam: Exam, progress: Progress | None = None, *, evidence: Evidence | None = None
    ) -> Predictions:
        """Answers and option probabilities, in the exam's order.

        Needs evidence of the kind that it was trained with, if any. Raises `InputError` before `fit` or
        `load`.
        """
        fitted = self._trained()
        description = fitted.description
        if evidence_kind(exam, evidence) != description.evidence:
            wanted = f"sentences a {description.evidence}" if description.evidence else "no evidence"
            raise InputError(f"the model was trained with {wanted}; predict with the same")
        sequences = encode_exam(
            exam, fitted.text_tokenizer, description.layout, evidence,
            description.settings.evidence_tokens, progress,
        )  # fmt: skip
        batches = Batches(sequences, description.template)
        most_tokens = description.report.batch_tokens or 4096
        scores = score_all(fitted.scorer, batches, fitted.runtime, most_tokens, progress=progress)
        return Predictions(
            ids=list(exam.ids),
            answers=description.answering.answers(scores, exam.option_offsets, exam.questions),
            option_scores=description.answering.probabilities(scores, exam.option_offsets),
            option_offsets=exam.option_offsets,
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write model, tokenizer and settings to a new folder; under several processes only the first writes.

        Raises `InputError` if the folder holds something already.
        """
        fitted = self._trained()
        if is_main_process():
            save_model(Path(folder), fitted.scorer, fitted.tokenizer, fitted.description)
        fitted.runtime.wait()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], device: str = "auto") -> EncoderBaseline:
        """The baseline that `save` wrote, on a device (auto, cpu or cuda); runs no code from the folder.

        Raises `InputError` if something is missing or damaged.
        """
        path = Path(folder)
        description = Description.read(path)
        settings = replace(description.settings, device=device, precision="auto")
        runtime = start_runtime(settings)
        scorer = load_model(path, description).to(runtime.device)
        tokenizer = load_tokenizer(path)
        text_tokenizer = TextTokenizer.from_file(path / "tokenizer.json", description.template)
        baseline = cls(description.settings)
        baseline._fitted = _Fitted(scorer, tokenizer, text_tokenizer, description, runtime)
        return baseline

    def _trained(self) -> _Fitted:
        if self._fitted is None:
            raise InputError("the encoder is not trained yet; call fit or load first")
        return self._fitted


def _layout(settings: EncoderSettings, scorer: Scorer) -> Layout:
    most = most_positions(scorer)
    return Layout(
        head=settings.head,
        blocks=settings.head == "joint" and settings.joint_attention == "blocks",
        marker=settings.pooling_used == "marker",
        max_length=settings.max_length if most is None else min(settings.max_length, most),
    )


def _answers_with_options(exam: Exam) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The answers, 0 where one names an option that the question does not have: it teaches nothing."""
    fits = exam.answers < (1 << exam.n_options)
    return np.where(fits, exam.answers, 0).astype(np.uint8)


# What may change between a killed run and its repetition without changing what is trained.
_FREE = ("device", "workers", "log_to", "batch_tokens", "checkpoint_every")


def _fingerprint(
    settings: EncoderSettings, base: Path, parts: list[Sequences | None], answers: np.ndarray[Any, Any]
) -> str:
    values = {name: value for name, value in settings.to_dict().items() if name not in _FREE}
    arrays = [
        array.tobytes()
        for part in parts
        if part is not None
        for array in (part.ids, part.segments, part.offsets, part.option_offsets)
    ]
    return fingerprint([repr(sorted(values.items())), weights_fingerprint(base), answers.tobytes(), *arrays])
