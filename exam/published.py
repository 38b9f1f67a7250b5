"""Published results on CMExam: the paper's Table 3, to compare with one's own."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = "Liu et al., Benchmarking Large Language Models on CMExam, NeurIPS 2023, arXiv 2306.03030, Table 3"
SPLIT = "test"
EXPLANATION_FIGURES = {
    "bleu1": "BLEU-1",
    "bleu4": "BLEU-4",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
}
"""The figures of explanations that the paper prints: their name here and their heading there."""


@dataclass(frozen=True)
class Figure:
    """A figure in percent as it is printed: a value, and where the paper gives one a deviation after ±.

    >>> figure = Figure("33.80±0.19")
    >>> figure.value, figure.deviation, str(figure)
    (33.8, 0.19, '33.80±0.19')
    """

    printed: str

    @property
    def value(self) -> float:
        """The value in percent."""
        return float(self.printed.partition("±")[0])

    @property
    def deviation(self) -> float | None:
        """The number after ±, None where there is none."""
        deviation = self.printed.partition("±")[2]
        return float(deviation) if deviation else None

    def __str__(self) -> str:
        return self.printed


@dataclass(frozen=True)
class PublishedResult:
    """One row of the paper's Table 3. All figures are percent; None where the paper gives none.

    model: the paper's name; "-CMExam" models were tuned on CMExam's training split
    size:  parameters as the paper prints them, "" where it gives none
    split: the split that the figures are on
    """

    model: str
    size: str
    accuracy: Figure | None
    weighted_f1: Figure | None
    bleu_1: Figure | None
    bleu_4: Figure | None
    rouge_1: Figure | None
    rouge_2: Figure | None
    rouge_l: Figure | None
    split: str = SPLIT
    source: str = SOURCE

    @property
    def explanations(self) -> tuple[Figure | None, ...]:
        """The figures of explanations in the order of `EXPLANATION_FIGURES`."""
        return self.bleu_1, self.bleu_4, self.rouge_1, self.rouge_2, self.rouge_l


# Model, size, then accuracy, weighted F1, BLEU-1, BLEU-4, ROUGE-1, ROUGE-2, ROUGE-L as printed.
_TABLE_3 = (
    ("GPT-3.5-turbo", "175B", "46.4±0.6 46.1±0.7 3.56±0.67 1.49±0.51 33.80±0.19 16.39±0.18 14.83±0.13"),
    ("GPT-4", "", "61.6±0.1 61.7±0.1 0.17±0.00 0.06±0.00 29.74±0.09 14.84±0.04 11.51±0.03"),
    ("ChatGLM", "6B", "26.3±0.0 25.7±0.1 16.51±0.08 5.00±0.06 35.18±0.11 15.73±0.05 17.09±0.13"),
    ("LLaMA", "7B", "0.4±0.0 0.3±0.0 11.99±0.03 5.70±0.0 27.33±0.06 11.88±0.03 10.78±0.04"),
    ("Vicuna", "7B", "5.0±0.0 4.8±0.1 20.15±0.01 9.26±0.01 38.43±0.02 16.90±0.01 16.33±0.01"),
    ("Alpaca", "7B", "8.5±0.0 8.4±0.0 4.75±0.00 2.50±0.00 22.52±0.00 9.54±0.00 8.40±0.00"),
    ("Huatuo", "7B", "12.9±0.0 7.0±0.0 0.21±0.00 0.12±0.00 25.11±0.08 11.56±0.04 9.73±0.02"),
    ("MedAlpaca", "7B", "20.0±0.0 10.7±0.0 0.00±0.00 0.00±0.00 1.90±0.00 0.04±0.00 0.52±0.03"),
    ("DoctorGLM", "6B", "– – 9.43±0.09 2.65±0.03 21.11±0.03 6.86±0.01 9.99±0.06"),
    ("PromptCLUE-base-CMExam", "0.1B", "– – 18.75±0.08 6.65±0.05 40.88±0.11 21.90±0.11 18.31±0.11"),
    ("Bart-base-chinese-CMExam", "0.1B", "– – 23.00±0.40 10.35±0.16 44.33±0.09 24.29±0.09 20.80±0.09"),
    ("Bart-large-chinese-CMExam", "0.1B", "– – 26.37±0.18 11.65±0.08 44.92±0.12 24.34±0.12 21.75±0.03"),
    ("BERT-CMExam", "0.1B", "31.8±0.2 31.2±0.2 – – – – –"),
    ("RoBERTa-CMExam", "0.3B", "37.1±0.2 36.7±0.4 – – – – –"),
    ("MedAlpaca-CMExam", "7B", "30.5±0.1 30.4±0.1 16.35±0.80 9.78±0.47 44.31±0.85 27.05±0.50 24.55±0.43"),
    ("Huatuo-CMExam", "7B", "28.6±0.5 29.3±0.2 29.04±0.01 16.72±0.03 43.85±0.24 25.36±0.22 21.72±0.24"),
    ("ChatGLM-CMExam", "6B", "45.3±1.4 45.2±1.4 31.10±0.23 18.94±0.12 43.94±0.28 31.48±0.14 29.39±0.14"),
    ("LLaMA-CMExam", "7B", "18.3±0.5 20.6±0.5 29.25±0.23 16.46±0.10 45.88±0.04 26.57±0.04 23.31±0.02"),
    ("Alpaca-CMExam", "7B", "21.1±0.6 24.9±0.4 29.57±0.10 16.40±0.12 45.48±0.12 25.53±0.18 22.97±0.06"),
    ("Vicuna-CMExam", "7B", "27.3±0.5 28.2±0.3 29.82±0.03 17.30±0.01 44.98±0.16 26.25±0.13 22.44±0.09"),
    ("Random", "", "3.1±0.2 5.1±0.3 – – – – –"),
    ("Human volunteers", "", "71.6 – – – – – –"),
)


def _result(model: str, size: str, figures: str) -> PublishedResult:
    accuracy, f1, bleu_1, bleu_4, rouge_1, rouge_2, rouge_l = (
        None if printed == "–" else Figure(printed) for printed in figures.split()
    )
    return PublishedResult(model, size, accuracy, f1, bleu_1, bleu_4, rouge_1, rouge_2, rouge_l)


PUBLISHED_RESULTS = tuple(_result(*row) for row in _TABLE_3)


def published_result(model: str) -> PublishedResult:
    """The published result of a model by the paper's name. Raises `KeyError` naming the models there are.

    >>> str(published_result("RoBERTa-CMExam").accuracy), published_result("Human volunteers").weighted_f1
    ('37.1±0.2', None)
    """
    by_name = {result.model: result for result in PUBLISHED_RESULTS}
    if model not in by_name:
        raise KeyError(f"{model!r} is not in the paper's Table 3; it has {', '.join(by_name)}")
    return by_name[model]
