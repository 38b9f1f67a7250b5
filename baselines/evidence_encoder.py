"""An encoder and the sentences that it reads, as one model of a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.progress import Progress, no_progress

if TYPE_CHECKING:
    from cmexam_baseline.encoders import EncoderSettings
    from cmexam_baseline.features import SentenceRetriever

SENTENCES = "sentences.npz"


class EvidenceEncoder:
    """An encoder baseline that is handed the best sentences of its training questions for every option.

    How many, says its setting `evidence`; with 0 it is the encoder alone. A question never gets a sentence of
    its own or of a copy of it, neither in training nor later.
    """

    def __init__(self, encoder: Any, sentences: SentenceRetriever | None = None) -> None:
        self.encoder = encoder
        self.sentences = sentences

    @classmethod
    def untrained(cls, settings: EncoderSettings) -> EvidenceEncoder:
        """The model that `fit` is to train."""
        from cmexam_baseline.encoders import EncoderBaseline

        return cls(EncoderBaseline.from_settings(settings))

    @property
    def settings(self) -> dict[str, Any]:
        """The encoder's settings and its number of parameters."""
        description = self.encoder.description_
        return {**description.settings.to_dict(), "n_parameters": description.report.n_parameters}

    def fit(
        self,
        exam: Exam,
        val: Exam | None = None,
        progress: Progress | None = None,
        folder: Path | None = None,
    ) -> EvidenceEncoder:
        """Collect the sentences of `exam`, find those of every option, train; arguments as for the encoder."""
        find = None
        if self.encoder.settings.evidence:
            from cmexam_baseline.features import SentenceRetriever

            self.sentences = SentenceRetriever.fit(exam, progress or no_progress)
            find = _finder(self.sentences, self.encoder.settings.evidence)
        self.encoder.set_params(find_evidence=find, checkpoints=folder)
        self.encoder.fit(exam, val, progress=progress)
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """Answers and option probabilities."""
        predictions: Predictions = self.encoder.predict(exam, progress)
        return predictions

    def save(self, folder: Path) -> None:
        """Write the encoder and beside it the sentences; under several processes only the first writes."""
        from cmexam_baseline.encoders import is_main_process

        self.encoder.save(folder)
        if is_main_process():
            self.save_sentences(folder)

    def save_sentences(self, folder: Path) -> None:
        """Write the sentences, if it reads any, into a folder that is there."""
        if self.sentences is not None:
            self.sentences.save(folder / SENTENCES)

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> EvidenceEncoder:
        """What `save` wrote."""
        from cmexam_baseline.encoders import EncoderBaseline

        return cls.around(EncoderBaseline.load(folder, device), folder)

    @classmethod
    def load_onnx(cls, folder: Path) -> EvidenceEncoder:
        """What `export --onnx` wrote."""
        from cmexam_baseline.encoders import OnnxEncoder

        return cls.around(OnnxEncoder.load(folder), folder)

    @classmethod
    def around(cls, encoder: Any, folder: Path) -> EvidenceEncoder:
        """A loaded encoder and the sentences in its folder; `InputError` if it reads some and they are gone."""
        n_sentences = encoder.description_.settings.evidence
        if not n_sentences:
            return cls(encoder)
        from cmexam_baseline.features import SentenceRetriever

        sentences = SentenceRetriever.load(folder / SENTENCES)
        encoder.find_evidence = _finder(sentences, n_sentences)
        return cls(encoder, sentences)


def _finder(sentences: SentenceRetriever, n_sentences: int) -> Any:
    return lambda exam, progress: sentences.find(exam, n_sentences, progress or no_progress)
