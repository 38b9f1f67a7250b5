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

from cmexam_baseline.encoders.batches import Batches
from cmexam_baseline.encoders.cache import fingerprint
from cmexam_baseline.encoders.checkpoints import Checkpoints
from cmexam_baseline.encoders.decision import Decision, initial_size_bias
from cmexam_baseline.encoders.devices import device_facts, is_main_process
from cmexam_baseline.encoders.frozen_layers import cache_states
from cmexam_baseline.encoders.heads import PoolingScorer, Scorer, build_scorer
from cmexam_baseline.encoders.model_io import Description, check_files, load_head, load_model, save_model
from cmexam_baseline.encoders.models import (
    check_ids,
    find_model,
    load_config,
    load_tokenizer,
    trained_folder,
    weights_fingerprint,
)
from cmexam_baseline.encoders.optimization import apply_tuning
from cmexam_baseline.encoders.runtime import Runtime, start_runtime, tokens_to_predict, tracker
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.sequences import Evidence, Layout, evidence_kind, refuse_other_evidence
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.encoders.training import Step, Trainer
from cmexam_baseline.encoders.training_report import Evaluation, TrainingReport
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress, no_progress

FindEvidence = Callable[[Exam, Progress], Evidence]
_DEFAULTS = {one.name: one.default for one in fields(EncoderSettings)}


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

    def batches(
        self, exam: Exam, evidence: Evidence | None = None, progress: Progress = no_progress
    ) -> Batches:
        """An exam as this model reads it; raises `InputError` for tokens that it does not know."""
        found = self.description.batches(exam, self.text_tokenizer, evidence, progress)
        check_ids(found.sequences.ids, self.scorer.encoder)
        return found

    def score(self, batches: Batches, progress: Progress) -> NDArray[np.float64]:
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

    They are stored as they are and checked by `fit`, which raises `InputError`. Learned attributes: `scorer_` (the
    torch module that gives every option its score), `description_` (settings, layout, decision), `report_`
    (evaluations, speed, memory). Under torchrun or accelerate launch every process makes the same calls; the first
    one writes.

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
        """The estimator with these settings; `others` are its further arguments."""
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
        rows = np.flatnonzero(exam.answers)
        if 0 < settings.max_train_questions < len(rows):
            random = np.random.default_rng([settings.random_state, len(rows)])
            exam = exam[np.sort(random.permutation(rows)[: settings.max_train_questions])]
        report = progress if progress is not None and not runtime.rank else no_progress
        # What this encoder cannot do is refused before sentences are looked up.
        model = untrained_model(settings, runtime, find_model(settings.model), exam)
        evidence, val_evidence = self._evidence(exam, report), self._evidence(val, report)
        kind = evidence_kind(exam, evidence)
        if settings.evidence and not kind:
            raise InputError(
                f"evidence is {settings.evidence}, but nothing finds sentences; pass `find_evidence`"
            )
        if val is not None and evidence_kind(val, val_evidence) != kind:
            raise InputError("val needs evidence of the same kind as the training questions")
        model.description = replace(model.description, evidence=kind)
        train = model.batches(exam, evidence, report)
        held_out = None if val is None else model.batches(val, val_evidence, report)
        exams = [train, *([] if held_out is None else [held_out])]
        cached, weights = 0, model.description.base["fingerprint"]
        for batches in exams:
            most, tokens = int(settings.cache_gigabytes * 1e9), tokens_to_predict(0, runtime.device)
            cached += cache_states(model.scorer, batches, runtime, tokens, most, weights, cached, report)
        checkpoints = None
        if self.checkpoints is not None:
            identity = [repr(sorted(settings.training_identity().items())), weights, *map(_content, exams)]
            checkpoints = Checkpoints(Path(self.checkpoints) / "checkpoints", fingerprint(identity))
        with tracker(settings, self.checkpoints, runtime) as log:
            trainer = Trainer(
                model.scorer, settings, runtime, train, held_out, checkpoints, report,
                self.on_step, [log, *([] if self.on_evaluation is None else [self.on_evaluation])],
            )  # fmt: skip
            found = replace(trainer.run(), cache_bytes=cached)
        scores = trainer.best_scores
        if settings.tuning == "lora":
            model.scorer.adapter[0].merge_and_unload()
            model.scorer.adapter = ()
            scores = None
        decision = Decision(settings.loss, tuple(model.scorer.size_bias.detach().double().cpu().tolist()))
        model.description = replace(model.description, decision=decision, report=found)
        if val is not None and held_out is not None:
            model.scores = model.score(held_out, no_progress) if scores is None else scores
            model.scored = _content(held_out)
            decision = decision.chosen_on(model.scores, val.option_offsets, val.questions, val.answers)
            model.description = replace(model.description, decision=decision)
        self.fitted_ = model
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers (n,), bit masks, and the probability of every option to be right, flat, in the exam's order.

        With `loss="softmax"` it is the probability to be the only right one: those of a question add up to 1. Raises
        `NotFittedError` before `fit` or `load`, and `InputError` if `find_evidence` is missing or finds sentences of
        another kind than in training.
        """
        self._check_is_fitted()
        fitted = self.fitted_
        report = progress if progress is not None and not fitted.runtime.rank else no_progress
        evidence = self._evidence(exam, report)
        refuse_other_evidence(exam, evidence, fitted.description.evidence)
        scores = fitted.score(fitted.batches(exam, evidence, report), report)
        return fitted.description.decision.predictions(exam, scores)

    @property
    def report_(self) -> TrainingReport:
        """The figures of training; kept by `save` and `load`."""
        return self.description_.report

    @property
    def description_(self) -> Description:
        """Settings, layout and how scores become answers; kept by `save` and `load`."""
        self._check_is_fitted()
        return self.fitted_.description

    @property
    def scorer_(self) -> Scorer:
        """The torch module that gives every option its score."""
        self._check_is_fitted()
        return self.fitted_.scorer

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write model, tokenizer and settings to a new folder; under several processes only the first writes.

        Raises `NotFittedError` before `fit` or `load`, and `InputError` if the folder is not empty and
        `overwrite` is not set.
        """
        self._check_is_fitted()
        fitted = self.fitted_
        if is_main_process():
            save_model(Path(folder), fitted.scorer, fitted.tokenizer, fitted.description, overwrite)
        fitted.runtime.wait()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], device: str = "auto") -> EncoderBaseline:
        """The baseline that `save` wrote, on a device (auto, cpu or cuda); runs no code from the folder.

        It computes in the precision of its training, on another kind of device in that one's default. One that was
        trained with evidence predicts after `set_params(find_evidence=...)`. Raises `InputError` if something is
        missing or damaged.
        """
        path = Path(folder)
        check_files(path)
        description = Description.read(path)
        report, facts = description.report, device_facts(device)
        # As it was trained, so that it answers as it did then; another device may not have that precision.
        precision = report.precision if facts.name == report.device else "auto"
        runtime = start_runtime(replace(description.settings, device=device, precision=precision))
        scorer = load_model(path, description).to(runtime.device)
        tokenizer = load_tokenizer(path)
        text_tokenizer = TextTokenizer.from_file(path / "tokenizer.json", description.template)
        baseline = cls.from_settings(description.settings)
        baseline.fitted_ = FittedModel(scorer, tokenizer, text_tokenizer, description, runtime)
        return baseline

    def _evidence(self, exam: Exam | None, progress: Progress) -> Evidence | None:
        return None if exam is None or self.find_evidence is None else self.find_evidence(exam, progress)


# help() and scikit-learn read the arguments here; they are written down once, in EncoderSettings.
_ARGUMENTS = inspect.signature(EncoderBaseline.__init__)
vars(EncoderBaseline.__init__)["__signature__"] = _ARGUMENTS.replace(
    parameters=[
        *list(_ARGUMENTS.parameters.values())[:-1],
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in _DEFAULTS.items()
            if name != "model"
        ),
    ]
)


def untrained_model(settings: EncoderSettings, runtime: Runtime, base: Path, exam: Exam) -> FittedModel:
    """The model in `base`, ready to be trained on the questions of `exam`.

    Its head is new, or the one in `base` if that holds a trained encoder. Raises `InputError` if that has
    another head than the settings.
    """
    tokenizer = load_tokenizer(base)
    text_tokenizer = TextTokenizer.from_transformers(tokenizer, load_config(base))
    trained = trained_folder(base)
    size_bias = initial_size_bias(exam.answers, exam.n_options)
    if trained is not None:
        check_files(trained)
        description = Description.read(trained)
        kept = description.settings
        for name, has, wanted in (
            ("head", kept.head, settings.head), ("pooling", kept.pooling_used, settings.pooling_used),
            ("loss", kept.loss, settings.loss),
        ):  # fmt: skip
            if has != wanted:
                raise InputError(
                    f'{trained} was trained with {name} {has!r}; use `{name}="{has}"` to train it further, or give'
                    f" the pretrained model {description.base.get('model', '')}"
                )
        size_bias = np.array(description.decision.size_bias)
    scorer = build_scorer(base, settings, size_bias)
    if trained is not None:
        if isinstance(scorer, PoolingScorer):
            load_head(scorer, trained)
        scorer.all_new = False
    apply_tuning(scorer, settings)
    if settings.freeze_layers:
        scorer.freeze(settings.freeze_layers)
    most = scorer.most_positions or settings.max_length
    new = Description(
        settings, text_tokenizer.template, Layout(settings.head, min(settings.max_length, most)),
        Decision(settings.loss, tuple(size_bias.tolist())),
        base={"model": settings.model, "fingerprint": weights_fingerprint(base)},
    )  # fmt: skip
    return FittedModel(scorer.to(runtime.device), tokenizer, text_tokenizer, new, runtime)


def _content(batches: Batches) -> str:
    """The fingerprint of the sequences and answers of an exam."""
    data = batches.sequences
    arrays = (batches.answers, data.ids, data.segments, data.offsets, data.option_offsets)
    return fingerprint([array.tobytes() for array in arrays])
