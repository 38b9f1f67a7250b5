"""LightGBM and an encoder as one model: the encoder's option scores are among the features of the trees."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
from cmexam_baseline.baselines.out_of_fold import (
    FoldCache,
    OofScores,
    fold_scores,
    hold_folder,
    leak_safe_folds,
    out_of_fold_scores,
)
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.io.manifest import (
    UNREADABLE,
    pack_arrays,
    read_manifest,
    unpack_arrays,
    write_manifest,
)
from cmexam_baseline.exam.progress import Progress, no_progress, prefix_progress
from cmexam_baseline.features import Embedder, LightGBMBaseline, score_columns

if TYPE_CHECKING:
    from cmexam_baseline.encoders import EncoderSettings
    from cmexam_baseline.features.arrays import Columns
    from cmexam_baseline.features.attribution import OptionAttribution
    from cmexam_baseline.features.corpus import Corpus

_KIND, _FORMAT = "cmexam-baseline ensemble", 1
_MANIFEST, _OOF_SCORES = "ensemble.json", "out_of_fold.npz"
_LIGHTGBM, _ENCODER = "lightgbm", "encoder"


class Ensemble(Estimator):
    """LightGBM with the option scores of an encoder among its features.

    encoder_settings: an `EncoderSettings` (default: all its defaults)
    n_folds:          parts of the training questions; each is scored by an encoder of the others
    random_state:     seed of both models and of the folds
    n_jobs:           threads for LightGBM (default: all processors)
    fold_jobs:        folds trained side by side, each in a process; needs `checkpoints`
    corpus:           as for `LightGBMBaseline`; the encoder reads it, too, where it reads evidence
    embedder:         as for `LightGBMBaseline`
    checkpoints:      folder for checkpoints and finished folds, from which a repeated `fit` resumes

    No score that the trees read comes from an encoder that saw the question or a duplicate of it: training
    questions get out-of-fold scores, and keep them when they are asked again. Other questions are scored by an
    encoder of all training questions. Learned attributes: `encoder_`, `lightgbm_`, `oof_scores_`.

    >>> Ensemble(n_folds=5)
    Ensemble(n_folds=5)
    """

    encoder_: EvidenceEncoder
    lightgbm_: LightGBMBaseline
    oof_scores_: OofScores

    def __init__(
        self,
        encoder_settings: EncoderSettings | None = None,
        *,
        n_folds: int = 3,
        random_state: int = 0,
        n_jobs: int | None = None,
        fold_jobs: int = 1,
        corpus: Any = None,
        embedder: Embedder | None = None,
        checkpoints: Path | None = None,
    ) -> None:
        self.encoder_settings = encoder_settings
        self.n_folds = n_folds
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.fold_jobs = fold_jobs
        self.embedder = embedder
        self.corpus = corpus
        self.checkpoints = checkpoints
        # Several figures of a run need the same passes of the encoder over val and test.
        self._encoder_predictions: dict[str, Predictions] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, and the number of the encoder's parameters."""
        self._check_is_fitted()
        trees, encoder = self.lightgbm_.settings, self.encoder_.settings
        shown = {"folds": self.n_folds, "n_parameters": encoder["n_parameters"]}
        if "embeddings" in trees:
            shown["embeddings"] = trees["embeddings"]
        return {**shown, "lightgbm": trees, "encoder": encoder}

    def use_embedder(self, embedder: Embedder) -> None:
        """As of `LightGBMBaseline`."""
        self._check_is_fitted()
        self.lightgbm_.use_embedder(embedder)

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> Ensemble:
        """Train an encoder per fold, one of all questions, and LightGBM; `val` is used as by each part.

        Questions without an answer are ignored; `from_other_exam` as for `LightGBMBaseline`. Raises
        `InputError` for fewer different questions than folds, and what the parts raise.
        """
        report, known = progress or no_progress, exam.answers > 0
        exam, other = exam[known], None if from_other_exam is None else from_other_exam[known]
        with hold_folder(self.checkpoints):
            folds, cache, train = self._folds(exam, val)
            scores = out_of_fold_scores(exam, folds, train, cache, report, self.fold_jobs)
            place = None if self.checkpoints is None else self.checkpoints / _ENCODER
            self.encoder_ = train(exam, prefix_progress(report, "encoder of all questions"), place)
        self.oof_scores_ = OofScores.from_exam(exam, scores)
        self._encoder_predictions = {}
        lightgbm = LightGBMBaseline(
            random_state=self.random_state, n_jobs=self.n_jobs, corpus=self.corpus, embedder=self.embedder
        )
        self.lightgbm_ = lightgbm.fit_stacked(
            exam,
            val,
            progress=prefix_progress(report, "LightGBM"),
            from_other_exam=other,
            extra_columns=score_columns(_ENCODER, scores, exam.option_offsets),
            val_extra_columns=None if val is None else self._columns(val, report),
        )
        return self

    def fit_fold(
        self, fold: int, exam: Exam, val: Exam | None = None, progress: Progress | None = None
    ) -> None:
        """Train the encoder of one fold (from 1) and keep its scores in `checkpoints` for a later `fit`.

        So that several machines can share the work. Raises `InputError` where there is no such fold.
        """
        if not 1 <= fold <= self.n_folds:
            raise InputError(f"there is no fold {fold}; `only` takes 1 to {self.n_folds}")
        exam = exam[exam.answers > 0]
        folds, cache, train = self._folds(exam, val)
        report = prefix_progress(progress or no_progress, f"fold {fold} of {self.n_folds}")
        fold_scores(exam, folds, fold - 1, train, cache, report)

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers, probabilities of options and, where training questions had any, explanations."""
        self._check_is_fitted()
        return self.lightgbm_.predict(
            exam, progress, extra_columns=self._columns(exam, progress or no_progress)
        )

    def encoder_predictions(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """The predictions of the encoder of all training questions alone."""
        self._check_is_fitted()
        key, kept = exam.fingerprint(), self._encoder_predictions
        if key not in kept:
            while len(kept) > 1:
                del kept[next(iter(kept))]
            kept[key] = self.encoder_.predict(exam, prefix_progress(progress or no_progress, "encoder"))
        return kept[key]

    def attributions(self, exam: Exam, top: int = 5) -> list[OptionAttribution]:
        """As of `LightGBMBaseline`; the encoder's scores are features among others."""
        self._check_is_fitted()
        return self.lightgbm_.attributions(exam, top, self._columns(exam, no_progress))

    def save(self, folder: Path) -> None:
        """Write both parts into a new folder, each as it is saved alone, and a manifest."""
        self._check_is_fitted()
        with new_folder(folder) as place:
            self.lightgbm_.save(place / _LIGHTGBM)
            self.encoder_.save(place / _ENCODER)
            write_atomically(place / _OOF_SCORES, pack_arrays(vars(self.oof_scores_)))
            write_manifest(place, _MANIFEST, _KIND, _FORMAT, folds=self.n_folds)

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Ensemble:
        """What `save` wrote; runs no code from the folder.

        Raises `InputError` if a part is missing, was changed or is of another kind.
        """
        manifest = read_manifest(folder, _MANIFEST, _KIND, _FORMAT)
        try:
            arrays = unpack_arrays((folder / _OOF_SCORES).read_bytes())
            scores, n_folds = OofScores(arrays["keys"], arrays["scores"]), int(manifest["folds"])
        except UNREADABLE as error:
            raise InputError(
                f"{folder} does not fit this version ({error}); train the model again"
            ) from error
        lightgbm = LightGBMBaseline.load(folder / _LIGHTGBM)
        encoder = EvidenceEncoder.load(folder / _ENCODER, device)
        loaded = cls(encoder.encoder_settings, n_folds=n_folds, random_state=lightgbm.random_state)
        loaded.lightgbm_, loaded.encoder_, loaded.oof_scores_ = lightgbm, encoder, scores
        return loaded

    def _folds(
        self, exam: Exam, val: Exam | None
    ) -> tuple[NDArray[np.int64], FoldCache, partial[EvidenceEncoder]]:
        """The fold of each question, the cache of scores for these data and settings, and how to train."""
        from cmexam_baseline.encoders import EncoderSettings, find_model, weights_fingerprint

        folds = leak_safe_folds(exam, self.n_folds, self.random_state)
        settings = replace(self.encoder_settings or EncoderSettings(), random_state=self.random_state)
        corpus = self.corpus if settings.evidence else None
        if corpus is not None:
            from cmexam_baseline.features.corpus import training_corpus

            corpus = training_corpus(corpus, exam, val)
        train = partial(_train_encoder, settings, corpus, val)
        if self.checkpoints is None:
            return folds, FoldCache(None, ""), train
        parts = [
            repr(sorted(settings.training_identity().items())),
            weights_fingerprint(find_model(settings.model)),
            hashlib.sha256(folds.tobytes()).hexdigest(),
            exam.fingerprint(),
            "" if val is None else val.fingerprint(),
            *([] if corpus is None else [repr(corpus.describe())]),
        ]
        identity = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return folds, FoldCache(self.checkpoints, identity), train

    def _columns(self, exam: Exam, progress: Progress) -> Columns:
        scores = np.zeros(0)
        if len(exam):
            found = np.asarray(self.encoder_predictions(exam, progress).option_scores, np.float64)
            scores = self.oof_scores_.replace_known(found, exam)
        return score_columns(_ENCODER, scores, exam.option_offsets)


def _train_encoder(
    settings: EncoderSettings,
    corpus: Corpus | None,
    val: Exam | None,
    exam: Exam,
    progress: Progress,
    checkpoints: Path | None,
) -> EvidenceEncoder:
    encoder = EvidenceEncoder(
        settings, random_state=settings.random_state, corpus=corpus, checkpoints=checkpoints
    )
    return encoder.fit(exam, val, progress=progress)
