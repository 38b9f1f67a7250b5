"""The run folder: what `train` leaves and `load_run` reads.

    config.json             the model's kind and settings, seed, versions, fingerprints of the data
    model/                  what the model's own `save` wrote
    predictions_val.csv     (and predictions_test.csv) letters, probabilities and explanations; of an ensemble
                            also predictions_val_lightgbm.csv and predictions_val_encoder.csv, its parts alone
    README.md               the model card
    scores.json             accuracy and weighted F1 by split, as fractions; BLEU and ROUGE in percent
    left_out.csv            rows of the data that could not be used, and why
    extra_train_left_out.csv  with extra training questions: those that overlap with val, test or train
    timings.json            seconds by stage
    training.svg            of an encoder, where matplotlib is installed: loss and accuracy by step
    logs/                   with `report_to`: the files of TensorBoard, wandb or SwanLab

Nothing in it names another place, so it can be moved.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.baselines.registry import MODELS, require_extras
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import check_output_folder, new_folder, write_atomically

if TYPE_CHECKING:
    from cmexam_baseline.baselines.registry import Baseline, Predictor
    from cmexam_baseline.baselines.training_data import TrainingData
    from cmexam_baseline.exam import Exam, Predictions
    from cmexam_baseline.exam.progress import Progress

FORMAT = "cmexam-baseline run"
FORMAT_VERSION = 1
ONNX_MODEL = "model.onnx"
# Larger exams are answered in batches, which bounds the memory.
BATCH_SIZE = 20_000
_VERSIONS_OF = [
    "cmexam-baseline",
    "numpy",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "jieba",
    "torch",
    "transformers",
]


@dataclass(frozen=True)
class Run:
    """A trained run: a run folder, or a folder that `export --onnx` made.

    folder:     where it is
    config:     content of config.json: the model's kind and settings, seed, versions, fingerprints of the data
    embeddings: where the frozen encoder of a run with embeddings is now, if it has moved
    """

    folder: Path
    config: dict[str, Any]
    embeddings: str | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """A key of `MODELS`, or "onnx"."""
        return str(self.config["model"])

    @cached_property
    def scores(self) -> dict[str, Any]:
        """The content of scores.json: by split accuracy, weighted F1 and more; empty for an ONNX folder."""
        return {} if self.kind == "onnx" else _read_scores(self.folder / "scores.json")

    @cached_property
    def model(self) -> Predictor:
        """The trained model, loaded when first used; `InputError` if a file or a package is missing."""
        if self.kind == "onnx":
            require("onnx", "onnxruntime", purpose="prediction from an ONNX folder")
            from cmexam_baseline.baselines.evidence_encoder import load_onnx

            return load_onnx(self.folder)
        require_extras(self.kind)
        model: Baseline = MODELS[self.kind].load_class().load(self.folder / "model")
        if self.embeddings is not None or "embeddings" in model.settings:
            from cmexam_baseline.baselines.evidence_encoder import restore_embedder

            restore_embedder(model, self.embeddings)
        return model

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers to the questions of `exam`, with option probabilities and, where the model gives any, explanations.

        The exam may come without answers. Raises `InputError` if the model cannot be loaded.
        """
        parts = list(self.predict_batches(exam, progress))
        if len(parts) == 1:
            return parts[0]
        import numpy as np

        from cmexam_baseline.exam import Predictions

        scores = [part.option_scores for part in parts if part.option_scores is not None]
        return Predictions(
            list(exam.ids),
            np.concatenate([part.answers for part in parts]),
            np.concatenate(scores) if scores else None,
            exam.option_offsets if scores else None,
            [text for part in parts for text in part.explanations or []] or None,
        )

    def predict_batches(self, exam: Exam, progress: Progress | None = None) -> Iterator[Predictions]:
        """The same, 20,000 questions at a time, for exams whose predictions are not to be kept in memory."""
        n = len(exam)
        if n <= BATCH_SIZE:
            yield self.model.predict(exam, progress)
            return
        for start in range(0, n, BATCH_SIZE):
            if progress is not None:
                progress("answering", start, n)
            yield self.model.predict(exam[start : start + BATCH_SIZE])
        if progress is not None:
            progress("answering", n, n)

    def export_onnx(self, folder: str | os.PathLike[str], overwrite: bool = False) -> Run:
        """Write the encoder of this run as ONNX into a new `folder`, and return the run in it, which needs no torch.

        Raises `InputError` for other kinds of models, and if `folder` is taken, contains this run or a package is missing.
        """
        check_output_folder(folder, [self.folder], overwrite=overwrite)
        if self.kind != "encoder":
            raise InputError(
                f"{self.folder} holds a model of kind {self.kind!r}; only encoders alone are exported"
            )
        from cmexam_baseline.baselines.evidence_encoder import EvidenceEncoder
        from cmexam_baseline.encoders import export_onnx

        model = EvidenceEncoder.load(self.folder / "model", device="cpu")
        export_onnx(model.encoder_, Path(folder), overwrite)
        model.save_sentences(Path(folder))
        return load_run(folder)


def load_run(folder: str | os.PathLike[str], embeddings: str | None = None) -> Run:
    """The run in `folder`: a run folder that `train` made, or an ONNX folder that `export` made.

    embeddings: where the frozen encoder of a run trained with embeddings is now, if it has moved

    Raises `InputError` if the folder is missing, holds neither, or was made by another version.

    >>> load_run("no-such-folder")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: no-such-folder is not there; give a folder that `train` made
    """
    place = Path(folder)
    if (place / ONNX_MODEL).is_file():
        return Run(place, {"model": "onnx"})
    return Run(place, _read_config(place), embeddings)


def is_run(folder: Path) -> bool:
    """Whether `folder` looks like a run folder."""
    return (folder / "config.json").is_file() and (folder / "scores.json").is_file()


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(_no_config(folder)) from None
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); train the run again") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise InputError(f"{path} is not of a run folder; give a folder that `train` made")
    version, model = config.get("format_version"), config.get("model")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder} has run format {version!r}, this version reads {FORMAT_VERSION}; train it again"
        )
    if not isinstance(model, str) or model not in MODELS:
        raise InputError(f"{path} names model {model!r}, known are {', '.join(MODELS)}")
    return config


def _no_config(folder: Path) -> str:
    """Why a folder without config.json is no run folder, and which to give instead."""
    if not folder.is_dir():
        what = "a file" if folder.exists() else "not there"
        return f"{folder} is {what}; give a folder that `train` made"
    inside = sorted(one.name for one in folder.iterdir() if is_run(one))
    if inside:
        return f"{folder} holds the runs {', '.join(inside)}; give one of them, as in {folder / inside[0]}"
    if (folder.parent / "config.json").is_file():
        return f"{folder} is inside a run folder; give {folder.parent}"
    return f"{folder} holds no config.json; give a folder that `train` made"


def _read_scores(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        for split in {"val", "test"} & value.keys():
            float(value[split]["accuracy"]), int(value[split]["n"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} cannot be read as the scores of a run ({error}); train it again") from error
    return dict(value)


def write_run(
    folder: Path,
    kind: str,
    model: Baseline,
    random_state: int,
    identity: str,
    data: TrainingData,
    predictions: Mapping[str, Predictions],
    scores: Mapping[str, Any],
    seconds: Mapping[str, float],
    overwrite: bool = False,
) -> None:
    """Write a run folder beside its place, then give it its name, so that it is never half there.

    kind, model, random_state: a key of `MODELS`, the fitted model and its seed
    identity:    fingerprint of all that decides the training, by which a finished run is recognised
    predictions: by the ending of their file's name, "val" for predictions_val.csv
    scores:      as in scores.json; seconds: by stage

    Raises `InputError` if `folder` is not empty, unless `overwrite` is set and it holds a run.
    """
    from cmexam_baseline.baselines.model_card import model_card
    from cmexam_baseline.exam.io.text_formats import csv_text

    exams: dict[str, dict[str, Any]] = {
        name: {
            "rows": len(split.exam),
            "left_out": split.n_left_out,
            "fingerprint": split.exam.fingerprint(),
        }
        for name, split in data.splits.items()
    }
    if data.joined is not None:
        exams["train"]["extra"] = data.joined.counts()
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": kind,
        "seed": random_state,
        "settings": model.settings,
        "data": exams,
        "identity": identity,
        "versions": _versions(),
    }
    bad_rows = [
        (Path(row.file).name, row.row, "yes" if row.left_out else "no", row.reason, row.excerpt)
        for split in data.splits.values()
        for row in split.bad_rows
    ]
    files = {
        "config.json": _json(config),
        "README.md": model_card(config, scores),
        "scores.json": _json(scores),
        "timings.json": _json(seconds),
        "left_out.csv": csv_text(["file", "row", "left_out", "reason", "excerpt"], bad_rows),
    }
    if data.joined is not None:
        files["extra_train_left_out.csv"] = data.joined.excluded_csv()
    with new_folder(folder, overwrite) as aside:
        model.save(aside / "model")
        encoder = getattr(model, "encoder_", None)
        if encoder is not None:  # of an ensemble, the encoder of all questions
            from cmexam_baseline.baselines.charts import draw_training

            draw_training(getattr(encoder, "encoder_", encoder).report_, aside / "training.svg")
        for name, predicted in predictions.items():
            predicted.write(aside / f"predictions_{name}.csv")
        for name, text in files.items():
            write_atomically(aside / name, text)


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in _VERSIONS_OF:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
