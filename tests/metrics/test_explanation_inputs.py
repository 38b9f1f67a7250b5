"""What comes in: tokenizers of one's own, missing values of every kind, results that are stored and compared."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from explanation_pairs import HARD_PAIRS, mixed

from cmexam_baseline.metrics import (
    PROFILES,
    ExplanationScorer,
    ExplanationScores,
    Profile,
    score_explanations,
)

TEXTS = [f"第{n}题：患者血压{n * 7 % 200}mmHg，心率 {n % 150} 次。" * (1 + n % 3) for n in range(60)]


class Halves:
    """A tokenizer that keeps state and cannot be hashed."""

    name = "halves"
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.seen: list[str] = []

    def __call__(self, text: str) -> list[str]:
        self.threads.add(threading.get_ident())
        self.seen.append(text)
        return [text[: len(text) // 2], text[len(text) // 2 :]]


def test_a_function_is_called_in_this_thread_with_the_texts_in_order() -> None:
    references, predictions = TEXTS * 40, mixed(TEXTS, seed=1) * 40
    tokenizer = Halves()
    scores = score_explanations(references, predictions, "google", tokenizer=tokenizer, threads=4)
    assert tokenizer.threads == {threading.get_ident()}
    assert tokenizer.seen == [text for pair in zip(references, predictions, strict=True) for text in pair]
    assert "|bleu:callable:halves|" in scores.signature


def test_a_tokenizer_that_counts_its_calls_gives_the_same_figures_with_threads() -> None:
    def figures(threads: int | None) -> dict[str, float]:
        calls = iter(range(10**9))

        def tokenizer(text: str) -> list[str]:
            return list(text) if next(calls) % 3 else [text]

        return score_explanations(
            TEXTS * 40, TEXTS * 40, "google", tokenizer=tokenizer, threads=threads
        ).figures

    assert figures(None) == figures(1) == figures(8)


def cutter(width: int) -> Callable[[str], list[str]]:
    return lambda text: [text[i : i + width] for i in range(0, len(text), width)]


@pytest.mark.parametrize("tokenizer", [str.split, Halves(), cutter(2), lambda text: list(text)])
def test_results_of_a_function_are_stored_and_added(tokenizer: Callable[[str], list[str]]) -> None:
    scores = score_explanations(TEXTS, TEXTS[1:] + TEXTS[:1], "google", tokenizer=tokenizer)
    stored = ExplanationScores.from_dict(json.loads(json.dumps(scores.to_dict())))
    assert stored == scores and hash(stored) == hash(scores)
    for total in (stored + stored, stored + scores, scores + stored):
        assert total.figures == (scores + scores).figures


def test_different_functions_do_not_add_up() -> None:
    one, other = (score_explanations(["ab"], ["ab"], "google", tokenizer=cutter(width)) for width in (1, 2))
    assert one.signature != other.signature

    class Nameless:
        def __call__(self, text: str) -> list[str]:
            return list(text)

    pairs = [(one, other)]
    pairs.append(tuple(score_explanations(["ab"], ["ab"], "google", tokenizer=Nameless()) for _ in range(2)))  # type: ignore[arg-type]
    for first, second in pairs:
        with pytest.raises(ValueError, match="needs an attribute `name`"):
            first + second


def test_every_kind_of_missing_value() -> None:
    pandas = pytest.importorskip("pandas")
    references, predictions = ["发热", "咳嗽", None], ["发热", None, "头痛"]
    expected = score_explanations(references, predictions)
    assert (expected.n_missing, expected.counts["missing_references"]) == (1, 1)
    forms = [
        lambda side: [float("nan") if text is None else text for text in side],
        lambda side: [np.nan if text is None else text for text in side],
        lambda side: (pandas.NA if text is None else text for text in side),
        lambda side: pandas.Series(side, dtype="string"),
        lambda side: pandas.Series(side),
        lambda side: np.array(side, object),
        lambda side: np.ma.array([text or "?" for text in side], mask=[text is None for text in side]),
        iter,
    ]
    for form in forms:
        assert score_explanations(form(references), form(predictions)) == expected


def test_equal_results() -> None:
    scores = score_explanations(TEXTS, TEXTS[::-1])
    assert scores == scores.without_pairs() == score_explanations(TEXTS[::-1], TEXTS)
    assert len({scores, scores.without_pairs(), score_explanations(TEXTS, TEXTS)}) == 2
    assert scores != score_explanations(TEXTS, TEXTS[::-1], "google")
    assert scores != 1


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("swap_sides", "no", TypeError),
        ("swap_sides", 1, TypeError),
        ("name", 5, TypeError),
        ("counting", ["set"], ValueError),
        ("bleu_tokenizer", 5, ValueError),
        ("missing_predictions", None, ValueError),
    ],
)
def test_a_profile_checks_every_field(field: str, value: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=field):
        replace(PROFILES["google"], **{field: value})
    with pytest.raises(error, match=field):
        Profile(**{"name": "mine", field: value})  # type: ignore[arg-type]


def test_what_is_no_part() -> None:
    scores = score_explanations(["a"], ["a"])
    with pytest.raises(TypeError, match=r"parts\[1\] must be scores of explanations, not int"):
        ExplanationScores.merged([scores, 1])  # type: ignore[list-item]
    for content in ({}, {**scores.to_dict(), "sums": [-1, *scores.sums[1:]]}, []):
        with pytest.raises(ValueError, match="not scores of explanations"):
            ExplanationScores.from_dict(content)


def test_a_scorer_of_a_stream_holds_sums_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from cmexam_baseline.metrics import explanations

    monkeypatch.setattr(explanations, "_ROWS_AT_ONCE", 7)
    pairs = [*zip(TEXTS, mixed(TEXTS, seed=2), strict=True), *HARD_PAIRS, ("发热", None)]
    scorer = ExplanationScorer("cmexam-gpt")
    scorer.update([], [])
    scorer.update((reference for reference, _ in pairs), (prediction for _, prediction in pairs))
    scorer.update([pairs[0][0]], [pairs[0][1]])
    again = [*pairs, pairs[0]]
    expected = score_explanations([r for r, _ in again], [p for _, p in again], "cmexam-gpt")
    assert scorer.result() == expected
    assert scorer.result().figures == expected.figures
    with pytest.raises(ValueError, match="single pairs were left out"):
        _ = scorer.result().statistics
    with pytest.raises(ValueError, match="2 references but 1 predictions"):
        scorer.update(["a", "b"], ["a"])
    with pytest.raises(TypeError, match="references must be a list or an iterator, not str"):
        scorer.update("ab", ["a", "b"])
