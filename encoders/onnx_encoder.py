"""A trained encoder as ONNX: export, and prediction with numpy, onnxruntime and tokenizers, without torch."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.batches import Batch
from cmexam_baseline.encoders.model_io import DESCRIPTION, Description, check_files, write_checksums
from cmexam_baseline.encoders.sequences import Evidence, refuse_other_evidence
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, Question
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import new_folder, write_atomically
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress, no_progress

if TYPE_CHECKING:
    import torch

    from cmexam_baseline.encoders.baseline import EncoderBaseline, FittedModel
    from cmexam_baseline.encoders.heads import Scorer

MODEL = "model.onnx"
_TOKENS_PER_BATCH = 8192
_TOLERANCE = 1e-3
_LARGEST_FILE = 1 << 30

INPUTS = (
    "input_ids", "segments", "token_types", "positions", "sequence_of", "column_of",
)  # fmt: skip
"""The inputs of the exported model: those fields of `Batch`."""


class OnnxEncoder:
    """An encoder that `export_onnx` wrote; predicts as the torch model does.

    `find_evidence` as of `EncoderBaseline`, to be set where the model was trained with evidence.
    """

    def __init__(self, session: Any, tokenizer: TextTokenizer, description: Description) -> None:
        self._session = session
        self._inputs = {one.name for one in session.get_inputs()}
        self._tokenizer = tokenizer
        self.description_ = description
        self.find_evidence: Callable[[Exam, Progress], Evidence] | None = None

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> OnnxEncoder:
        """The exported encoder in a folder; raises `InputError` if a file or onnxruntime is missing."""
        path = Path(folder)
        check_files(path)
        description = Description.read(path)
        tokenizer = TextTokenizer.from_file(path / "tokenizer.json", description.template)
        require("onnx", "onnxruntime", purpose="prediction from ONNX")
        import onnxruntime

        try:
            session = onnxruntime.InferenceSession(path / MODEL, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common class for errors of bad files
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path / MODEL} cannot be loaded: {reason}; export the model again") from error
        return cls(session, tokenizer, description)

    def scores(self, batch: Batch[NDArray[Any]]) -> NDArray[np.float32]:
        """Flat scores (O,) of a batch."""
        arrays = {name: getattr(batch, name) for name in INPUTS if name in self._inputs}
        (scores,) = self._session.run(None, arrays)
        return np.asarray(scores, np.float32)

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers and option probabilities; `find_evidence` is set if it was trained with evidence."""
        report, description = progress or no_progress, self.description_
        evidence = None if self.find_evidence is None else self.find_evidence(exam, report)
        refuse_other_evidence(exam, evidence, description.evidence)
        batches = description.batches(exam, self._tokenizer, evidence, report)
        offsets, done = exam.option_offsets, 0
        scores = np.zeros(len(exam.option_texts))
        for questions in batches.by_length(_TOKENS_PER_BATCH):
            batch = batches.make(questions)
            scores[offsets[questions][batch.row_of] + batch.column_of] = self.scores(batch)
            done += len(questions)
            report("predicting", done, len(exam))
        return description.decision.predictions(exam, scores)


def export_onnx(baseline: EncoderBaseline, folder: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write `model.onnx`, `tokenizer.json` and `encoder.json` to a new folder, and check the scores.

    `OnnxEncoder.load` reads the folder with numpy, onnxruntime and tokenizers only. Raises `InputError` if
    the folder is taken, a package is missing, or the exported model's scores differ from this one's.
    """
    require("onnx", purpose="export to ONNX")
    import torch

    fitted, scorer = baseline.fitted_, baseline.scorer_.eval()
    device = next(scorer.parameters()).device
    scorer.to("cpu")
    try:
        with new_folder(folder, overwrite) as temporary:
            _export(scorer, _example(fitted, (5, 4, 2)), temporary / MODEL)
            fitted.text_tokenizer.backend.save(str(temporary / "tokenizer.json"))
            write_atomically(temporary / DESCRIPTION, fitted.description.to_json())
            example = _example(fitted, (8, 5, 5, 3, 2, 6))
            with torch.no_grad():
                expected = scorer(*_inputs(example)).numpy()
            difference = float(np.abs(OnnxEncoder.load(temporary).scores(example) - expected).max())
            if not difference <= _TOLERANCE:
                raise InputError(
                    f"the exported model's scores are off by {difference:.2g}; predict with torch"
                )
            write_checksums(temporary)
    finally:
        scorer.to(device)


def _example(fitted: FittedModel, numbers: tuple[int, ...]) -> Batch[NDArray[Any]]:
    """A batch of questions with these numbers of options, each longer than the last."""
    exam = Exam.from_questions(
        [
            Question(str(i), "病" * 7 * (i + 1), tuple("热" * (i + j + 1) for j in range(number)))
            for i, number in enumerate(numbers)
        ]
    )
    return fitted.batches(exam).make(np.arange(len(exam)))


def _inputs(batch: Batch[NDArray[Any]]) -> tuple[torch.Tensor, ...]:
    import torch

    return tuple(torch.from_numpy(getattr(batch, name)) for name in INPUTS)


def _export(scorer: Scorer, example: Batch[NDArray[Any]], path: Path) -> None:
    import torch

    tensors = _inputs(example)
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


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter's progress and its notes on optional packages off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
