"""EncoderBaseline: a fine-tuned encoder as a scikit-learn style estimator."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.batch_sizing import tokens_to_predict
from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.cache import fingerprint
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.decision import Decision, initial_size_bias
from cmexam_baseline.encoders.devices import is_main_process
from cmexam_baseline.encoders.frozen_layers import cache_states
from cmexam_baseline.encoders.heads import PoolingScorer, Scorer, build_scorer, most_positions
from cmexam_baseline.encoders.model_io import Description, load_head, load_model, save_model
from cmexam_baseline.encoders.models import (
    find_model,
    load_config,
    load_tokenizer,
    trained_folder,
    weights_fingerprint,
)
from cmexam_baseline.encoders.peft_tuning import apply_tuning, merge_adapter
from cmexam_baseline.encoders.runtime import Runtime, start_runtime, tracker
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.sequences import (
    Evidence,
    Layout,
    encode_exam,
    evidence_kind,
    refuse_other_evidence,
)
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.encoders.training import Hooks, Step, Trainer
from cmexam_baseline.encoders.training_report import Evaluation, TrainingReport
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress

FindEvidence = Callable[[Exam, Progress | None], Evidence]
_DEFAULTS = {one.name: one.default for one in fields(EncoderSettings)}
_OTHERS = ("find_evidence", "checkpoints", "on_step", "on_evaluation")


@dataclass
class FittedModel:
    """The result of training or loading."""

    scorer: Scorer
    tokenizer: Any
    text_tokenizer: TextTokenizer
    description: Description
    runtime: Runtime
    scored: str = ""
    scores: NDArray[np.float64] | None = None

    def batches(self, exam: Exam, evidence: Evidence | None, progress: Progress | None) -> Batches:
        """An exam as this model reads it."""
        description = self.description
        sequences = encode_exam(
            exam, self.text_tokenizer, description.layout, evidence,
            description.settings.evidence_tokens, progress,
        )  # fmt: skip
        return Batches(sequences, description.template, exam.answers)

    def score(self, batches: Batches, progress: Progress | None) -> NDArray[np.float64]:
        """Flat scores (options,); those of the val questions of training are kept."""
        if self.scores is not None and _content(batches) == self.scored:
            return self.scores
        tokens = tokens_to_predict(self.description.report.batch_tokens, self.runtime.device)
        return score_all(self.scorer, batches, self.runtime, tokens, progress=progress)


class EncoderBaseline(Estimator):
    """A Chinese encoder fine-tuned to choose the right options, as a scikit-learn style estimator.

    Arguments are the fields of `EncoderSettings`, and

    find_evidence: function of an exam and a progress callback that returns a list of sentences per question,
        or per option; it must not return a question's own explanation. Called by `fit` and `predict`.
    checkpoints: folder for checkpoints and logs; a call of `fit` that was killed is resumed when repeated
    on_step, on_evaluation: called with a `Step` after each training step, an `Evaluation` after each evaluation

    They are stored as they are and checked by `fit`. Learned attributes: `scorer_` (the torch module that gives
    every option its score), `description_` (settings, layout, decision), `report_` (evaluations, speed, memory).
    Under torchrun or accelerate launch every process makes the same calls; the first one writes.

    >>> baseline = EncoderBaseline(head="joint", epochs=5)
    >>> baseline.head, baseline.get_params()["epochs"], baseline.set_params(epochs=2)
    ('joint', 5, EncoderBaseline(epochs=2, head='joint'))
    """

    fitted_: FittedModel

    def __init__(
        self, model: str = "bert", *, find_evidence: FindEvidence | None = None,
        checkpoints: str | os.PathLike[str] | None = None,
        on_step: Callable[[Step], object] | None = None,
        on_evaluation: Callable[[Evaluation], object] | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        self.find_evidence = find_evidence
        self.checkpoints = checkpoints
        self.on_step = on_step
        self.on_evaluation = on_evaluation
        if not settings.keys() <= _DEFAULTS.keys():
            EncoderSettings.from_dict(settings, "EncoderBaseline")  # which suggests the nearest names
        for name, value in {**_DEFAULTS, "model": model, **settings}.items():
            setattr(self, name, value)

    @classmethod
    def from_settings(cls, settings: EncoderSettings, **others: Any) -> EncoderBaseline:
        """The estimator with these settings; `others` are its further arguments.

        >>> EncoderBaseline.from_settings(EncoderSettings(epochs=7)).epochs
        7
        """
        return cls(**settings.to_dict(), **others)

    @property
    def settings(self) -> EncoderSettings:
        """The arguments that are settings, checked: raises `InputError` if one is wrong."""
        return EncoderSettings(**{name: getattr(self, name) for name in _DEFAULTS})

    def fit(
        self, exam: Exam, val: Exam | None = None, *, progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> EncoderBaseline:  # fmt: skip
        """Train on the questions of `exam` that have an answer; returns itself.

        With `val`, the weights of the best evaluation on it are kept and the decoding is chosen on it.
        `from_other_exam`, bool (n,), is accepted as by every baseline: an encoder learns from all questions
        alike. Raises `InputError` if the GPU, the weights, the data or the settings do not allow it.
        """
        settings, runtime = self.settings, start_runtime(self.settings)
        if from_other_exam is not None and len(from_other_exam) != len(exam):
            raise InputError(f"from_other_exam has {len(from_other_exam)} values for {len(exam)} questions")
        exam = _some(exam, settings)
        progress = progress if runtime.rank == 0 else None
        base = find_model(settings.model)
        evidence, val_evidence = self._evidence(exam, progress), self._evidence(val, progress)
        kind = evidence_kind(exam, evidence)
        if settings.evidence and not kind:
            raise InputError(
                f"evidence is {settings.evidence}, but nothing finds sentences; pass `find_evidence`"
            )
        if val is not None and evidence_kind(val, val_evidence) != kind:
            raise InputError("val needs evidence of the same kind as the training questions")
        model = untrained_model(settings, runtime, base, exam, kind)
        train = model.batches(exam, evidence, progress)
        held_out = None if val is None else model.batches(val, val_evidence, progress)
        cache_bytes = _cache_lower_layers(model, settings, base, train, held_out, progress)
        checkpoints = _checkpoints(self.checkpoints, settings, model, train, held_out)
        with tracker(settings, self.checkpoints, runtime) as tracking:
            trainer = Trainer(
                model.scorer, settings, runtime, train, held_out, checkpoints, tracking, progress,
                Hooks(self.on_step, self.on_evaluation),
            )  # fmt: skip
            report = replace(trainer.run(), cache_bytes=cache_bytes)
        scores = trainer.best_scores
        if model.scorer.adapter and settings.tuning == "lora":
            merge_adapter(model.scorer)
            scores = None
        bias = model.scorer.size_bias.detach().double().cpu().tolist()
        decision = Decision(settings.loss, tuple(bias))
        model.description = replace(model.description, decision=decision, report=report)
        if val is not None and held_out is not None:
            model.scores = model.score(held_out, None) if scores is None else scores
            model.scored = _content(held_out)
            decision = decision.chosen_on(model.scores, val.option_offsets, val.questions, val.answers)
            model.description = replace(model.description, decision=decision)
        self.fitted_ = model
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers and option probabilities, in the exam's order.

        Raises `NotFittedError` before `fit` or `load`, and `InputError` if `find_evidence` is missing or finds
        sentences of another kind than in training.
        """
        fitted = self._trained()
        progress = progress if fitted.runtime.rank == 0 else None
        evidence = self._evidence(exam, progress)
        refuse_other_evidence(exam, evidence, fitted.description.evidence)
        scores = fitted.score(fitted.batches(exam, evidence, progress), progress)
        return fitted.description.decision.predictions(exam, scores)

    @property
    def report_(self) -> TrainingReport:
        """The figures of training; kept by `save` and `load`."""
        return self.description_.report

    @property
    def description_(self) -> Description:
        """Settings, layout and how scores become answers; kept by `save` and `load`."""
        return self._trained().description

    @property
    def scorer_(self) -> Scorer:
        """The torch module that gives every option its score."""
        return self._trained().scorer

    @property
    def text_tokenizer_(self) -> TextTokenizer:
        """The tokenizer of questions and options without special tokens."""
        return self._trained().text_tokenizer

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write model, tokenizer and settings to a new folder; under several processes only the first writes.

        Raises `NotFittedError` before `fit` or `load`, and `InputError` if the folder is not empty and
        `overwrite` is not set.
        """
        fitted = self._trained()
        if is_main_process():
            save_model(Path(folder), fitted.scorer, fitted.tokenizer, fitted.description, overwrite)
        fitted.runtime.wait()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], device: str = "auto") -> EncoderBaseline:
        """The baseline that `save` wrote, on a device (auto, cpu or cuda); runs no code from the folder.

        One that was trained with evidence predicts after `set_params(find_evidence=...)`. Raises `InputError`
        if something is missing or damaged.
        """
        path = Path(folder)
        description = Description.read(path)
        runtime = start_runtime(replace(description.settings, device=device, precision="auto"))
        scorer = load_model(path, description).to(runtime.device)
        tokenizer = load_tokenizer(path)
        text_tokenizer = TextTokenizer.from_file(path / "tokenizer.json", description.template)
        baseline = cls.from_settings(description.settings)
        baseline.fitted_ = FittedModel(scorer, tokenizer, text_tokenizer, description, runtime)
        return baseline

    def _evidence(self, exam: Exam | None, progress: Progress | None) -> Evidence | None:
        if exam is None or self.find_evidence is None:
            return None
        return self.find_evidence(exam, progress)

    def _trained(self) -> FittedModel:
        self._check_is_fitted()
        return self.fitted_


def _signature() -> inspect.Signature:
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in {**_DEFAULTS, **dict.fromkeys(_OTHERS)}.items()
        if name != "model"
    ]
    first = [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        inspect.Parameter("model", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=_DEFAULTS["model"]),
    ]
    return inspect.Signature([*first, *named])


# help() and scikit-learn read the arguments here; they are written down once, in EncoderSettings.
vars(EncoderBaseline.__init__)["__signature__"] = _signature()


def untrained_model(
    settings: EncoderSettings, runtime: Runtime, base: Path, exam: Exam, evidence: str
) -> FittedModel:
    """The model in `base`, ready to be trained on the questions of `exam`.

    Its head is new, or the one in `base` if that holds a trained encoder. Raises `InputError` if that has
    another head than the settings.
    """
    tokenizer = load_tokenizer(base)
    text_tokenizer = TextTokenizer.from_transformers(tokenizer, load_config(base))
    trained = trained_folder(base)
    size_bias = initial_size_bias(exam.answers, exam.n_options)
    if trained is not None:
        size_bias = np.array(_same_head(trained, settings).decision.size_bias)
    scorer = build_scorer(base, settings, size_bias)
    if trained is not None:
        if isinstance(scorer, PoolingScorer):
            load_head(scorer, trained)
        scorer.all_new = False
    apply_tuning(scorer, settings)
    if settings.freeze_layers:
        scorer.freeze(settings.freeze_layers)
    description = Description(
        settings, text_tokenizer.template, _layout(settings, scorer),
        Decision(settings.loss, tuple(size_bias.tolist())), evidence,
        base={"model": settings.model, "fingerprint": weights_fingerprint(base)},
    )  # fmt: skip
    return FittedModel(scorer.to(runtime.device), tokenizer, text_tokenizer, description, runtime)


def _same_head(folder: Path, settings: EncoderSettings) -> Description:
    description = Description.read(folder)
    for name in ("head", "pooling_used", "joint_attention", "loss"):
        found = getattr(description.settings, name)
        if found != getattr(settings, name) and (name != "joint_attention" or settings.head == "joint"):
            name = name.removesuffix("_used")
            raise InputError(
                f'{folder} was trained with {name} {found!r}; use `{name}="{found}"` to train it further, or give'
                f" the pretrained model {description.base.get('model', '')}"
            )
    return description


def _layout(settings: EncoderSettings, scorer: Scorer) -> Layout:
    most = most_positions(scorer)
    return Layout(
        head=settings.head,
        blocks=settings.head == "joint" and settings.joint_attention == "blocks",
        max_length=settings.max_length if most is None else min(settings.max_length, most),
    )


def _some(exam: Exam, settings: EncoderSettings) -> Exam:
    """The questions to train on: all, or `max_train_questions` that have an answer, in their order."""
    rows = np.flatnonzero(exam.answers)
    if not 0 < settings.max_train_questions < len(rows):
        return exam
    random = np.random.default_rng([settings.random_state, len(rows)])
    return exam[np.sort(random.permutation(rows)[: settings.max_train_questions])]


def _cache_lower_layers(
    model: FittedModel, settings: EncoderSettings, base: Path, train: Batches, val: Batches | None,
    progress: Progress | None,
) -> int:  # fmt: skip
    """Cache the output of frozen layers for both exams; returns its size in bytes."""
    used = 0
    for batches in (train, val) if settings.freeze_layers else ():
        if batches is not None:
            tokens = tokens_to_predict(0, model.runtime.device)
            limit, weights = int(settings.cache_gigabytes * 1e9), model.description.base["fingerprint"]
            used += cache_states(model.scorer, batches, model.runtime, tokens, limit, weights, used, progress)
    return used


def _checkpoints(
    folder: str | os.PathLike[str] | None, settings: EncoderSettings, model: FittedModel, train: Batches,
    val: Batches | None,
) -> Checkpoints | None:  # fmt: skip
    """Checkpoints in the folder, of a run that is identified by its settings, weights and questions."""
    if folder is None:
        return None
    parts = [repr(sorted(settings.training_identity().items())), model.description.base["fingerprint"]]
    parts += [_content(batches) for batches in (train, val) if batches is not None]
    return Checkpoints(Path(folder) / "checkpoints", fingerprint(parts))


def _content(batches: Batches) -> str:
    """The fingerprint of the sequences and answers of an exam."""
    data = batches.sequences
    arrays = (batches.answers, data.ids, data.segments, data.offsets, data.option_offsets)
    return fingerprint([array.tobytes() for array in arrays])
