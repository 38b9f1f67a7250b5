"""LightGBM and an encoder as one model: both weighted, or the encoder's scores among the features of the trees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
from cmexam_baseline.baselines.out_of_fold import (
    FoldCache,
    OofScores,
    Scores,
    fold_scores,
    hold_folder,
    leak_safe_folds,
    out_of_fold_scores,
)
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.decoding import Decoder
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
from cmexam_baseline.features.stacking import log_odds
from cmexam_baseline.features.training_index import right_options

if TYPE_CHECKING:
    from cmexam_baseline.encoders import EncoderSettings
    from cmexam_baseline.features.arrays import Columns
    from cmexam_baseline.features.attribution import OptionAttribution
    from cmexam_baseline.features.corpus import Corpus

_KIND, _FORMAT = "cmexam-baseline ensemble", 1
_MANIFEST, _OOF_SCORES = "ensemble.json", "out_of_fold.npz"
_LIGHTGBM, _ENCODER = "lightgbm", "encoder"


@dataclass(frozen=True)
class Mixture:
    """The probabilities of several models as one: a logistic regression over their log-odds.

    weights: one per model
    """

    weights: tuple[float, ...]
    intercept: float

    @classmethod
    def fit(cls, scores: Sequence[Scores], exam: Exam) -> Mixture:
        """The mixture that fits the answers of `exam` best; of each model a score per option, flat.

        A model that would count against itself, as one at chance may on few questions, gets the weight 0. Raises
        `InputError` where no question of `exam` has both a right and a wrong option.
        """
        from sklearn.linear_model import LogisticRegression

        known, right = _known_options(exam)
        odds = np.column_stack([log_odds(one[known]) for one in scores])
        taken = np.arange(len(scores))
        while True:
            found = LogisticRegression().fit(odds[:, taken], right)
            worst = int(found.coef_[0].argmin())
            if len(taken) == 1 or found.coef_[0, worst] >= 0:
                break
            taken = np.delete(taken, worst)
        weights = np.zeros(len(scores))
        weights[taken] = found.coef_[0]
        return cls(tuple(weights.tolist()), float(found.intercept_[0]))

    def mix(self, scores: Sequence[Scores]) -> Scores:
        """The probability of each option.

        >>> Mixture((0.5, 0.5), 0.0).mix([np.array([0.5, 0.9]), np.array([0.5, 0.1])]).round(6).tolist()
        [0.5, 0.5]
        """
        odds = self.intercept + sum(w * log_odds(one) for w, one in zip(self.weights, scores, strict=True))
        mixed: Scores = 1 / (1 + np.exp(-odds))
        return mixed


class Ensemble(Estimator):
    """LightGBM beside an encoder, or with the encoder's option scores among its features.

    encoder_settings: an `EncoderSettings` (default: all its defaults)
    n_folds:          with 1 both models learn from all questions, and `val` weighs their probabilities; with
                      more each part of the training questions is scored by an encoder of the others
    random_state:     seed of both models and of the folds
    n_jobs:           threads for LightGBM (default: all processors)
    fold_jobs:        folds trained side by side, each in a process; needs `checkpoints`
    corpus:           as for `LightGBMBaseline`; the encoder reads it, too, where it reads evidence
    embedder:         as for `LightGBMBaseline`
    checkpoints:      folder for checkpoints and finished folds, from which a repeated `fit` resumes

    With folds, no score that the trees read comes from an encoder that saw the question or a duplicate of it: training
    questions get out-of-fold scores, and keep them when they are asked again. Other questions are scored by an
    encoder of all training questions. Learned attributes: `encoder_`, `lightgbm_`, `oof_scores_` (empty without
    folds), `mixture_` (None with folds) and its `decoder_`.

    >>> Ensemble(n_folds=5)
    Ensemble(n_folds=5)
    """

    encoder_: EvidenceEncoder
    lightgbm_: LightGBMBaseline
    oof_scores_: OofScores
    mixture_: Mixture | None = None
    decoder_: Decoder

    def __init__(
        self,
        encoder_settings: EncoderSettings | None = None,
        *,
        n_folds: int = 1,
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
        if self.mixture_ is not None:
            shown["mixture"] = {**asdict(self.mixture_), "decoder": self.decoder_.to_dict()}
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

        Questions without an answer are ignored; `from_other_exam`, bool (n,), as for `LightGBMBaseline`. Raises
        `InputError` for fewer different questions than folds, for a single fold without answers in `val`, and
        what the parts raise.
        """
        report, known = progress or no_progress, exam.answers > 0
        exam, other = exam[known], None if from_other_exam is None else from_other_exam[known]
        if self.n_folds == 1:
            if val is None:
                raise InputError(
                    "a single fold weighs the models on val; give `val`, or `n_folds` of 2 or more"
                )
            _known_options(val)  # which refuses what cannot be weighed before hours of training
        with hold_folder(self.checkpoints):
            folds, cache, train = self._folds(exam, val)
            scores = np.zeros(0)
            if self.n_folds > 1:
                scores = out_of_fold_scores(exam, folds, train, cache, report, self.fold_jobs)
            place = None if self.checkpoints is None else self.checkpoints / _ENCODER
            self.encoder_ = train(exam, prefix_progress(report, "encoder of all questions"), place)
        self._encoder_predictions = {}
        self.lightgbm_ = LightGBMBaseline(
            random_state=self.random_state, n_jobs=self.n_jobs, corpus=self.corpus, embedder=self.embedder
        )
        report_trees = prefix_progress(report, "LightGBM")
        if self.n_folds == 1 and val is not None:
            self.oof_scores_ = OofScores.none()
            self.lightgbm_.fit(exam, val, progress=report_trees, from_other_exam=other)
            both = self._scores_of_both(val, report)
            self.mixture_ = Mixture.fit(both, val)
            self.decoder_ = Decoder.fit(
                self.mixture_.mix(both), val.option_offsets, val.answers, val.questions
            )
            return self
        self.oof_scores_, self.mixture_ = OofScores.from_exam(exam, scores), None
        self.lightgbm_.fit_stacked(
            exam,
            val,
            progress=report_trees,
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
        if self.n_folds == 1:
            raise InputError("a single fold trains no encoder apart; omit `only`, or use more `n_folds`")
        if not 1 <= fold <= self.n_folds:
            raise InputError(f"there is no fold {fold}; `only` takes 1 to {self.n_folds}")
        exam = exam[exam.answers > 0]
        folds, cache, train = self._folds(exam, val)
        report = prefix_progress(progress or no_progress, f"fold {fold} of {self.n_folds}")
        fold_scores(exam, folds, fold - 1, train, cache, report)

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers (n,), bit masks, the probability of every option, flat, and explanations where training questions had any.

        Raises `NotFittedError` before `fit` or `load`.
        """
        self._check_is_fitted()
        report = progress or no_progress
        if self.mixture_ is None:
            return self.lightgbm_.predict(exam, progress, extra_columns=self._columns(exam, report))
        scores = self.mixture_.mix(self._scores_of_both(exam, report))
        answers = self.decoder_.decode(scores, exam.option_offsets, exam.questions)
        explanations = self.lightgbm_.explainer_.explain(self.lightgbm_.index_, exam, answers, report)
        return Predictions(exam.ids, answers, scores, exam.option_offsets, explanations)

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
        """As of `LightGBMBaseline`; with folds, the encoder's scores are features among others."""
        self._check_is_fitted()
        columns = self._columns(exam, no_progress) if self.mixture_ is None else None
        return self.lightgbm_.attributions(exam, top, columns)

    def save(self, folder: Path) -> None:
        """Write both parts into a new folder, each as it is saved alone, and a manifest."""
        self._check_is_fitted()
        with new_folder(folder) as place:
            self.lightgbm_.save(place / _LIGHTGBM)
            self.encoder_.save(place / _ENCODER)
            write_atomically(place / _OOF_SCORES, pack_arrays(vars(self.oof_scores_)))
            mixture = self.settings.get("mixture")
            write_manifest(place, _MANIFEST, _KIND, _FORMAT, folds=self.n_folds, mixture=mixture)

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Ensemble:
        """What `save` wrote; runs no code from the folder.

        Raises `InputError` if a part is missing, was changed or is of another kind.
        """
        manifest = read_manifest(folder, _MANIFEST, _KIND, _FORMAT)
        try:
            arrays = unpack_arrays((folder / _OOF_SCORES).read_bytes())
            scores, n_folds = OofScores(arrays["keys"], arrays["scores"]), int(manifest["folds"])
            mixture = manifest.get("mixture")
            if mixture is not None:
                decoder = Decoder.from_dict(mixture["decoder"])
                first, second = map(float, mixture["weights"])
                mixture = Mixture((first, second), float(mixture["intercept"]))
        except UNREADABLE as error:
            raise InputError(
                f"{folder} does not fit this version ({error}); train the model again"
            ) from error
        lightgbm = LightGBMBaseline.load(folder / _LIGHTGBM)
        encoder = EvidenceEncoder.load(folder / _ENCODER, device)
        loaded = cls(encoder.encoder_settings, n_folds=n_folds, random_state=lightgbm.random_state)
        loaded.lightgbm_, loaded.encoder_, loaded.oof_scores_ = lightgbm, encoder, scores
        if mixture is not None:
            loaded.mixture_, loaded.decoder_ = mixture, decoder
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
        if self.checkpoints is None or self.n_folds == 1:  # no scores to keep
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

    def _encoder_scores(self, exam: Exam, progress: Progress) -> Scores:
        if not len(exam):
            return np.zeros(0)
        found = np.asarray(self.encoder_predictions(exam, progress).option_scores, np.float64)
        return self.oof_scores_.replace_known(found, exam)

    def _columns(self, exam: Exam, progress: Progress) -> Columns:
        return score_columns(_ENCODER, self._encoder_scores(exam, progress), exam.option_offsets)

    def _scores_of_both(self, exam: Exam, progress: Progress) -> tuple[Scores, Scores]:
        return self.lightgbm_.option_scores(exam, progress), self._encoder_scores(exam, progress)


def _known_options(exam: Exam) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which options belong to questions with an answer, and which of these are right."""
    known = np.repeat(exam.answers > 0, exam.n_options)
    right = right_options(exam)[known]
    if len(np.unique(right)) < 2:
        raise InputError("val has no right and wrong options to weigh the models on; give val with answers")
    return known, right


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
