"""The classical baseline: TF-IDF retrieval over the training questions, LightGBM on top."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.exam import Exam, remembered
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import new_folder
from cmexam_baseline.exam.io.manifest import (
    UNREADABLE,
    pack_arrays,
    read_manifest,
    unpack_arrays,
    write_manifest,
)
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features import booster as trees
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.explainer import Explainer
from cmexam_baseline.features.feature_table import FeatureTable
from cmexam_baseline.features.training_index import TrainingIndex, right_options
from cmexam_baseline.features.tree_settings import TUNABLE, check_settings
from cmexam_baseline.features.tuning import best_trial, tune
from cmexam_baseline.metrics.ragged import row_numbers
from cmexam_baseline.metrics.threads import cpu_count

if TYPE_CHECKING:
    from cmexam_baseline.features.attribution import OptionAttribution
    from cmexam_baseline.features.corpus import Corpus
    from cmexam_baseline.features.corpus_index import CorpusIndex
    from cmexam_baseline.features.dense_index import DenseIndex, Embedder

_KIND, _FORMAT = "cmexam-baseline lightgbm", 3
_MANIFEST = "model.json"
_INDEX, _EXPLAINER, _DENSE = "training_index.npz", "explanations.npz", "embeddings.npz"
_CORPUS = "corpus.npz"


class LightGBMBaseline(Estimator):
    """Answers questions from similar training questions, their answers and explanations.

    random_state:      seed of the sampling in LightGBM; the same seed gives the same model, byte for byte
    n_estimators, learning_rate, num_leaves, min_child_samples, subsample, colsample_bytree, reg_lambda, max_bin:
                       as in `lightgbm.LGBMClassifier`
    bag:               number of boosters with different seeds whose logits are averaged
    tune:              number of settings that are tried by cross-validation on the training questions, the given ones
                       first; the best are used
    n_jobs:            threads for LightGBM (default: all processors); does not change the result
    corpus:            a `Corpus`, or files and folders of text that `Corpus.read` reads, as further evidence
    embedder:          a frozen encoder whose vectors are one more kind of evidence (default: none)
    checkpoints:       folder for the trials of `tune`, from which a repeated `fit` resumes (default: none)

    Learned by `fit`: `decoder_`, `index_` (what the training exam holds), `boosters_`, `explainer_`, `trials_` (of `tune`).

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A")])
    >>> predictions = LightGBMBaseline(n_estimators=5).fit(exam).predict(exam)
    >>> len(predictions.answers), len(predictions.option_scores)
    (1, 2)
    """

    # Learned.
    decoder_: Decoder
    index_: TrainingIndex
    boosters_: list[Any]
    explainer_: Explainer
    dense_index_: DenseIndex | None
    corpus_index_: CorpusIndex | None
    embeddings_: dict[str, str] | None
    extra_columns_: list[str]
    trials_: list[dict[str, Any]]

    def __init__(
        self,
        *,
        random_state: int = 0,
        n_estimators: int = 380,
        learning_rate: float = 0.085,
        num_leaves: int = 60,
        min_child_samples: int = 84,
        subsample: float = 0.85,
        # Many features say nearly the same: trees on a few of them each are as accurate and far cheaper.
        colsample_bytree: float = 0.08,
        reg_lambda: float = 20.0,
        max_bin: int = 63,
        bag: int = 2,
        tune: int = 0,
        n_jobs: int | None = None,
        corpus: Corpus | str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        embedder: Embedder | None = None,
        checkpoints: Path | None = None,
    ) -> None:
        self.random_state = random_state
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.subsample = subsample
        self.colsample_bytree = colsample_bytree
        self.reg_lambda = reg_lambda
        self.max_bin = max_bin
        self.bag = bag
        self.tune = tune
        self.n_jobs = n_jobs
        self.corpus = corpus
        self.embedder = embedder
        self.checkpoints = checkpoints

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the model besides the data, for JSON."""
        found = {name: getattr(self, name) for name in ("random_state", *TUNABLE)}
        trials = getattr(self, "trials_", [])
        if trials:
            found |= best_trial(trials)["settings"]
        embeddings = self.embedder.describe() if self.embedder else getattr(self, "embeddings_", None)
        if self.__sklearn_is_fitted__():
            found["decoder"] = self.decoder_.to_dict()
        index = getattr(self, "corpus_index_", None)
        given = {
            "corpus": index and {"passages": len(index.corpus), "left_out": len(index.corpus.left_out)},
            "embeddings": embeddings,
            "extra_columns": getattr(self, "extra_columns_", None),
            "trials": trials,
        }
        return {**found, **{name: value for name, value in given.items() if value}}

    def tree_settings(self) -> dict[str, Any]:
        """The parameters that decide the trees; raises `InputError` for a value that LightGBM does not accept."""
        found = {name: getattr(self, name) for name in ("random_state", *TUNABLE)}
        check_settings(found)
        if isinstance(self.tune, bool) or not isinstance(self.tune, int) or self.tune < 0:
            raise InputError(f"`tune` must be a number of trials, 0 or more; got {self.tune!r}")
        if self.tune:
            require("tuning", "optuna", purpose="a search for settings")
        return found

    def use_embedder(self, embedder: Embedder) -> None:
        """Give a loaded model the encoder that it was trained with.

        Raises `InputError` where it was trained without one or with other weights.
        """
        self._check_is_fitted()
        if self.embeddings_ is None:
            raise InputError("this model was trained without embeddings; omit `embeddings`")
        if embedder.fingerprint != self.embeddings_["fingerprint"]:
            raise InputError(
                f"{embedder.name} has other weights than {self.embeddings_['name']}, with which the model was "
                "trained; name the folder of those weights as `embeddings`"
            )
        self.embedder = embedder

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> LightGBMBaseline:
        """Learn from `exam`; choose on `val`, where given, when to answer with several letters.

        from_other_exam: bool (n,), which questions come from another exam than those that will be asked, so
                         that their evidence is weighed separately (default: none)

        Questions without an answer are ignored. Without `val` every answer is a single letter. Returns itself.
        Raises `InputError` where no question has an answer or a package is missing.
        """
        return self.fit_stacked(exam, val, progress=progress, from_other_exam=from_other_exam)

    def fit_stacked(
        self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
        extra_columns: Columns | None = None,
        val_extra_columns: Columns | None = None,
    ) -> LightGBMBaseline:
        """As `fit`, with further feature columns, one number per option of `exam` and of `val`.

        `score_columns` makes them from another model's probabilities. The numbers of a question must not
        depend on its own answer, or the trees learn to trust them too much.
        """
        require("lightgbm", purpose="LightGBM")
        report, given = progress or no_progress, extra_columns or {}
        other = np.zeros(len(exam), dtype=np.bool_) if from_other_exam is None else from_other_exam
        _check_columns(given, exam, list(given))
        settings = self.tree_settings()
        known = exam.answers > 0
        if not known.any():
            raise InputError("no training question has an answer; give a training file with answers")
        if not known.all():
            of_options = known[row_numbers(exam.option_offsets)]
            exam, other = exam[known], other[known]
            given = {name: column[of_options] for name, column in given.items()}
        self.extra_columns_ = list(given)
        self.index_ = TrainingIndex.fit(exam, progress=report, from_other_exam=other)
        self.corpus_index_ = None
        if self.corpus is not None:
            from cmexam_baseline.features.corpus import training_corpus
            from cmexam_baseline.features.corpus_index import CorpusIndex

            corpus = training_corpus(self.corpus, exam, val, report)
            self.corpus_index_ = CorpusIndex.fit(corpus, exam, report)
        self.embeddings_, self.dense_index_ = None, None
        if self.embedder is not None:
            self.embeddings_ = self.embedder.describe()
            from cmexam_baseline.features.dense_index import DenseIndex

            self.dense_index_ = DenseIndex.fit(exam, self.embedder, progress=report)
        further = self._further_columns(exam, given, report)
        table = FeatureTable.build(
            self.index_, exam, progress=report, from_other_exam=other, extra_columns=further
        )
        threads, self.trials_ = self.n_jobs or cpu_count(), []
        if self.tune:
            self.trials_ = tune(table, exam, settings, self.tune, threads, self.checkpoints, report)
            settings = best_trial(self.trials_)["settings"]
        self.boosters_ = trees.train(table, right_options(exam), settings, threads, report)
        self.explainer_ = Explainer.fit(exam)
        self.decoder_ = Decoder.argmax()
        if val is not None:
            scores = self.option_scores(
                val, lambda stage, *count: report(f"val: {stage}", *count), val_extra_columns
            )
            self.decoder_ = Decoder.fit(scores, val.option_offsets, val.answers, val.questions)
        return self

    def predict(
        self, exam: Exam, progress: Progress | None = None, extra_columns: Columns | None = None
    ) -> Predictions:
        """Answers, the probability of every option and, where training questions had any, explanations.

        A training question with the same stem and options as a question of `exam` is not used for it.
        `extra_columns` holds the columns that the model was trained with, if any. Raises `NotFittedError`
        before `fit` or `load`, and `InputError` for other columns.
        """
        scores = self.option_scores(exam, progress, extra_columns)
        answers = self.decoder_.decode(scores, exam.option_offsets, exam.questions)
        explanations = self.explainer_.explain(self.index_, exam, answers, progress or no_progress)
        return Predictions(exam.ids, answers, scores, exam.option_offsets, explanations)

    def option_scores(
        self, exam: Exam, progress: Progress | None = None, extra_columns: Columns | None = None
    ) -> NDArray[np.float64]:
        """The probability of every option that it is right, float64, flat in exam order."""
        self._check_is_fitted()
        if not len(exam):
            return np.zeros(0, dtype=np.float64)
        known, report = _scored(exam), progress or no_progress
        found = tuple(known)
        if extra_columns or not found or found[0] is not self.boosters_:
            further = self._further_columns(exam, extra_columns, report)
            table = FeatureTable.build(self.index_, exam, progress=report, extra_columns=further)
            found = self.boosters_, trees.probabilities(self.boosters_, table)
            known[:] = () if extra_columns else found
        return np.array(found[1])

    def attributions(
        self, exam: Exam, top: int = 5, extra_columns: Columns | None = None
    ) -> list[OptionAttribution]:
        """Why each option of `exam` scores as it does, flat in exam order: the `top` features and evidence.

        `extra_columns` as for `predict`. Raises `NotFittedError` before `fit` or `load`, and `InputError` for
        other columns.
        """
        self._check_is_fitted()
        from cmexam_baseline.features.attribution import attributions

        further = self._further_columns(exam, extra_columns, no_progress)
        found = attributions(self.index_, self.boosters_, exam, top, further)
        if self.corpus_index_ is None:
            return found
        passages = self.corpus_index_.passages(exam, top)
        return [replace(one, passages=own) for one, own in zip(found, passages, strict=True)]

    def _further_columns(self, exam: Exam, given: Columns | None, progress: Progress) -> Columns:
        """The columns beside those of the index, in the order in which the trees know them."""
        _check_columns(given or {}, exam, self.extra_columns_)
        columns: Columns = {}
        if self.corpus_index_ is not None:
            columns |= self.corpus_index_.evidence(exam, progress)
        if self.dense_index_ is not None:
            if self.embedder is None:
                name = (self.embeddings_ or {}).get("name")
                raise InputError(f"the model was trained with embeddings of {name}; call use_embedder first")
            columns |= self.dense_index_.evidence(exam, self.embedder, progress=progress)
        return {**columns, **{name: (given or {})[name] for name in self.extra_columns_}}

    def save(self, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write the model as JSON, npz without pickle and LightGBM's own text into a new `folder`.

        The files are listed in `model.json` with their checksums. Raises `NotFittedError` before `fit` or `load`, and
        `InputError` where `folder` is not empty and `overwrite` is not set.
        """
        self._check_is_fitted()
        files = {
            **{_booster_file(i): trees.to_text(one).encode() for i, one in enumerate(self.boosters_)},
            _INDEX: pack_arrays(self.index_.arrays()),
            _EXPLAINER: pack_arrays(self.explainer_.arrays()),
        }
        if self.corpus_index_ is not None:
            files[_CORPUS] = pack_arrays(self.corpus_index_.arrays())
            files[self.corpus_index_.corpus.LEFT_OUT_FILE] = self.corpus_index_.corpus.left_out_csv().encode()
        if self.dense_index_ is not None:
            files[_DENSE] = pack_arrays(self.dense_index_.arrays())
        with new_folder(folder, overwrite) as place:
            for name, data in files.items():
                (place / name).write_bytes(data)
            write_manifest(place, _MANIFEST, _KIND, _FORMAT, settings=self.settings)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], n_jobs: int | None = None) -> LightGBMBaseline:
        """The model that `save` wrote; runs no code from the folder.

        One that was trained with embeddings predicts after `use_embedder`. Raises `InputError` where the folder
        holds no such model, another kind, or was changed.
        """
        require("lightgbm", purpose="LightGBM")
        manifest = read_manifest(Path(folder), _MANIFEST, _KIND, _FORMAT)
        try:
            settings = manifest["settings"]
            files = {name: (Path(folder) / name).read_bytes() for name in manifest["sha256"]}
            given = {name: _PARAMETER_TYPES[name](settings[name]) for name in _PARAMETER_TYPES}
            baseline = cls(n_jobs=n_jobs, **given)
            baseline._restore(settings, files)
        except UNREADABLE as error:
            raise InputError(
                f"{folder} does not fit this version ({error}); train the model again"
            ) from error
        return baseline

    def _restore(self, settings: dict[str, Any], files: dict[str, bytes]) -> None:
        self.decoder_ = Decoder.from_dict(settings["decoder"])
        self.index_ = TrainingIndex.from_arrays(unpack_arrays(files[_INDEX]))
        self.corpus_index_ = None
        if "corpus" in settings:
            from cmexam_baseline.features.corpus_index import CorpusIndex

            self.corpus_index_ = CorpusIndex.from_arrays(unpack_arrays(files[_CORPUS]))
        self.embeddings_, self.dense_index_ = None, None
        if "embeddings" in settings:
            self.embeddings_ = {key: str(settings["embeddings"][key]) for key in ("name", "fingerprint")}
            from cmexam_baseline.features.dense_index import DenseIndex

            self.dense_index_ = DenseIndex.from_arrays(unpack_arrays(files[_DENSE]))
        self.extra_columns_ = [str(name) for name in settings.get("extra_columns", [])]
        self.trials_ = settings.get("trials", [])
        self.explainer_ = Explainer.from_arrays(unpack_arrays(files[_EXPLAINER]))
        self.boosters_ = [trees.from_text(files[_booster_file(i)].decode()) for i in range(self.bag)]


@remembered
def _scored(exam: Exam) -> list[Any]:
    """The boosters that scored `exam` last without extra columns, and the scores: `fit` and `predict` ask for those of val."""
    return []


_PARAMETER_TYPES: dict[str, Callable[[Any], Any]] = {
    name: float if name in ("learning_rate", "subsample", "colsample_bytree", "reg_lambda") else int
    for name in ("random_state", *TUNABLE)
}


def _booster_file(member: int) -> str:
    return f"booster-{member + 1}.txt"


def _check_columns(extra_columns: Columns, exam: Exam, names: Sequence[str]) -> None:
    """Raise `InputError` unless `extra_columns` holds exactly the columns `names`, one finite number per option."""
    if sorted(extra_columns) != sorted(names):
        raise InputError(
            f"the model was trained with the extra columns {_listed(names)}, got {_listed(extra_columns)}; give those"
        )
    for name, column in extra_columns.items():
        if column.shape != (len(exam.option_texts),) or not np.isfinite(column).all():
            raise InputError(
                f"column {name} needs one finite number for each of the {len(exam.option_texts)} options; "
                f"it has shape {column.shape}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"
