"""EncoderBaseline: fit, predict, save, load."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmexam_baseline.encoders.answer_sets import initial_size_bias
from cmexam_baseline.encoders.batch_sizing import tokens_to_predict
from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.cache import fingerprint
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.decision import Answering
from cmexam_baseline.encoders.devices import is_main_process
from cmexam_baseline.encoders.heads import Scorer, build_scorer, most_positions
from cmexam_baseline.encoders.inputs import Evidence, encode_exam, evidence_kind, refuse_other_evidence
from cmexam_baseline.encoders.model_description import Description
from cmexam_baseline.encoders.model_io import load_model, save_model
from cmexam_baseline.encoders.models import find_model, load_tokenizer, weights_fingerprint
from cmexam_baseline.encoders.peft_tuning import apply_tuning, merge_adapter
from cmexam_baseline.encoders.runtime import Runtime, start_runtime, tracker
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.sequences import Layout
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.encoders.training_report import TrainingReport
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress


@dataclass
class FittedModel:
    """What training leaves, or loading brings back."""

    scorer: Scorer
    tokenizer: Any
    text_tokenizer: TextTokenizer
    description: Description
    runtime: Runtime

    def batches(self, exam: Exam, evidence: Evidence | None, progress: Progress | None) -> Batches:
        """An exam as this model reads it."""
        description = self.description
        sequences = encode_exam(
            exam, self.text_tokenizer, description.layout, evidence,
            description.settings.evidence_tokens, progress,
        )  # fmt: skip
        return Batches(sequences, description.template, exam.answers)


class EncoderBaseline:
    """A Chinese encoder fine-tuned to choose the right options.

    Settings are an `EncoderSettings`, or its fields by name. Under torchrun or accelerate launch every
    process makes the same calls; the first one writes.

    >>> EncoderBaseline(head="joint", epochs=5).settings.head
    'joint'
    """

    def __init__(self, settings: EncoderSettings | None = None, **changes: Any) -> None:
        self.settings = EncoderSettings.from_dict({**(settings or EncoderSettings()).to_dict(), **changes})
        self._fitted: FittedModel | None = None

    def fit(
        self, exam: Exam, val: Exam | None = None, progress: Progress | None = None, *,
        evidence: Evidence | None = None, val_evidence: Evidence | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> EncoderBaseline:  # fmt: skip
        """Train on the questions of `exam` that have an answer; returns itself.

        With `val`, the weights of the best evaluation there are kept and the decoding is chosen there.
        `evidence` and `val_evidence` hold a list of sentences for every question, or for every option, such
        as `features.SentenceRetriever` finds without showing a question its own explanation.
        `folder` takes checkpoints and logs: a call that was killed goes on from there when it is repeated.
        Raises `InputError` if the card, the weights, the data or the settings do not allow it.
        """
        settings, runtime = self.settings, start_runtime(self.settings)
        kind = evidence_kind(exam, evidence)
        if settings.evidence and not kind:
            raise InputError(
                f"settings want {settings.evidence} sentences of evidence, but none are given; pass evidence="
            )
        if val is not None and evidence_kind(val, val_evidence) != kind:
            raise InputError("val needs evidence of the same kind as the training questions")
        base = find_model(settings.model)
        model = untrained_model(settings, runtime, base, exam, kind)
        said = progress if runtime.rank == 0 else None
        train = model.batches(exam, evidence, said)
        held_out = None if val is None else model.batches(val, val_evidence, said)
        checkpoints = _checkpoints(folder, settings, base, train, held_out)
        with tracker(settings, folder, runtime) as tracking:
            report = Trainer(
                model.scorer, settings, runtime, train, held_out, checkpoints, tracking, said
            ).run()
        if model.scorer.adapter and not settings.apart:
            merge_adapter(model.scorer)
        bias = model.scorer.size_bias.detach().double().cpu().tolist()
        answering = Answering(settings.loss, tuple(bias))
        if val is not None and held_out is not None:
            most_tokens = tokens_to_predict(report.batch_tokens, runtime.device)
            scores = score_all(model.scorer, held_out, runtime, most_tokens)
            answering = answering.chosen_on(scores, val.option_offsets, val.questions, val.answers)
        model.description = replace(model.description, answering=answering, report=report)
        self._fitted = model
        return self

    @property
    def report(self) -> TrainingReport:
        """What training did and cost; kept by `save` and `load`."""
        return self.description.report

    @property
    def description(self) -> Description:
        """Settings, layout and how scores become answers; kept by `save` and `load`."""
        return self._trained().description

    @property
    def scorer(self) -> Scorer:
        """The torch module that gives every option its score."""
        return self._trained().scorer

    @property
    def text_tokenizer(self) -> TextTokenizer:
        """The tokenizer of questions and options on their own."""
        return self._trained().text_tokenizer

    def predict(
        self, exam: Exam, progress: Progress | None = None, *, evidence: Evidence | None = None
    ) -> Predictions:
        """Answers and option probabilities, in the exam's order.

        Needs evidence of the kind that it was trained with, if any. Raises `InputError` before `fit` or
        `load`.
        """
        fitted, description = self._trained(), self.description
        refuse_other_evidence(exam, evidence, description.evidence)
        said = progress if fitted.runtime.rank == 0 else None
        batches = fitted.batches(exam, evidence, said)
        most_tokens = tokens_to_predict(description.report.batch_tokens, fitted.runtime.device)
        scores = score_all(fitted.scorer, batches, fitted.runtime, most_tokens, progress=said)
        return description.answering.predictions(exam, scores)

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write model, tokenizer and settings to a new folder; under several processes only the first writes.

        Raises `InputError` before `fit` or `load`, or if the folder holds something and `overwrite` is not
        set.
        """
        fitted = self._trained()
        if is_main_process():
            save_model(Path(folder), fitted.scorer, fitted.tokenizer, fitted.description, overwrite)
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
        baseline._fitted = FittedModel(scorer, tokenizer, text_tokenizer, description, runtime)
        return baseline

    def _trained(self) -> FittedModel:
        if self._fitted is None:
            raise InputError("the encoder is not trained yet; call fit or load first")
        return self._fitted


def untrained_model(
    settings: EncoderSettings, runtime: Runtime, base: Path, exam: Exam, evidence: str
) -> FittedModel:
    """The model in `base` with new weights on top, ready to be trained on the questions of `exam`."""
    tokenizer = load_tokenizer(base)
    text_tokenizer = TextTokenizer.from_transformers(tokenizer)
    size_bias = initial_size_bias(exam.answers, exam.n_options)
    scorer = build_scorer(base, settings, size_bias)
    apply_tuning(scorer, settings)
    description = Description(
        settings, text_tokenizer.template, _layout(settings, scorer),
        Answering(settings.loss, tuple(size_bias.tolist())), evidence,
        base={"model": settings.model, "fingerprint": weights_fingerprint(base)} if settings.apart else None,
    )  # fmt: skip
    return FittedModel(scorer.to(runtime.device), tokenizer, text_tokenizer, description, runtime)


def _layout(settings: EncoderSettings, scorer: Scorer) -> Layout:
    most = most_positions(scorer)
    return Layout(
        head=settings.head,
        blocks=settings.head == "joint" and settings.joint_attention == "blocks",
        marker=settings.pooling_used == "marker",
        max_length=settings.max_length if most is None else min(settings.max_length, most),
    )


def _checkpoints(
    folder: str | os.PathLike[str] | None, settings: EncoderSettings, base: Path, train: Batches,
    val: Batches | None,
) -> Checkpoints | None:  # fmt: skip
    """Checkpoints in the folder, of a run that is known by its settings, weights and questions."""
    if folder is None:
        return None
    arrays = [
        array.tobytes()
        for batches in (train, val)
        if batches is not None
        for array in (
            batches.answers,
            batches.sequences.ids,
            batches.sequences.segments,
            batches.sequences.offsets,
            batches.sequences.option_offsets,
        )  # fmt: skip
    ]
    run = fingerprint([repr(sorted(settings.decisive().items())), weights_fingerprint(base), *arrays])
    return Checkpoints(Path(folder) / "checkpoints", run)
