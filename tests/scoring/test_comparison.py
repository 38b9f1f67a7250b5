"""Means of several replies to a question are compared, saved and counted as the figures above them are."""

from __future__ import annotations

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
