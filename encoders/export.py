"""A trained encoder as ONNX, to predict where there is no torch; see `onnx_encoder` for that."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from cmexam_baseline.encoders.baseline import EncoderBaseline
from cmexam_baseline.encoders.batches import Batch, Batches
from cmexam_baseline.encoders.collate import TensorBatch
from cmexam_baseline.encoders.heads import Scorer
from cmexam_baseline.encoders.inputs import encode_exam
from cmexam_baseline.encoders.model_description import DESCRIPTION
from cmexam_baseline.encoders.onnx_encoder import INPUTS, MODEL, OnnxEncoder
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.question import Question

_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_TOLERANCE = 1e-3
_LARGEST_FILE = 1 << 30


def export_onnx(baseline: EncoderBaseline, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write `model.onnx`, `tokenizer.json` and `encoder.json` to a new folder, and check the scores.

    `OnnxEncoder.load` reads the folder with numpy, onnxruntime and tokenizers alone. Raises `InputError` if
    the folder is taken, a package is missing, or the exported model would not score like this one.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"export to ONNX needs {' and '.join(missing)}; run pip install {' '.join(missing)}")
    scorer, device = baseline.scorer.eval(), next(baseline.scorer.parameters()).device
    scorer.to("cpu")
    try:
        with new_folder(folder, overwrite) as temporary:
            _export(scorer, _example(baseline, (5, 4, 2)), temporary / MODEL)
            baseline.text_tokenizer.backend.save(str(temporary / "tokenizer.json"))
            write_atomically(temporary / DESCRIPTION, baseline.description.to_json())
            _check(scorer, OnnxEncoder.load(temporary), _example(baseline, (8, 5, 5, 3, 2, 6)))
    finally:
        scorer.to(device)


def _example(baseline: EncoderBaseline, numbers: tuple[int, ...]) -> Batch:
    """A batch of questions with these numbers of options, each longer than the one before."""
    questions = [
        Question(str(i), "病" * 7 * (i + 1), tuple("热" * (i + j + 1) for j in range(number)))
        for i, number in enumerate(numbers)
    ]
    exam = Exam.from_questions(questions)
    description = baseline.description
    sequences = encode_exam(exam, baseline.text_tokenizer, description.layout)
    return Batches(sequences, description.template).make(np.arange(len(exam)))


def _export(scorer: Scorer, example: Batch, path: Path) -> None:
    batch = TensorBatch.from_batch(example)
    tensors = tuple(getattr(batch, name) for name in INPUTS)
    shapes = tuple(dict.fromkeys(range(tensor.ndim), torch.export.Dim.DYNAMIC) for tensor in tensors)
    n_bytes = sum(p.numel() * p.element_size() for p in scorer.parameters())
    try:
        with _silent():
            torch.onnx.export(
                scorer, tensors, path, input_names=list(INPUTS), output_names=["scores"],
                dynamic_shapes=shapes, dynamo=True, external_data=n_bytes > _LARGEST_FILE,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"this encoder cannot be exported to ONNX: {reason}; predict with torch") from error


def _check(scorer: Scorer, exported: OnnxEncoder, example: Batch) -> None:
    batch = TensorBatch.from_batch(example)
    with torch.no_grad():
        expected = scorer(*(getattr(batch, name) for name in INPUTS)).numpy()
    difference = float(np.abs(exported.scores(example) - expected).max())
    if not difference <= _TOLERANCE:
        raise InputError(f"the exported model's scores are off by {difference:.2g}; predict with torch")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter's progress and its notes on packages that are not needed off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
