"""LightGBM and an encoder as one model: the trees read what the encoder thinks among their features."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
from cmexam_baseline.baselines.oof_scores import SeenScores
from cmexam_baseline.baselines.out_of_fold import FinishedFolds, leak_safe_folds, named, out_of_fold_scores
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.arrays import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.io.locks import locked
from cmexam_baseline.exam.io.manifest import read_manifest, write_manifest
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features import Embedder, LightGBMBaseline, score_columns

if TYPE_CHECKING:
    from cmexam_baseline.encoders import EncoderSettings
    from cmexam_baseline.features.arrays import Columns
    from cmexam_baseline.features.attribution import OptionAttribution

_KIND, _FORMAT = "cmexam-baseline ensemble", 1
_DESCRIPTION, _SEEN = "ensemble.json", "out_of_fold.npz"
_LIGHTGBM, _ENCODER = "lightgbm", "encoder"


class Ensemble:
    """LightGBM with the option scores of an encoder among its features.

    No score that it ever reads comes from an encoder that saw the question or a copy of it: training
    questions are cut into folds, copies in one, and each fold is scored by an encoder of all others. An
    encoder of all training questions scores what comes later, but for questions that stand among the training
    questions: these keep the scores from outside their fold.
    """

    def __init__(
        self,
        lightgbm: LightGBMBaseline,
        encoder: EvidenceEncoder,
        n_folds: int,
        seen: SeenScores | None = None,
    ) -> None:
        self.lightgbm = lightgbm
        self.encoder = encoder
        self.n_folds = n_folds
        self.seen = seen
        # Several figures of a run come from one pass of the encoder over val.
        self._said: dict[str, Predictions] = {}

    @classmethod
    def untrained(
        cls,
        settings: EncoderSettings,
        n_folds: int,
        embedder: Embedder | None = None,
        bm25: bool = False,
    ) -> Ensemble:
        """The model that `fit` is to train; the seed of both parts and of the folds is that of the settings."""
        lightgbm = LightGBMBaseline(random_state=settings.random_state, embedder=embedder, bm25=bm25)
        return cls(lightgbm, EvidenceEncoder.untrained(settings), n_folds)

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, and the number of the encoder's parameters."""
        trees, encoder = self.lightgbm.settings, self.encoder.settings
        shown = {"folds": self.n_folds, "n_parameters": encoder["n_parameters"]}
        if "embeddings" in trees:
            shown["embeddings"] = trees["embeddings"]
        return {**shown, "lightgbm": trees, "encoder": encoder}

    def use_embedder(self, embedder: Embedder) -> None:
        """As of `LightGBMBaseline`."""
        self.lightgbm.use_embedder(embedder)

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        progress: Progress | None = None,
        folder: Path | None = None,
        is_extra: NDArray[np.bool_] | None = None,
    ) -> Ensemble:
        """Train an encoder for each fold, one of all questions, and LightGBM; `val` chooses as for each part.

        Questions without an answer are passed over. `folder` takes checkpoints and the scores of finished
        folds: a call that was killed goes on from there when it is repeated. `is_extra` as for LightGBM.
        Raises `InputError` for fewer different questions than folds, and what the parts raise.
        """
        said, known = progress or no_progress, exam.answers > 0
        if not known.all():
            exam, is_extra = exam[known], None if is_extra is None else is_extra[known]
        settings: EncoderSettings = self.encoder.encoder.settings
        folds = leak_safe_folds(exam, self.n_folds, settings.random_state)

        def train(questions: Exam, told: Progress, place: Path | None) -> EvidenceEncoder:
            return EvidenceEncoder.untrained(settings).fit(questions, val, told, place)

        with _held(folder):
            finished = FinishedFolds(folder, "" if folder is None else _run(settings, folds, exam, val))
            scores = out_of_fold_scores(exam, folds, train, finished, said)
            place = None if folder is None else folder / _ENCODER
            self.encoder = train(exam, named(said, "encoder of all questions"), place)
        self.seen = SeenScores.of(exam, scores)
        self._said = {}
        self.lightgbm.fit_stacked(
            exam,
            val,
            progress=named(said, "LightGBM"),
            from_other_exam=is_extra,
            extra_columns=score_columns(_ENCODER, scores, exam.option_offsets),
            val_extra_columns=None if val is None else self._columns(val, said),
        )
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers, probabilities of options and, where training questions had any, explanations."""
        return self.lightgbm.predict(
            exam, progress, extra_columns=self._columns(exam, progress or no_progress)
        )

    def encoder_predictions(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """What the encoder of all training questions answers alone."""
        fingerprint = exam.fingerprint()
        if fingerprint not in self._said:
            self._said[fingerprint] = self.encoder.predict(exam, named(progress or no_progress, "encoder"))
        return self._said[fingerprint]

    def attributions(self, exam: Exam, top: int = 5) -> list[OptionAttribution]:
        """As of `LightGBMBaseline`; the encoder's scores are features among others."""
        return self.lightgbm.attributions(exam, top, extra_columns=self._columns(exam, no_progress))

    def _columns(self, exam: Exam, progress: Progress) -> Columns:
        if self.seen is None:
            raise InputError("the ensemble has not learned anything yet; call fit or load first")
        scores = np.zeros(0)
        if len(exam):
            found = np.asarray(self.encoder_predictions(exam, progress).option_scores, np.float64)
            scores = self.seen.in_place_of(found, exam)
        return score_columns(_ENCODER, scores, exam.option_offsets)

    def save(self, folder: Path) -> None:
        """Write both parts into a new folder, each as it is saved alone, and what holds them together."""
        if self.seen is None:
            raise InputError("there is no model to save yet; call fit first")
        with new_folder(folder) as place:
            self.lightgbm.save(place / _LIGHTGBM)
            self.encoder.save(place / _ENCODER)
            write_atomically(place / _SEEN, pack_arrays(self.seen.arrays()))
            write_manifest(place, _DESCRIPTION, _KIND, _FORMAT, folds=self.n_folds)

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Ensemble:
        """What `save` wrote; runs no code from the folder.

        Raises `InputError` in one line where a part is missing, was changed or is of another kind.
        """
        description = read_manifest(folder, _DESCRIPTION, _KIND, _FORMAT)
        try:
            seen = SeenScores.from_arrays(unpack_arrays((folder / _SEEN).read_bytes()))
            n_folds = int(description["folds"])
        except UNREADABLE as error:
            raise InputError(
                f"{folder} does not fit this version ({error}); train the model again"
            ) from error
        lightgbm = LightGBMBaseline.load(folder / _LIGHTGBM)
        return cls(lightgbm, EvidenceEncoder.load(folder / _ENCODER, device), n_folds, seen)


def _run(settings: EncoderSettings, folds: NDArray[np.int64], exam: Exam, val: Exam | None) -> str:
    """The fingerprint of all that the scores of the folds depend on."""
    from cmexam_baseline.encoders import find_model, weights_fingerprint

    parts = [
        repr(sorted(settings.training_identity().items())),
        weights_fingerprint(find_model(settings.model)),
        hashlib.sha256(folds.tobytes()).hexdigest(),
        exam.fingerprint(),
        "" if val is None else val.fingerprint(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@contextmanager
def _held(folder: Path | None) -> Iterator[None]:
    """Keep others from training with this folder while the block lasts."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "wait for it, or choose another place"):
        yield
