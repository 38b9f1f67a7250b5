"""Scores of answers equal scikit-learn's, in every form that answers come in, and add up."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from slow_answers import slow_figures

from cmexam_baseline import metrics
from cmexam_baseline.metrics import AnswerScores
from cmexam_baseline.metrics.answer_codes import encode_answers

SETS = ["".join(letter for bit, letter in enumerate("ABCDEFGH") if mask >> bit & 1) for mask in range(256)]
_letters = st.sampled_from(["A", "B", "C", "D", "E", "AB", "ABD", "ABCDE", "CE"])
# scikit-learn keeps labels in arrays of fixed width, which end before trailing NULs.
_text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=3)
_gold = st.one_of(_letters, _letters, _text)
_predicted = st.one_of(_gold, st.none(), st.just(""))
pairs = st.lists(st.tuples(_gold, _predicted), min_size=1, max_size=40)


def columns(rows: list[tuple[str, str | None]]) -> tuple[list[str], list[str | None]]:
    return [gold for gold, _ in rows], [predicted for _, predicted in rows]


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(pairs)
def test_as_scikit_learn(rows: list[tuple[str, str | None]]) -> None:
    gold, predicted = columns(rows)
    filled = [answer or "" for answer in predicted]
    scores = metrics.score_answers(gold, predicted, kind="labels")
    near = pytest.approx
    assert metrics.accuracy(gold, predicted, kind="labels") == near(
        sklearn_metrics.accuracy_score(gold, filled), abs=1e-12
    )
    assert scores.n == len(rows)
    assert scores.n_unanswered == filled.count("")
    assert scores.n_unknown == 0
    for name in ("weighted", "macro", "micro"):
        average = getattr(scores, name)
        expected = sklearn_metrics.precision_recall_fscore_support(
            gold, filled, average=name, zero_division=0
        )
        assert (average.precision, average.recall, average.f1) == near(expected[:3], abs=1e-12)
    assert metrics.weighted_f1(gold, predicted, kind="labels") == scores.weighted.f1
    known = sorted({*gold, *filled})
    each = sklearn_metrics.precision_recall_fscore_support(gold, filled, labels=known, zero_division=0)
    assert list(scores.per_class) == known
    for label, expected in zip(known, zip(*each, strict=True), strict=True):
        score = scores.per_class[label]
        assert (score.precision, score.recall, score.f1, score.support) == near(expected, abs=1e-12)
    found, table = scores.confusion_matrix()
    assert found == known
    assert table.tolist() == sklearn_metrics.confusion_matrix(gold, filled, labels=known).tolist()
    assert scores.correct.tolist() == [a == b for a, b in zip(gold, filled, strict=True)]


@given(st.lists(st.tuples(st.integers(1, 255), st.integers(0, 255)), min_size=1, max_size=40))
def test_letters_as_scikit_learn_has_them(rows: list[tuple[int, int]]) -> None:
    gold, predicted = np.array(rows, np.uint8).T
    used = [bit for bit in range(8) if ((gold | predicted) >> bit & 1).any()]
    scores = metrics.score_answers(gold, predicted, kind="masks").per_letter
    assert list(scores) == ["ABCDEFGH"[bit] for bit in used]
    for bit, score in zip(used, scores.values(), strict=True):
        bits = gold >> bit & 1, predicted >> bit & 1
        table = sklearn_metrics.confusion_matrix(*bits, labels=[0, 1])
        assert [list(row) for row in score.confusion] == table.tolist()
        *expected, _ = sklearn_metrics.precision_recall_fscore_support(
            *bits, average="binary", zero_division=0
        )
        assert (score.precision, score.recall, score.f1) == pytest.approx(expected, abs=1e-12)
        assert score.support == bits[0].sum()


@given(st.lists(st.tuples(st.integers(1, 255), st.integers(0, 255)), max_size=30))
def test_every_form_gives_the_same(rows: list[tuple[int, int]]) -> None:
    def forms(masks: list[int]) -> list[object]:
        answers = [SETS[mask] or None for mask in masks]
        filled = [answer or "" for answer in answers]
        wide = np.array(filled, "U8")
        return [
            answers,
            tuple(filled),
            [answer or math.nan for answer in answers],
            np.array(answers, object),
            wide,
            wide.astype("U20"),
            wide.astype(wide.dtype.newbyteorder(">")),
            np.repeat(wide, 2)[::2],
            np.array(filled, np.dtypes.StringDType()),
            np.array(masks, np.uint8),
            np.array(masks, ">i8"),
            masks,
        ]

    gold_forms, predicted_forms = forms([gold for gold, _ in rows]), forms([answer for _, answer in rows])
    expected = metrics.score_answers(gold_forms[0], predicted_forms[0])
    for gold, predicted in [*zip(gold_forms, predicted_forms[::-1], strict=True)]:
        are_integers = [np.asarray(side).dtype.kind in "iu" and len(rows) > 0 for side in (gold, predicted)]
        if not any(are_integers):
            assert metrics.score_answers(gold, predicted) == expected
    for gold, predicted in zip(gold_forms[-3:], predicted_forms[-3:][::-1], strict=True):
        assert metrics.score_answers(gold, predicted, kind="masks") == expected
        assert metrics.score_answers(np.array(gold, np.uint16), predicted_forms[0]) == expected


@given(st.lists(st.text(max_size=4)))
def test_arrays_of_any_strings(answers: list[str]) -> None:
    array = np.array(answers, "U4")
    codes, found = encode_answers(array, "gold", "labels")
    assert [found[code] for code in codes] == array.tolist()


@pytest.mark.parametrize("width", [3, 8, 9, 12])
def test_arrays_of_many_strings(width: int) -> None:
    """Nine characters fit into no one number."""
    strings = [f"{number:0{width}x}"[-width:] for number in range(4096)] * 5
    codes, found = encode_answers(np.array(strings), "gold", "labels")
    assert [found[code] for code in codes] == strings
    assert codes[:4096].tolist() == codes[4096:8192].tolist()


def test_which_system_is_wrong_is_said() -> None:
    with pytest.raises(TypeError, match=r"^predicted 2\[0\] must be a string"):
        metrics.compare_answers(["A"], ["A"], [1.5])
    with pytest.raises(ValueError, match="gold has 1 answers and predicted 1 has 2"):
        metrics.compare_answers(["A"], ["A", "B"], ["A"])


def test_as_the_slow_twin_with_unknown_gold_answers() -> None:
    gold = ["A", None, "", "B", "AB", "C"]
    predicted = ["A", None, "A", "AB", "AB", ""]
    scores = metrics.score_answers(gold, predicted)
    assert (scores.n, scores.n_correct, scores.n_unanswered, scores.n_unknown) == (6, 2, 2, 2)
    expected = slow_figures(gold, predicted)
    assert scores.accuracy == expected["accuracy"] == 2 / 6
    for name in ("weighted", "macro"):
        average = getattr(scores, name)
        for part in ("precision", "recall", "f1"):
            assert getattr(average, part) == pytest.approx(expected[f"{name}_{part}"], abs=1e-12)
    assert sorted(scores.per_letter) == ["A", "B", "C"]
    assert metrics.accuracy(np.array([0, 1], np.uint8), np.array([0, 1], np.uint8)) == 0.5


@given(st.lists(pairs, min_size=3, max_size=3))
def test_parts_add_up_exactly(parts: list[list[tuple[str, str | None]]]) -> None:
    scores = [metrics.score_answers(*columns(part), kind="labels") for part in parts]
    whole = metrics.score_answers(*columns([row for part in parts for row in part]), kind="labels")
    assert scores[0] + scores[1] + scores[2] == whole == sum(scores) == sum(reversed(scores))
    assert list((scores[0] + scores[1] + scores[2]).counts) == list(whole.counts)
    assert (scores[0] + scores[1] + scores[2]).correct.tolist() == whole.correct.tolist()
    assert hash(sum(scores)) == hash(whole)
    assert AnswerScores.from_dict(whole.to_dict()) == whole
    assert pickle.loads(pickle.dumps(whole)) == whole


def test_only_scores_add_up() -> None:
    scores = metrics.score_answers(["A"], ["A"])
    with pytest.raises(TypeError):
        scores + 1
    with pytest.raises(TypeError):
        "a" + scores


def test_no_question() -> None:
    scores = metrics.score_answers([], [])
    assert (scores.n, scores.n_correct, scores.n_unanswered) == (0, 0, 0)
    figures = [
        scores.accuracy,
        *vars(scores.weighted).values(),
        *vars(scores.macro).values(),
        scores.micro.f1,
    ]
    assert all(map(math.isnan, figures))
    assert scores.per_class == scores.per_letter == {}
    assert scores.confusion_matrix()[1].shape == (0, 0)
    assert math.isnan(metrics.accuracy(np.zeros(0, "U1"), np.zeros(0, np.uint8)))
    assert scores + metrics.score_answers(["A"], ["A"]) == metrics.score_answers(["A"], ["A"])


def test_no_answer_at_all() -> None:
    scores = metrics.score_answers(["A", "B"], [None, None])
    assert (scores.accuracy, scores.weighted.f1, scores.macro.f1, scores.n_unanswered) == (0.0, 0.0, 0.0, 2)


def test_as_many_labels_as_questions() -> None:
    """Raw outputs instead of letters: no table of gold by predicted is laid out."""
    gold = [f"answer {i}" for i in range(5000)]
    scores = metrics.score_answers(gold, gold[1:] + gold[:1])
    assert (scores.n, scores.n_correct, len(scores.per_class)) == (5000, 0, 5000)
    assert list(scores.counts) == sorted(scores.counts)
    assert metrics.score_answers(np.array(gold), gold).accuracy == 1.0


@pytest.mark.parametrize(
    ("gold", "predicted", "error", "message"),
    [
        (["A"], ["A", "B"], ValueError, "gold has 1 answers and predicted has 2"),
        ("AB", ["A", "B"], TypeError, r"gold must be a list .* give \[gold\]"),
        ({"A"}, ["A"], TypeError, "gold must be a list or array of answers, not set"),
        (["A"], frozenset("A"), TypeError, "predicted must be a list or array of answers, not frozenset"),
        (
            [0, 1],
            ["A", "B"],
            ValueError,
            "gold has integers that can be .* give kind='masks' or kind='indices'",
        ),
        (np.array([0, 9]), ["A", "B"], ValueError, "gold has integers that can be"),
        (["A"], b"A", TypeError, "predicted must be a list"),
        (["A", "B"], ["A", 3], TypeError, r"predicted\[1\] must be a string or None; it is 3 of type int"),
        (["A", True], ["A", "B"], TypeError, r"gold\[1\] must be a string or None; it is True"),
        (["A", ["B"]], ["A", "B"], TypeError, r"gold\[1\] must be a string or None; it is \['B'\]"),
        (np.array([0.5]), ["A"], TypeError, r"gold\[0\] must be a string or None; it is 0.5"),
        (np.array([[1]]), ["A"], ValueError, "one dimension"),
        (np.array([1, 1024]), ["A", "B"], ValueError, r"gold\[1\] is 1024; a bit mask"),
        ([1, -1], ["A", "B"], ValueError, r"gold\[1\] is -1; a bit mask"),
        (["A"], 5, TypeError, "predicted must be a list or array of answers, not int"),
    ],
)
def test_what_are_no_answers(gold: object, predicted: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        metrics.score_answers(gold, predicted)


def test_the_signature_says_what_counts() -> None:
    scores = metrics.score_answers(["A", "B"], ["A", None])
    parts = scores.signature.split("|")
    assert parts[:4] == ["answers:exact", "no-answer:wrong", "questions:2", "unanswered:1"]
    from cmexam_baseline.metrics.signature import AnswerSignature, parse_answer_signature

    read = parse_answer_signature(scores.signature)
    assert read == AnswerSignature(2, 1, read.version)
    assert str(read) == scores.signature
    for wrong in ("", "answers:exact", scores.signature.replace("2", "two"), scores.signature + "|more:1"):
        with pytest.raises(ValueError, match="not a signature of answers"):
            parse_answer_signature(wrong)
