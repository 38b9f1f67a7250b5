"""The classical baseline: TF-IDF retrieval over the training questions, LightGBM on top."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.arrays import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress, silent
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns, segment_rows
from cmexam_baseline.features.attribution import OptionReasons, reasons
from cmexam_baseline.features.bm25 import BM25Index
from cmexam_baseline.features.dense_index import DenseIndex, Embedder
from cmexam_baseline.features.explainer import Explainer
from cmexam_baseline.features.feature_table import Table
from cmexam_baseline.features.model_folder import read_model, write_model
from cmexam_baseline.features.stacking import refuse_other_columns
from cmexam_baseline.features.training_index import Library, right_options
from cmexam_baseline.metrics.cpu_count import cpu_count

_BOOSTER, _LIBRARY, _EXPLAINER = "booster.txt", "library.npz", "explanations.npz"
_DENSE, _BM25 = "embeddings.npz", "bm25.npz"


class LightGBMBaseline:
    """Answers questions by what similar training questions, their answers and explanations say.

    seed:     of the sampling in LightGBM; the same seed gives the same model, byte for byte
    rounds:   number of trees
    threads:  used by LightGBM (default: all cores); does not change the result
    embedder: a frozen encoder whose vectors are one more kind of evidence (default: none)
    bm25:     whether sentences are ranked by BM25, too

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A")])
    >>> predictions = LightGBMBaseline(rounds=5).fit(exam).predict(exam)
    >>> len(predictions.answers), len(predictions.option_scores)
    (1, 2)
    """

    def __init__(
        self,
        seed: int = 0,
        rounds: int = 300,
        threads: int | None = None,
        embedder: Embedder | None = None,
        bm25: bool = False,
    ) -> None:
        self.seed = seed
        self.rounds = rounds
        self.threads = threads or cpu_count()
        self.decoder = Decoder.argmax()
        self._library: Library | None = None
        self._booster: Any = None
        self._explainer = Explainer([])
        self._embedder = embedder
        self._embeddings = embedder.describe() if embedder else None
        self._dense: DenseIndex | None = None
        self.bm25 = bm25
        self._ranked: BM25Index | None = None
        self._more: list[str] = []

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, for JSON."""
        own = {"seed": self.seed, "rounds": self.rounds, "decoder": self.decoder.to_dict()}
        given = {"bm25": self.bm25, "embeddings": self._embeddings, "more": self._more}
        return {**own, **{name: value for name, value in given.items() if value}}

    def use_embedder(self, embedder: Embedder) -> None:
        """Give a loaded model the encoder that it was trained with.

        Raises `InputError` where it was trained without one or with other weights.
        """
        if self._embeddings is None:
            raise InputError("this model was trained without embeddings; leave the encoder away")
        if embedder.fingerprint != self._embeddings["fingerprint"]:
            raise InputError(
                f"{embedder.name} has other weights than {self._embeddings['name']}, with which the model was "
                "trained; name the folder of those weights with --embeddings"
            )
        self._embedder = embedder

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        progress: Progress | None = None,
        is_extra: NDArray[np.bool_] | None = None,
        more: Columns | None = None,
        val_more: Columns | None = None,
    ) -> LightGBMBaseline:
        """Learn from `exam`; choose on `val`, where given, when to answer with several letters.

        is_extra, bool (n,), says which questions come from another exam than those that will be asked, so
        that what they say can be weighed otherwise. `more` holds further columns, each with a number for
        every option of `exam`, such as `score_columns` makes of another model's probabilities; `val_more` the
        same for `val`. The numbers of a question must not stem from its own answer, or the trees learn to
        believe them. Questions without an answer are passed over. Without `val` every answer is a single
        letter. Raises `InputError` where no question has an answer or columns do not fit.
        """
        report = progress or silent
        is_extra = np.zeros(len(exam), dtype=np.bool_) if is_extra is None else is_extra
        self._more, known = list(more or {}), exam.answers > 0
        refuse_other_columns(more or {}, exam, self._more)
        answered, is_extra = (exam, is_extra) if known.all() else (exam[known], is_extra[known])
        given = {
            name: column[known[segment_rows(exam.option_offsets)]] for name, column in (more or {}).items()
        }
        if not len(answered):
            raise InputError("no training question has an answer; give a training file with answers")
        self._library = Library.fit(answered, progress=report, is_extra=is_extra)
        if self.bm25:
            self._ranked = BM25Index.fit(self._library, answered)
        if self._embedder is not None:
            self._dense = DenseIndex.fit(answered, self._embedder, progress=report)
        further = {**self._bm25_evidence(answered, report), **self._dense_evidence(answered, report), **given}
        table = Table.build(self._library, answered, progress=report, is_extra=is_extra, more=further)
        self._booster = trees.grow(
            table, right_options(answered), self.rounds, self.seed, self.threads, report
        )
        self._explainer = Explainer.fit(answered)
        self.decoder = Decoder.argmax()
        if val is not None:
            scores = self.option_scores(val, lambda stage, *count: report(f"val: {stage}", *count), val_more)
            self.decoder = Decoder.fit(scores, val.option_offsets, val.answers, val.questions)
        return self

    def predict(
        self, exam: Exam, progress: Progress | None = None, more: Columns | None = None
    ) -> Predictions:
        """Answers, the probability of every option and, where training questions had any, explanations.

        A training question with the same stem and options as a question of `exam` is not looked at. `more`
        holds the further columns that it was trained with, if any. Raises `InputError` before `fit` or
        `load`, and for other columns.
        """
        scores = self.option_scores(exam, progress, more)
        answers = self.decoder.decode(scores, exam.option_offsets, exam.questions)
        explanations = self._explained(exam, answers, progress or silent)
        return Predictions(exam.ids, answers, scores, exam.option_offsets, explanations)

    def option_scores(
        self, exam: Exam, progress: Progress | None = None, more: Columns | None = None
    ) -> NDArray[np.float64]:
        """The probability of every option that it is right, float64, flat in exam order."""
        if self._library is None:
            raise InputError("the baseline has not learned anything yet; call fit or load first")
        if not len(exam):
            return np.zeros(0, dtype=np.float64)
        further = self._further(exam, more, progress or silent)
        table = Table.build(self._library, exam, progress=progress or silent, more=further)
        return trees.probabilities(self._booster, table)

    def _further(self, exam: Exam, more: Columns | None, progress: Progress) -> Columns:
        """The columns beside those of the library, in the order in which the trees know them."""
        given = more or {}
        refuse_other_columns(given, exam, self._more)
        return {
            **self._bm25_evidence(exam, progress),
            **self._dense_evidence(exam, progress),
            **{name: given[name] for name in self._more},
        }

    def _bm25_evidence(self, exam: Exam, progress: Progress) -> Columns:
        if self._ranked is None or self._library is None:
            return {}
        return self._ranked.evidence(self._library, exam, progress)

    def _dense_evidence(self, exam: Exam, progress: Progress) -> Columns:
        if self._dense is None:
            return {}
        if self._embedder is None:
            name = (self._embeddings or {}).get("name")
            raise InputError(f"the model was trained with embeddings of {name}; call use_embedder first")
        return self._dense.evidence(exam, self._embedder, progress=progress)

    def reasons(self, exam: Exam, most: int = 5, more: Columns | None = None) -> list[OptionReasons]:
        """Why each option of `exam` scores as it does, flat in exam order; the `most` weightiest reasons.

        `more` as for `predict`. Raises `InputError` before `fit` or `load`, and for other columns.
        """
        if self._library is None:
            raise InputError("the baseline has not learned anything yet; call fit or load first")
        return reasons(self._library, self._booster, exam, most, self._further(exam, more, silent))

    def _explained(self, exam: Exam, answers: NDArray[np.uint16], progress: Progress) -> list[str] | None:
        if self._library is None or not self._explainer.sentences:
            return None
        return self._explainer.explain(self._library, exam, answers, progress)

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the model as JSON, npz without pickle and LightGBM's own text into a new `folder`.

        Raises `InputError` before `fit` or `load`, and where `folder` holds something and `overwrite` is not
        set.
        """
        if self._library is None:
            raise InputError("there is no model to save yet; call fit first")
        files = {
            _BOOSTER: trees.to_text(self._booster).encode(),
            _LIBRARY: pack_arrays(self._library.arrays()),
            _EXPLAINER: pack_arrays(self._explainer.arrays()),
        }
        if self._dense is not None:
            files[_DENSE] = pack_arrays(self._dense.arrays())
        if self._ranked is not None:
            files[_BM25] = pack_arrays(self._ranked.arrays())
        write_model(folder, self.settings, files, overwrite)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], threads: int | None = None) -> LightGBMBaseline:
        """The model that `save` wrote; runs no code from the folder.

        One that was trained with embeddings answers after `use_embedder`.
        Raises `InputError` where the folder holds no such model, another kind, or was changed.
        """
        settings, files = read_model(folder)
        try:
            baseline = cls(int(settings["seed"]), int(settings["rounds"]), threads)
            baseline.decoder = Decoder.from_dict(settings["decoder"])
            baseline._library = Library.from_arrays(unpack_arrays(files[_LIBRARY]))
            if "embeddings" in settings:
                remembered = settings["embeddings"]
                baseline._embeddings = {key: str(remembered[key]) for key in ("name", "fingerprint")}
                baseline._dense = DenseIndex.from_arrays(unpack_arrays(files[_DENSE]))
            if settings.get("bm25"):
                baseline.bm25 = True
                baseline._ranked = BM25Index.from_arrays(unpack_arrays(files[_BM25]))
            baseline._more = [str(name) for name in settings.get("more", [])]
            baseline._explainer = Explainer.from_arrays(unpack_arrays(files[_EXPLAINER]))
            baseline._booster = trees.from_text(files[_BOOSTER].decode())
        except UNREADABLE as error:
            raise InputError(
                f"{folder} does not fit this version ({error}); train the model again"
            ) from error
        return baseline
