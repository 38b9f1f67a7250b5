"""Forms of answers that are read alike or refused, weights, partial credit, reports, stored scores."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from cmexam_baseline import metrics
from cmexam_baseline.exam.letters import letters_to_masks
from cmexam_baseline.metrics import AnswerScores
from cmexam_baseline.metrics.answer_codes import LETTERS

_sets = st.lists(st.sampled_from("ABCDE"), min_size=1, unique=True).map(
    lambda letters: "".join(sorted(letters))
)
_rows = st.lists(
    st.tuples(_sets, st.one_of(_sets, st.just("")), st.sampled_from([0.0, 0.5, 1.0, 3.25])),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize(
    ("cell", "letters"),
    [("a", "A"), (" A", "A"), ("A,B", "AB"), ("BA", "AB"), ("Ａ、Ｄ", "AD"), ("(C)", "C"), ("A b d", "ABD")],
)
def test_strings_are_read_as_cells_of_files_are(cell: str, letters: str) -> None:
    assert letters_to_masks([cell]).tolist() == letters_to_masks([letters]).tolist()
    for form in (list, tuple, iter, np.array, lambda cells: np.array(cells, object)):
        assert metrics.accuracy(form([cell]), [letters]) == 1.0
        assert metrics.accuracy([letters], form([cell])) == 1.0
    assert metrics.accuracy([letters], [cell], kind="labels") == 0.0


def test_an_unknown_gold_answer_is_never_met() -> None:
    assert metrics.accuracy([None], ["(unknown)"]) == 0
    scores = metrics.score_answers([None, "A"], ["(unknown)", "A"], kind="labels")
    assert (scores.n_correct, scores.n_unknown, scores.correct.tolist()) == (1, 1, [False, True])
    assert metrics.mcnemar([None], ["(unknown)"], [""], kind="labels").n_first_only == 0


def test_integers_say_what_they_are() -> None:
    indices = [0, 1, 2, 3, 4]
    assert metrics.accuracy(indices, indices, kind="indices") == 1.0
    assert metrics.accuracy(indices, indices, kind="masks") == 0.8  # 0 is no answer
    assert metrics.accuracy(list("ABCDE"), np.array(indices), kind="indices") == 1.0
    assert metrics.accuracy([16, 1], np.array([16, 2])) == 0.5
    assert metrics.score_answers([1, None, 16], [1, None, 16]).n_unknown == 1
    with pytest.raises(ValueError, match="kind must be 'masks', 'indices', 'labels' or None, not 'mask'"):
        metrics.accuracy(indices, indices, kind="mask")
    with pytest.raises(ValueError, match=r"gold\[0\] is 10; an option's number is 0 to 9"):
        metrics.accuracy([10], [0], kind="indices")
    with pytest.raises(ValueError, match="kind='labels' is for strings"):
        metrics.accuracy([10], ["A"], kind="labels")


def test_kinds_hold_for_every_function() -> None:
    gold, first, second = [0, 1, 2, 3], [0, 1, 2, 0], [0, 2, 1, 0]
    assert metrics.weighted_f1(gold, gold, kind="indices") == 1.0
    assert metrics.mcnemar(gold, first, second, kind="indices").n_first_only == 2
    compared = metrics.compare_answers(gold, first, second, resamples=5, trials=5, kind="indices")
    assert compared["accuracy"].difference == 0.5


def test_every_kind_of_missing_answer() -> None:
    pandas = pytest.importorskip("pandas")
    gold, predicted = ["A", "B", None, "C"], ["A", None, "B", ""]
    expected = metrics.score_answers(gold, predicted)
    assert (expected.n_unknown, expected.n_unanswered) == (1, 2)
    forms = [
        lambda side: [math.nan if answer is None else answer for answer in side],
        lambda side: (pandas.NA if answer is None else answer for answer in side),
        lambda side: pandas.Series(side, dtype="string"),
        lambda side: pandas.Series(side),
        lambda side: pandas.Series(side, dtype="category"),
        lambda side: np.ma.array([answer or "D" for answer in side], mask=[not answer for answer in side]),
        lambda side: np.ma.array(
            [1 << "ABCD".find(a or "D") for a in side], np.uint8, mask=[not a for a in side]
        ),
    ]
    for form in forms[:-1]:
        assert metrics.score_answers(form(gold), form(predicted)) == expected
    assert metrics.score_answers(forms[-1](gold), forms[-1](predicted), kind="masks") == expected
    masks = pandas.Series([1, None, 16], dtype="Int64")
    assert metrics.score_answers(masks, ["A", "A", "E"], kind="masks").n_correct == 2


def test_replies_instead_of_letters_are_warned_of() -> None:
    with pytest.warns(
        UserWarning, match="predicted has 1 answers that are not letters, such as 'The answer is A'"
    ):
        assert metrics.accuracy(["A", "B"], ["The answer is A", "B"]) == 0.5


@given(_rows)
def test_sample_weights_and_zero_division_as_scikit_learn(rows: list[tuple[str, str, float]]) -> None:
    gold, predicted, weights = (list(column) for column in zip(*rows, strict=True))
    if not sum(weights):
        return
    near = pytest.approx
    expected = sklearn_metrics.accuracy_score(gold, predicted, sample_weight=weights)
    assert metrics.accuracy(gold, predicted, sample_weight=weights) == near(expected)
    for zero_division in (0, 1, np.nan):
        scores = metrics.score_answers(gold, predicted, sample_weight=weights, zero_division=zero_division)
        plain = metrics.score_answers(gold, predicted, zero_division=zero_division)
        for name in ("weighted", "macro"):
            for found, given_weights in ((scores, weights), (plain, None)):
                expected = sklearn_metrics.precision_recall_fscore_support(
                    gold, predicted, average=name, sample_weight=given_weights, zero_division=zero_division
                )
                average = getattr(found, name)
                assert (average.precision, average.recall, average.f1) == near(expected[:3], nan_ok=True), (
                    name
                )
        resampled = metrics.bootstrap(plain, resamples=20)
        assert math.isnan(resampled["macro_f1"].low) == math.isnan(plain.macro.f1)
        half = len(rows) // 2
        parts = [
            metrics.score_answers(
                gold[part], predicted[part], sample_weight=weights[part], zero_division=zero_division
            )
            for part in (slice(half), slice(half, None))
        ]
        assert sum(parts).accuracy == near(scores.accuracy)
        stored = AnswerScores.from_dict(json.loads(json.dumps(scores.to_dict())))
        assert stored.weighted.f1 == near(scores.weighted.f1, nan_ok=True)
        assert "|weighted:yes|" in scores.signature
        assert metrics.parse_answer_signature(scores.signature).weighted


@given(_rows)
def test_partial_credit_as_scikit_learn(rows: list[tuple[str, str, float]]) -> None:
    gold, predicted, _ = zip(*rows, strict=True)
    tables = [
        np.array([[letter in answer for letter in "ABCDE"] for answer in side]) for side in (gold, predicted)
    ]
    scores = metrics.score_answers(gold, predicted)
    expected = sklearn_metrics.jaccard_score(*tables, average="samples", zero_division=0)
    assert scores.jaccard == pytest.approx(expected)
    assert scores.letter_f1 == pytest.approx(sklearn_metrics.f1_score(*tables, average="micro"))
    assert scores.to_dict()["jaccard"] == scores.jaccard


@given(_rows)
def test_the_report_is_scikit_learns(rows: list[tuple[str, str, float]]) -> None:
    gold, predicted, _ = zip(*rows, strict=True)
    filled = [answer or "no answer" for answer in predicted]
    names = sorted({*gold, *predicted})
    expected = sklearn_metrics.classification_report(
        gold, filled, labels=[name or "no answer" for name in names], zero_division=0, digits=3
    )
    ours = metrics.score_answers(gold, predicted).report(digits=3)
    # Without a correct answer scikit-learn prints the support as floating-point numbers.
    assert re.sub(r" +", " ", ours) == re.sub(r" +", " ", re.sub(r"(\d)\.0\n", r"\1\n", expected))


def test_stored_scores_are_checked() -> None:
    good = metrics.score_answers(["A", "B"], ["A", None]).to_dict()
    with pytest.raises(ValueError, match="counts alone; score the answers again"):
        _ = AnswerScores.from_dict(good).correct
    for counts in (
        [["A", "A", -1]],
        [["A", "A", 0]],
        [["A", "A", 1], ["A", "A", 1]],
        [["A", "A", 1.5]],
        [["A", "A", True]],
        [["A", 1, 1]],
        [["A", "A"]],
        [["", "A", 1]],
        [["(unknown)", "(unknown)", 1]],
        None,
    ):
        with pytest.raises(ValueError, match="^not scores of answers: "):
            AnswerScores.from_dict({**good, "counts": counts})
    for stored in (
        {},
        {**good, "weights": [1.0]},
        {**good, "weights": [-1.0, 2.0]},
        {**good, "signature": None},
    ):
        with pytest.raises(ValueError):
            AnswerScores.from_dict(stored)


def test_what_is_no_weight_and_no_setting() -> None:
    for weights in ([1.0], [1.0, -1.0], [1.0, math.nan], ["a", "b"], 1.0):
        with pytest.raises(ValueError, match="sample_weight"):
            metrics.accuracy(["A", "B"], ["A", "B"], sample_weight=weights)
    for zero_division in (2, "warn", None):
        with pytest.raises(ValueError, match="zero_division must be 0, 1 or nan"):
            metrics.score_answers(["A"], ["A"], zero_division=zero_division)
    with pytest.raises(ValueError, match="cannot be added"):
        metrics.score_answers(["A"], ["A"]) + metrics.score_answers(["A"], ["A"], zero_division=1)
    with pytest.raises(ValueError, match="sample weights cannot be resampled"):
        metrics.bootstrap(metrics.score_answers(["A"], ["A"], sample_weight=[1.0]))
    with pytest.raises(TypeError, match="scores must be scores of answers or of explanations, not int"):
        metrics.bootstrap(5)
    for wrong in (None, 5):
        with pytest.raises(TypeError, match="a signature is a string"):
            metrics.parse_answer_signature(wrong)
        with pytest.raises(TypeError, match="a signature is a string"):
            metrics.parse_signature(wrong)


def test_a_confusion_matrix_has_bounds() -> None:
    labels = [f"label {number}" for number in range(5000)]
    scores = metrics.score_answers(labels, labels)
    with pytest.raises(ValueError, match="a confusion matrix of 5,000 labels is too large"):
        scores.confusion_matrix()


def test_equal_scores_have_equal_hashes() -> None:
    one, other = (metrics.score_answers(form, form) for form in (["A", "B"], ["B", "A"]))
    assert one == other and len({one, other}) == 1
    assert one != metrics.score_answers(["A", "B"], ["A", "B"], sample_weight=[1.0, 1.0])
    assert LETTERS.startswith("ABCDE")
