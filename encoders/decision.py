"""From option probabilities to answers, the way that did best on val."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.encoders.answer_sets import Floats, natural_answers, option_probabilities
from cmexam_baseline.exam.decoding import Decoder
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.predictions import Predictions

Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Answering:
    """How scores become probabilities and answers: by `decoder`, or as the loss has it (None)."""

    loss: str
    size_bias: tuple[float, ...]
    decoder: Decoder | None = None

    def probabilities(self, scores: Floats, offsets: Offsets) -> Floats:
        """Flat probability of every option, from flat scores."""
        return option_probabilities(self.loss, scores, offsets, np.array(self.size_bias))

    def answers(self, scores: Floats, offsets: Offsets, questions: Sequence[str]) -> NDArray[np.uint16]:
        """Bit masks (n,) from flat scores."""
        if self.decoder is None:
            return natural_answers(self.loss, scores, offsets, np.array(self.size_bias))
        return self.decoder.decode(self.probabilities(scores, offsets), offsets, questions)

    def predictions(self, exam: Exam, scores: Floats) -> Predictions:
        """Answers and option probabilities of an exam from flat scores."""
        return Predictions(
            ids=list(exam.ids),
            answers=self.answers(scores, exam.option_offsets, exam.questions),
            option_scores=self.probabilities(scores, exam.option_offsets),
            option_offsets=exam.option_offsets,
        )

    def chosen_on(
        self, scores: Floats, offsets: Offsets, questions: Sequence[str], answers: NDArray[np.uint16]
    ) -> Answering:
        """The best option alone, the loss's most probable set, or a fitted decoder: the most often right.

        Among equals the first of these; so never worse here than the best option alone.
        """
        probabilities = self.probabilities(scores, offsets)
        fitted = Decoder.fit(probabilities, offsets, answers, questions)
        candidates = [Answering(self.loss, self.size_bias, one) for one in (Decoder.argmax(), None, fitted)]
        known = answers > 0
        right = [int((one.answers(scores, offsets, questions) == answers)[known].sum()) for one in candidates]
        return candidates[int(np.argmax(right))]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        decoder = None if self.decoder is None else self.decoder.to_dict()
        return {"loss": self.loss, "size_bias": list(self.size_bias), "decoder": decoder}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Answering:
        """The answering that `to_dict` described; raises `InputError` for anything else.

        >>> Answering.from_dict(Answering("softmax", (0.0,) * 8).to_dict()).decoder is None
        True
        """
        try:
            decoder = None if values["decoder"] is None else Decoder.from_dict(values["decoder"])
            return cls(str(values["loss"]), tuple(float(bias) for bias in values["size_bias"]), decoder)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{values!r} does not describe how to answer; train the model again") from error
