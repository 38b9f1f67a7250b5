"""Means of several replies to a question are compared, saved and counted as the figures above them are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from cmexam_baseline.exam.sample import sample_exam
from cmexam_baseline.scoring.scorer import Report, Settings, score_files

EXAM = sample_exam("val")[:60]
GOLD = EXAM.letters()
# A system that is right in two of three replies, and one with a single reply.
THREE = [[GOLD[row] if (row + k) % 3 else "A" for k in range(3)] for row in range(60)]
ONE = ["B" if row % 4 else GOLD[row] for row in range(60)]


@pytest.fixture(scope="module")
def scored() -> Report:
    three = [
        {"id": EXAM.ids[row], "sample": k, "answer": THREE[row][k]} for row in range(60) for k in range(3)
    ]
    one = [{"id": name, "answer": answer} for name, answer in zip(EXAM.ids, ONE, strict=True)]
    return score_files([three, one], EXAM, Settings(samples="mean", resamples=50))


def test_differences_are_those_of_the_means(scored: Report) -> None:
    accuracy, f1 = scored.compare().differences
    figures = {
        name: [score.intervals[name].value for score in scored.systems]
        for name in ("accuracy", "weighted_f1")
    }
    assert accuracy.value == pytest.approx(figures["accuracy"][0] - figures["accuracy"][1])
    assert f1.value == pytest.approx(figures["weighted_f1"][0] - figures["weighted_f1"][1])
    assert figures["weighted_f1"][0] == pytest.approx(
        f1_score(np.repeat(GOLD, 3), np.ravel(THREE), average="weighted", zero_division=0)
    )
    assert accuracy.low < accuracy.value < accuracy.high and accuracy.test == "permutation"


def test_agreement_and_misses_are_over_all_replies(scored: Report) -> None:
    compared = scored.compare()
    same = np.mean([[reply == other for reply in replies] for replies, other in zip(THREE, ONE, strict=True)])
    assert compared.agreement[0][2] == pytest.approx(same)
    never = [GOLD[row] not in (*THREE[row], ONE[row]) for row in range(60)]
    assert compared.all_miss == [name for name, missed in zip(EXAM.ids, never, strict=True) if missed]
    assert compared.none_miss == sum({*THREE[row], ONE[row]} == {GOLD[row]} for row in range(60))


def test_rows_and_confusions_add_up_to_the_mean(scored: Report) -> None:
    columns = scored.to_columns()
    assert np.mean(columns["correct"][:60]) == pytest.approx(scored.systems[0].intervals["accuracy"].value)
    single = sum(len(letters) == 1 for letters in GOLD)
    counts = [np.sum(system["confusion"]["counts"]) for system in scored.to_dict()["systems"]]
    assert counts == [3 * single, single]


def test_no_answer_to_a_question_without_a_right_one_is_not_right() -> None:
    known = replace(EXAM, answers=np.where(np.arange(60) < 20, 0, EXAM.answers).astype(np.uint16))
    answers = ["" if row < 20 else letters for row, letters in enumerate(GOLD)]
    pairs = list(zip(EXAM.ids, answers, strict=True))
    rows = [{"id": name, "sample": k, "answer": answer} for k in (0, 1) for name, answer in pairs]
    for samples in ("vote", "mean"):
        report = score_files([rows, rows], known, Settings(samples=samples, resamples=20))
        assert report.systems[0].intervals["accuracy"].value == pytest.approx(40 / 60)
        assert sum(report.to_columns()["correct"][:60]) == 40
        parts = [part for part in report.systems[0].slices if part.by == "answer size"]
        assert sum(part.n * part.accuracy.value for part in parts) == pytest.approx(40)
        assert report.compare().none_miss == 40
        assert "20 questions have no right answer" in " ".join(report.systems[0].aligned.all_remarks())
