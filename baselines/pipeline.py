"""Training: read the exam, fit, predict, score, write the run folder."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.baselines.registry import MODELS, default_folder, model_kind, require_extras
from cmexam_baseline.baselines.run_folder import Run, is_run, load_run, write_run
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import install_command
from cmexam_baseline.exam.io.files import check_output_folder
from cmexam_baseline.exam.progress import Progress, StageTimer, prefix_progress

if TYPE_CHECKING:
    from cmexam_baseline.baselines.registry import Baseline
    from cmexam_baseline.baselines.training_data import TrainingData
    from cmexam_baseline.exam import Exam, Predictions
    from cmexam_baseline.features import Corpus

PathLike = str | os.PathLike[str]

# Arguments that not every model takes: the kinds that do, and what these are.
_ONLY_FOR = {
    "encoder": (("ensemble",), "ensembles"),
    "n_folds": (("ensemble",), "ensembles"),
    "embeddings": (("lightgbm", "ensemble"), "lightgbm's features"),
    "config": (("encoder", "ensemble"), "encoders"),
    "tune": (("lightgbm",), "LightGBM alone"),
}


@dataclass(frozen=True)
class Plan:
    """What to train: a kind of model (a key of `MODELS`) and its constructor's arguments, without the seed.

    n_jobs: threads; fold_jobs: folds of an ensemble that are trained side by side
    """

    kind: str
    parameters: Mapping[str, Any]
    n_jobs: int | None = None
    fold_jobs: int = 1

    def model(self, random_state: int, checkpoints: Path | None = None) -> Baseline:
        """The unfitted model; raises `InputError` for a parameter that it does not take."""
        made = MODELS[self.kind].load_class()
        known = list(inspect.signature(made).parameters)
        _refuse_unknown(self.kind, self.parameters, known)
        given = {"n_jobs": self.n_jobs, "fold_jobs": self.fold_jobs, "checkpoints": checkpoints}
        given = {name: value for name, value in given.items() if name in known}
        model: Baseline = made(random_state=random_state, **{**given, **self.parameters})
        return model

    def without_questions(self, data: TrainingData) -> Plan:
        """The plan with a corpus, if any, that contains no question of `data`."""
        if "corpus" not in self.parameters:
            return self
        exams = {name: split.exam for name, split in data.splits.items()}
        corpus = self.parameters["corpus"].without_questions(exams)
        return replace(self, parameters={**self.parameters, "corpus": corpus})

    def identity(self, random_state: int, data: TrainingData) -> str:
        """A fingerprint of all that decides the trained model, by which a finished run is recognised."""
        parts = {
            "kind": self.kind,
            "parameters": {name: _identity_of(value) for name, value in self.parameters.items()},
            "random_state": random_state,
            "data": {name: split.exam.fingerprint() for name, split in data.splits.items()},
        }
        if "encoder_settings" in self.parameters:
            from cmexam_baseline.encoders import find_model, weights_fingerprint

            # The folder of that name may hold other weights by now.
            parts["weights"] = weights_fingerprint(find_model(self.parameters["encoder_settings"].model))
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def plan_training(
    model: str = "lightgbm",
    *,
    encoder: str | None = None,
    n_folds: int | None = None,
    embeddings: str | None = None,
    corpus: PathLike | Sequence[PathLike] | Corpus = (),
    question_banks: bool = False,
    config: PathLike | None = None,
    tune: int | None = None,
    n_jobs: int | None = None,
    fold_jobs: int = 1,
    **settings: Any,
) -> Plan:
    """The plan of a training. Everything is checked that can be checked before data are read.

    Arguments as for `train`. Raises `InputError` for a misspelt model, an argument that the model does not take,
    a wrong setting, and if a package, a GPU or the weights of an encoder are missing.
    """
    kind = model_kind(model)
    given: dict[str, Any] = {"encoder": encoder, "n_folds": n_folds, "embeddings": embeddings}
    given |= {"config": config, "tune": tune}
    for name, value in given.items():
        kinds, takers = _ONLY_FOR[name]
        if value is not None and kind not in kinds:
            raise InputError(f"`{name}` is for {takers}; omit it or use another `model`")
    require_extras(kind)
    counts = {"n_folds": n_folds, "tune": tune}
    parameters: dict[str, Any] = {name: count for name, count in counts.items() if count is not None}
    if kind in ("encoder", "ensemble"):
        if kind == "ensemble" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise InputError("an ensemble trains in one process; start it without torchrun")
        from cmexam_baseline.encoders import check_ready, load_settings

        # Without a model, the TOML file may name one.
        which = encoder if kind == "ensemble" else model
        found = load_settings(config, **settings, **({"model": which} if which else {}))
        if corpus and kind == "encoder" and not found.evidence:
            raise InputError("an encoder reads the `corpus` as evidence; set `evidence` to 1 or more")
        check_ready(found)
        parameters["encoder_settings"] = found
    else:
        from cmexam_baseline.encoders.settings import EncoderSettings

        for name in settings.keys() & {field.name for field in fields(EncoderSettings)}:
            raise InputError(
                f'`{name}` is a setting of encoders; use `model="bert"`, roberta or another encoder'
            )
        if kind == "lightgbm":  # the parameters of other models are known once one is made, below
            from cmexam_baseline.features.tree_settings import TUNABLE, check_settings

            _refuse_unknown(kind, settings, ("random_state", *TUNABLE))
            check_settings(settings)
        parameters |= settings
    if embeddings is not None:
        from cmexam_baseline.baselines.evidence_encoder import make_embedder

        parameters["embedder"] = make_embedder(embeddings)
    if corpus:
        from cmexam_baseline.features.corpus import Corpus as Passages

        if not isinstance(corpus, Passages):
            corpus = Passages.read(corpus, question_banks)
        parameters["corpus"] = corpus
    plan = Plan(kind, parameters, n_jobs, fold_jobs)
    unfitted: Any = plan.model(0)
    if kind == "lightgbm":
        unfitted.tree_settings()
    return plan


def _refuse_unknown(kind: str, given: Iterable[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"its parameters are {', '.join(known)}"
            raise InputError(f"{kind} has no parameter {name!r}; {hint}")


def train(
    model: str = "lightgbm",
    data: PathLike | Mapping[str, Exam] | None = None,
    out: PathLike | None = None,
    *,
    random_state: int = 0,
    extra_train: Sequence[PathLike] = (),
    bad_rows: str = "auto",
    overwrite: bool = False,
    progress: StageTimer | None = None,
    **arguments: Any,
) -> Run:
    """Train a baseline, score it on val and test, and write a run folder.

    model:        "lightgbm"; "bert", "roberta", a name on the Hugging Face hub or a folder for an encoder;
                  "ensemble" for LightGBM and an encoder together
    data:         folder with train, val and test files, or exams by split (default: the bundled sample exam)
    out:          the run folder to make (default: runs/ and the model's name)
    random_state: seed of everything random
    extra_train:  other exams whose questions join the training questions, without those that overlap with val or test
    bad_rows:     what to do about rows that cannot be used, see `read_exam`
    overwrite:    replace a run that is there
    progress:     a `StageTimer`, which a subclass may draw
    arguments:    `encoder` and `n_folds` (of an ensemble), `embeddings` (a frozen encoder for LightGBM's features),
                  `corpus` (files and folders of text as further evidence; `question_banks=True` reads question
                  banks among them, too), `config` (a TOML file with encoder settings), `tune` (settings of
                  LightGBM to try by cross-validation), `n_jobs` (threads),
                  `fold_jobs` (folds of an ensemble side by side), and settings: the constructor's arguments of
                  `LightGBMBaseline` for "lightgbm", else the fields of `EncoderSettings`

    Models are chosen on val; test is only scored. Raises `InputError` for arguments, files or an environment that do
    not allow it, as far as possible before any work.

    >>> import tempfile
    >>> from cmexam_baseline import baselines, exam
    >>> sample = exam.load_splits(None)
    >>> small = {"train": sample["train"].exam[:60], "val": sample["val"].exam[:20]}
    >>> folder = tempfile.mkdtemp()
    >>> run = baselines.train("lightgbm", small, folder, random_state=1, n_estimators=5)
    >>> run.scores["val"]["n"], len(run.predict(small["val"]).answers)
    (20, 20)
    >>> baselines.load_run(folder).predict(small["val"]) == run.predict(small["val"])
    True
    """
    place = Path(out) if out is not None else default_folder(model)
    inputs = [*extra_train, *([] if data is None or isinstance(data, Mapping) else [data])]
    check_output_folder(place, [*inputs, *files_read(model, arguments)], overwrite=overwrite)
    plan = plan_training(model, **arguments)
    from cmexam_baseline.baselines.training_data import load_training_data

    found = load_training_data(
        data, extra_train=extra_train, bad_rows=bad_rows, needed=MODELS[plan.kind].splits, progress=progress
    )
    plan = plan.without_questions(found)
    return train_once(plan, found, place, random_state, overwrite=overwrite, progress=progress)


def files_read(model: str, arguments: Mapping[str, Any]) -> list[Path]:
    """The folders with encoders and the configuration file that these arguments of `train` name."""
    names = [arguments.get(name) for name in ("encoder", "embeddings", "config")]
    names += [] if model in MODELS else [model]
    return [path for path in (Path(name).expanduser() for name in names if name) if path.exists()]


def train_seeds(
    plan: Plan,
    data: TrainingData,
    out: Path,
    seeds: Sequence[int],
    *,
    only: int | None = None,
    jobs: int = 1,
    overwrite: bool = False,
    progress: StageTimer | None = None,
) -> dict[int, Run]:
    """A run per seed in `out`/seed-N, by seed.

    Runs that are finished are kept, if they come from the same data and settings: so the work can be shared by several
    machines, each with `only` a seed of its own, and a last call without `only` collects the runs. With `jobs`, that
    many seeds are trained side by side, each in a process. Raises `InputError` for a run of other data or settings,
    unless `overwrite` is set.
    """
    if only is not None and only not in seeds:
        raise InputError(
            f"seed {only} is not among {', '.join(map(str, seeds))}; `only` takes one of `seeds`"
        )
    timer = progress or StageTimer()
    places = {seed: out / f"seed-{seed}" for seed in seeds if only in (None, seed)}
    runs: dict[int, Run] = {}
    for seed, place in places.items():
        if overwrite or not is_run(place):
            check_output_folder(place, overwrite=overwrite)
            continue
        runs[seed] = load_run(place)
        if runs[seed].config.get("identity") != plan.identity(seed, data):
            raise InputError(
                f"{place} was trained on other data or with other settings; give another folder or use `overwrite=True`"
            )
        timer.say(f"seed {seed}: trained before, in {place}")
    missing = [seed for seed in places if seed not in runs]
    jobs = min(jobs, len(missing))
    if jobs > 1:
        from cmexam_baseline.baselines.parallel_jobs import run_jobs, threads_per_job

        share = replace(plan, n_jobs=plan.n_jobs or threads_per_job(jobs))
        calls = [(share, data, places[seed], seed) for seed in missing]
        stage = f"training {len(missing)} seeds, {jobs} side by side"
        timer(stage, 0, len(missing))
        work = partial(train_once, overwrite=overwrite)
        for done, (i, run) in enumerate(run_jobs(work, calls, jobs), 1):
            timer(stage, done, len(missing))
            timer.say(f"seed {missing[i]}: trained, in {run.folder}")
            runs[missing[i]] = run
    else:
        for seed in missing:
            runs[seed] = train_once(plan, data, places[seed], seed, overwrite=overwrite, progress=progress)
    return {seed: runs[seed] for seed in places}


def train_fold(
    plan: Plan, data: TrainingData, out: Path, random_state: int, fold: int, progress: Progress | None = None
) -> None:
    """Train one fold (from 1) of an ensemble and keep its scores beside `out`, where `train_once` finds them.

    Raises `InputError` if the model has no such fold.
    """
    fit_fold = getattr(plan.model(random_state, _checkpoint_folder(out)), "fit_fold", None)
    if fit_fold is None:
        raise InputError(
            "`only` takes a seed of `seeds`, or a fold of an ensemble; this is a single training"
        )
    fit_fold(fold, data.train, data.val, progress)


def train_once(
    plan: Plan,
    data: TrainingData,
    out: Path,
    random_state: int = 0,
    *,
    overwrite: bool = False,
    progress: StageTimer | None = None,
) -> Run:
    """Train with one seed, score, and write the run folder `out`; see `train`."""
    from cmexam_baseline.baselines.split_scores import scores_of_run

    timer = progress or StageTimer()
    checkpoints = _checkpoint_folder(out)
    identity = plan.identity(random_state, data)
    model = plan.model(random_state, checkpoints)
    model.fit(data.train, data.val, progress=timer, from_other_exam=data.from_other_exam)
    if trials := getattr(model, "trials_", None):
        from cmexam_baseline.features.tuning import summary

        timer.say(summary(trials))
    predictions = _predict_splits(model, data, timer)
    parts = _predict_parts(model, plan, random_state, data, timer) if plan.kind == "ensemble" else {}
    scores = scores_of_run(data, predictions, parts, random_state, timer)
    if not is_main_process(plan.kind):
        model.save(out)  # under torchrun every process takes part in saving, and the first one writes
        return Run(out, {"model": plan.kind})
    with timer.stage("saving the run"):
        kept = {f"{split}_{name}": one for split, found in parts.items() for name, one in found.items()}
        about = (plan.kind, model, random_state, identity, data)
        write_run(out, *about, {**predictions, **kept}, scores, timer.seconds, overwrite)
    if plan.kind in ("encoder", "ensemble") and not (out / "training.svg").exists():
        timer.say(f"no curve of the training was drawn without matplotlib: {install_command('report')}")
    _keep_logs(checkpoints, out / "logs")
    shutil.rmtree(checkpoints, ignore_errors=True)
    return load_run(out)


def is_main_process(kind: str) -> bool:
    """Whether this process writes and prints; all but the first of torchrun's do not."""
    from cmexam_baseline.encoders import is_main_process as is_first

    return kind != "encoder" or is_first()


def _checkpoint_folder(out: Path) -> Path:
    """Where checkpoints are until the run is written: beside the run folder."""
    return out.with_name(f"{out.name}.checkpoints")


def _identity_of(value: Any) -> Any:
    """A value that JSON can hold and that says what decides the training."""
    for name in ("training_identity", "describe"):  # encoder settings, embedder, corpus
        if hasattr(value, name):
            return getattr(value, name)()
    return value


def _predict_splits(
    model: Baseline, data: TrainingData, timer: StageTimer, prefix: str = ""
) -> dict[str, Predictions]:
    return {
        name: model.predict(exam, prefix_progress(timer, f"{prefix}predicting {name}"))
        for name, exam in data.held_out.items()
    }


def _predict_parts(
    model: Any, plan: Plan, random_state: int, data: TrainingData, timer: StageTimer
) -> dict[str, dict[str, Predictions]]:
    """By split, the predictions of an ensemble's parts alone: LightGBM trained without the encoder, the encoder."""
    if model.mixture_ is not None:
        alone = model.lightgbm_
    else:
        shared = {name: value for name, value in plan.parameters.items() if name in ("corpus", "embedder")}
        alone = replace(plan, kind="lightgbm", parameters=shared).model(random_state)
        report = prefix_progress(timer, "LightGBM alone")
        alone.fit(data.train, data.val, progress=report, from_other_exam=data.from_other_exam)
    of_lightgbm = _predict_splits(alone, data, timer, "LightGBM alone: ")
    return {
        name: {"lightgbm": of_lightgbm[name], "encoder": model.encoder_predictions(exam)}
        for name, exam in data.held_out.items()
    }


def _keep_logs(checkpoints: Path, place: Path) -> None:
    """Move the training curves (`report_to`) from beside the checkpoints into the run folder."""
    for logs in sorted(checkpoints.rglob("logs")):
        if logs.is_dir():  # not one that moved within another
            target = place / logs.parent.relative_to(checkpoints)
            target.parent.mkdir(parents=True, exist_ok=True)
            logs.rename(target)
