"""Prediction from an exported encoder: numpy, onnxruntime and tokenizers, no torch, no transformers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.batches import Batch, Batches
from cmexam_baseline.encoders.inputs import Evidence, encode_exam, refuse_other_evidence
from cmexam_baseline.encoders.model_description import Description
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions
from cmexam_baseline.exam.progress import Progress

MODEL = "model.onnx"
_TOKENS_AT_A_TIME = 8192

INPUTS = (
    "input_ids", "segments", "token_types", "positions", "sequence_of", "place_of", "column_of",
)  # fmt: skip
"""The inputs of the exported model: those fields of `Batch`."""


class OnnxEncoder:
    """An encoder that `export_onnx` wrote; predicts what the torch model predicts."""

    def __init__(self, session: Any, tokenizer: TextTokenizer, description: Description) -> None:
        self._session = session
        self._inputs = {one.name for one in session.get_inputs()}
        self._tokenizer = tokenizer
        self.description = description

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> OnnxEncoder:
        """The exported encoder in a folder; raises `InputError` if a file or onnxruntime is missing."""
        path = Path(folder)
        description = Description.read(path)
        tokenizer = TextTokenizer.from_file(path / "tokenizer.json", description.template)
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("prediction from ONNX needs onnxruntime; run pip install onnxruntime") from error
        try:
            session = onnxruntime.InferenceSession(path / MODEL, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common class for what a bad file raises
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path / MODEL} cannot be loaded: {reason}; export the model again") from error
        return cls(session, tokenizer, description)

    def scores(self, batch: Batch) -> NDArray[np.float32]:
        """Flat scores (O,) of a batch."""
        arrays = {name: getattr(batch, name) for name in INPUTS if name in self._inputs}
        (scores,) = self._session.run(None, arrays)
        return np.asarray(scores, np.float32)

    def predict(
        self, exam: Exam, progress: Progress | None = None, *, evidence: Evidence | None = None
    ) -> Predictions:
        """Answers and option probabilities, as `EncoderBaseline.predict`."""
        description = self.description
        refuse_other_evidence(exam, evidence, description.evidence)
        sequences = encode_exam(
            exam, self._tokenizer, description.layout, evidence,
            description.settings.evidence_tokens, progress,
        )  # fmt: skip
        batches = Batches(sequences, description.template)
        offsets = exam.option_offsets
        scores = np.zeros(len(exam.option_texts))
        done = 0
        for questions in batches.in_order_of_length(_TOKENS_AT_A_TIME):
            batch = batches.make(questions)
            scores[offsets[questions][batch.row_of] + batch.column_of] = self.scores(batch)
            done += len(questions)
            if progress is not None:
                progress("predicting", done, len(exam))
        return description.answering.predictions(exam, scores)
