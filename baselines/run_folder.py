"""The run folder: what `train` leaves and `predict` reads.

    config.json             the model's kind and settings, seed, versions, fingerprints of the data
    model/                  what the model's own `save` wrote
    predictions_val.csv     (and predictions_test.csv) letters, probabilities and explanations; of an ensemble
                            also predictions_val_lightgbm.csv and predictions_val_encoder.csv, its parts alone
    README.md               the model card
    scores.json             accuracy and weighted F1 by split, as fractions; BLEU and ROUGE in percent
    left_out.csv            rows of the data that could not be used, and why
    extra_train_left_out.csv  with --extra-train: its questions that overlap with val, test or train
    timings.json            seconds by stage
    logs/                   with --log-to: TensorBoard's or wandb's files

Nothing in it names another place, so it can be moved.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from cmexam_baseline.baselines.embedder import give_embedder
from cmexam_baseline.baselines.extra_training import JoinedExam
from cmexam_baseline.baselines.model_card import model_card
from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.progress import Progress
from cmexam_baseline.exam.splits import Split

FORMAT = "cmexam-baseline run"
FORMAT_VERSION = 1

MODEL_CLASSES = {
    "lightgbm": "cmexam_baseline.features:LightGBMBaseline",
    "encoder": "cmexam_baseline.baselines.evidence_encoder:EvidenceEncoder",
    "ensemble": "cmexam_baseline.baselines.ensemble:Ensemble",
}
VERSIONS_OF = (
    "cmexam-baseline",
    "numpy",
    "scipy",
    "scikit-learn",
    "lightgbm",
    "jieba",
    "torch",
    "transformers",
)


class Baseline(Protocol):
    """What every model of this package can do."""

    def fit(self, exam: Exam, val: Exam | None = None, progress: Progress | None = None) -> Baseline: ...
    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions: ...
    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Run:
    """A run folder that has been checked: its place, its configuration."""

    folder: Path
    config: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Run:
        """Read config.json of `folder`; `InputError` where it is not a run folder of this version."""
        config = _read_object(folder / "config.json", folder)
        if config.get("format") != FORMAT:
            raise InputError(
                f"{folder}/config.json is not of a run folder; give the folder that `train --out` made"
            )
        if config.get("format_version") != FORMAT_VERSION:
            found = config.get("format_version")
            raise InputError(
                f"{folder} has run format {found!r}, this version reads {FORMAT_VERSION}; train it again"
            )
        if config.get("model") not in MODEL_CLASSES:
            known = ", ".join(MODEL_CLASSES)
            raise InputError(f"{folder}/config.json names model {config.get('model')!r}, known are {known}")
        return cls(folder, config)

    def load_model(self, embeddings: str | None = None) -> Baseline:
        """The trained model; `embeddings` is where its frozen encoder is now, if it has one and it moved."""
        model: Baseline = model_class(self.config["model"]).load(self.folder / "model")
        give_embedder(model, embeddings)
        return model


def load_predictor(folder: Path, embeddings: str | None = None) -> Any:
    """The model of a run folder, or of a folder that `export --onnx` made; both have `predict`."""
    if (folder / "model.onnx").is_file():
        return model_class("encoder").load_onnx(folder)
    return Run.open(folder).load_model(embeddings)


def model_class(kind: str) -> Any:
    """The class of a kind of model, imported now."""
    module, name = MODEL_CLASSES[kind].split(":")
    return getattr(importlib.import_module(module), name)


def describe_run(kind: str, settings: dict[str, Any], seed: int, data: dict[str, Any]) -> dict[str, Any]:
    """The content of config.json."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "model": kind,
        "seed": seed,
        "settings": settings,
        "data": data,
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONS_OF:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _read_object(path: Path, folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{folder} holds no config.json; give the folder that `train --out` made") from None
    except NotADirectoryError:
        raise InputError(f"{folder} is a file; give the folder that `train --out` made") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is damaged ({error}); train the run again") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object; train the run again")
    return value


def write_run(
    folder: Path,
    overwrite: bool,
    kind: str,
    baseline: Any,
    seed: int,
    splits: Mapping[str, Split],
    joined: JoinedExam | None,
    predictions: Mapping[str, Predictions],
    scores: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> None:
    """Write the whole run aside, then give it its name."""
    data: dict[str, dict[str, Any]] = {
        name: {"rows": len(split.exam), "left_out": split.n_left_out, "fingerprint": split.exam.fingerprint()}
        for name, split in splits.items()
    }
    if joined is not None:
        data["train"]["extra"] = joined.counts()
    with new_folder(folder, overwrite) as aside:
        baseline.save(aside / "model")
        for name, predicted in predictions.items():
            predicted.write(aside / f"predictions_{name}.csv")
        config = describe_run(kind, _settings_of(baseline), seed, data)
        _write_json(aside / "config.json", config)
        write_atomically(aside / "README.md", model_card(config, scores))
        _write_json(aside / "scores.json", scores)
        _write_json(aside / "timings.json", seconds)
        _write_bad_rows(aside / "left_out.csv", splits)
        if joined is not None:
            write_atomically(aside / "extra_train_left_out.csv", joined.excluded_csv())


def _settings_of(baseline: Any) -> dict[str, Any]:
    settings = baseline.settings
    found: dict[str, Any] = settings if isinstance(settings, dict) else settings.to_dict()
    return found


def _write_json(path: Path, value: object) -> None:
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _write_bad_rows(path: Path, splits: Mapping[str, Split]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "row", "left_out", "reason", "excerpt"])
    for split in splits.values():
        for row in split.bad_rows:
            table.writerow(
                [Path(row.file).name, row.row, "yes" if row.left_out else "no", row.reason, row.excerpt]
            )
    write_atomically(path, text.getvalue())
