"""Encoders with texts of `features`: sentences that an encoder reads, vectors of an encoder for LightGBM."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.registry import Baseline
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.progress import Progress, no_progress, remark

if TYPE_CHECKING:
    from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings, OnnxEncoder
    from cmexam_baseline.features import Corpus, Embedder, SentenceRetriever

SENTENCES = "sentences.npz"


class EvidenceEncoder(Estimator):
    """An encoder that reads the best sentences of its training questions, and of a corpus, beside every option.

    encoder_settings: an `EncoderSettings` (default: all its defaults); with `evidence=0` the encoder alone
    corpus:           as for `LightGBMBaseline`; needs evidence
    random_state:     seed of everything random
    checkpoints:      folder for checkpoints and logs, from which a repeated `fit` resumes (default: none)

    A question never gets a sentence of its own explanation or of a copy of it, in training or prediction.
    Learned attributes: `encoder_`, `sentences_` (None without evidence), `corpus_` (what was read of the corpus).

    >>> EvidenceEncoder(random_state=3).get_params()
    {'checkpoints': None, 'corpus': None, 'encoder_settings': None, 'random_state': 3}
    """

    encoder_: EncoderBaseline
    sentences_: SentenceRetriever | None
    corpus_: Corpus | None = None

    def __init__(
        self,
        encoder_settings: EncoderSettings | None = None,
        *,
        random_state: int = 0,
        corpus: Any = None,
        checkpoints: Path | None = None,
    ) -> None:
        self.encoder_settings = encoder_settings
        self.corpus = corpus
        self.random_state = random_state
        self.checkpoints = checkpoints

    @property
    def settings(self) -> dict[str, Any]:
        """The encoder's settings and its number of parameters."""
        self._check_is_fitted()
        description, sentences = self.encoder_.description_, self.sentences_
        found = {**description.settings.to_dict(), "n_parameters": description.report.n_parameters}
        return {**found, "passages": sentences.n_passages} if sentences and sentences.n_passages else found

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> EvidenceEncoder:
        """Collect the sentences of `exam`, find those of every option, train.

        With `val`, the weights of the best evaluation on it are kept. `from_other_exam` changes nothing: an
        encoder learns from all questions alike. Raises `InputError` if the GPU, the weights, the data or the
        settings do not allow it.
        """
        from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings

        settings = replace(self.encoder_settings or EncoderSettings(), random_state=self.random_state)
        sentences = None
        if settings.evidence:
            from cmexam_baseline.features import SentenceRetriever
            from cmexam_baseline.features.corpus import training_corpus

            report = progress or no_progress
            self.corpus_ = None if self.corpus is None else training_corpus(self.corpus, exam, val, report)
            sentences = SentenceRetriever.fit(exam, report, self.corpus_)
        elif self.corpus is not None:
            raise InputError("an encoder reads the `corpus` as evidence; set `evidence` to 1 or more")
        if self.checkpoints is not None and any((self.checkpoints / "checkpoints").glob("step-*")):
            remark(progress, f"resuming from the checkpoints in {self.checkpoints}")
        find = None if sentences is None else partial(_find, sentences, settings.evidence)
        encoder = EncoderBaseline.from_settings(settings, checkpoints=self.checkpoints, find_evidence=find)
        self.encoder_ = encoder.fit(exam, val, progress=progress)
        self.sentences_ = sentences
        trained = self.encoder_.report_
        if trained.stopped_early:
            remark(
                progress,
                f"stopped early after {trained.steps:,} steps: val did not improve in {settings.patience} "
                "evaluations; the best weights are kept",
            )
        remark(progress, trained.summary())
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers and option probabilities. Raises `NotFittedError` before `fit` or `load`."""
        self._check_is_fitted()
        return self.encoder_.predict(exam, progress)

    def save(self, folder: Path) -> None:
        """Write the encoder and beside it the sentences; under several processes only the first writes."""
        from cmexam_baseline.encoders import is_main_process

        self._check_is_fitted()
        self.encoder_.save(folder)
        if is_main_process():
            self.save_sentences(folder)

    def save_sentences(self, folder: Path) -> None:
        """Write the sentences, if it reads any, and what its corpus goes without, into an existing folder."""
        if self.sentences_ is not None:
            self.sentences_.save(folder / SENTENCES)
        if self.corpus_ is not None:
            write_atomically(folder / self.corpus_.LEFT_OUT_FILE, self.corpus_.left_out_csv().encode())

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> EvidenceEncoder:
        """What `save` wrote; raises `InputError` if something is missing or damaged."""
        from cmexam_baseline.encoders import EncoderBaseline

        encoder = EncoderBaseline.load(folder, device)
        settings = encoder.description_.settings
        loaded = cls(settings, random_state=settings.random_state)
        loaded.encoder_, loaded.sentences_ = encoder, _load_sentences(encoder, folder)
        return loaded


def load_onnx(folder: Path) -> OnnxEncoder:
    """The encoder that `export --onnx` wrote, with its sentences; raises `InputError` if a file or a package is missing."""
    from cmexam_baseline.encoders import OnnxEncoder

    encoder = OnnxEncoder.load(folder)
    _load_sentences(encoder, folder)
    return encoder


def make_embedder(name_or_path: str) -> Embedder:
    """The `features.Embedder` over an encoder's mean-pooled vectors; `InputError` if it is not available."""
    from cmexam_baseline.encoders import embed_texts, find_model, weights_fingerprint
    from cmexam_baseline.features import Embedder

    fingerprint = weights_fingerprint(find_model(name_or_path))
    return Embedder(name_or_path, fingerprint, partial(embed_texts, name_or_path))


def restore_embedder(model: Baseline, name_or_path: str | None) -> None:
    """Give a loaded model the encoder it was trained with: `name_or_path`, or the place in its settings."""
    if "embeddings" not in model.settings:
        raise InputError("this run was trained without embeddings; omit `embeddings`")
    name = model.settings["embeddings"]["name"]
    try:
        embedder = make_embedder(name_or_path or name)
    except InputError as error:
        raise InputError(
            f"the run was trained with embeddings of {name}, and {error}; or name the place of those weights with"
            " `embeddings`"
        ) from error
    model.use_embedder(embedder)  # type: ignore[attr-defined]  # models with embeddings have it


def _load_sentences(encoder: EncoderBaseline | OnnxEncoder, folder: Path) -> SentenceRetriever | None:
    """Give a loaded encoder the sentences beside it, if it reads any."""
    settings = encoder.description_.settings
    if not settings.evidence:
        return None
    from cmexam_baseline.features import SentenceRetriever

    sentences = SentenceRetriever.load(folder / SENTENCES)
    encoder.find_evidence = partial(_find, sentences, settings.evidence)
    return sentences


def _find(sentences: SentenceRetriever, n: int, exam: Exam, progress: Progress | None) -> Any:
    return sentences.find(exam, n, progress or no_progress)
