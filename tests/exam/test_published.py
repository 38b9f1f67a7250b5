"""The paper's Table 3 as it is printed."""

from __future__ import annotations

import pytest

from cmexam_baseline.exam import PUBLISHED_RESULTS, published_result


def test_rows_as_printed() -> None:
    assert len(PUBLISHED_RESULTS) == 22
    assert len({row.model for row in PUBLISHED_RESULTS}) == 22
    assert {row.split for row in PUBLISHED_RESULTS} == {"test"}
    tuned = published_result("ChatGLM-CMExam")
    printed = (tuned.accuracy, tuned.weighted_f1, tuned.bleu_1, tuned.bleu_4)
    assert [str(figure) for figure in printed] == ["45.3±1.4", "45.2±1.4", "31.10±0.23", "18.94±0.12"]
    printed = (tuned.rouge_1, tuned.rouge_2, tuned.rouge_l)
    assert [str(figure) for figure in printed] == ["43.94±0.28", "31.48±0.14", "29.39±0.14"]


@pytest.mark.parametrize(
    ("model", "accuracy", "deviation"),
    [
        ("BERT-CMExam", 31.8, 0.2),
        ("RoBERTa-CMExam", 37.1, 0.2),
        ("GPT-4", 61.6, 0.1),
        ("Random", 3.1, 0.2),
        ("Human volunteers", 71.6, None),
    ],
)
def test_accuracies(model: str, accuracy: float, deviation: float | None) -> None:
    figure = published_result(model).accuracy
    assert figure is not None
    assert (figure.value, figure.deviation) == (accuracy, deviation)


def test_what_the_paper_does_not_give_is_none() -> None:
    assert published_result("DoctorGLM").accuracy is None
    assert published_result("RoBERTa-CMExam").bleu_1 is None
    with pytest.raises(KeyError, match="RoBERTa-CMExam"):
        published_result("RoBERTa")
