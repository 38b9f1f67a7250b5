"""`cmexam` and `cmexam-gpt` are CMExam's scripts, figure by figure and pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from explanation_pairs import HARD_PAIRS, Pair, mixed, pairs_of_texts, real_pairs
from hypothesis import given
from official_definition import Figures, official_gpt, official_lora
from shared_data import needs_shared

from cmexam_baseline.metrics import score_explanations

Official = Callable[[Sequence[str | None], Sequence[str | None]], tuple[Figures, list[Figures]]]
both_scripts = pytest.mark.parametrize(
    ("profile", "official"), [("cmexam", official_lora), ("cmexam-gpt", official_gpt)]
)


def assert_equal_to_script(pairs: Sequence[Pair], profile: str, official: Official) -> None:
    references, predictions = zip(*pairs, strict=True) if pairs else ((), ())
    scores = score_explanations(references, predictions, profile)
    whole, single = official(references, predictions)
    kept = [profile == "cmexam-gpt" or pair[0] is not None for pair in pairs]
    assert scores.counts["pairs"] == sum(kept)
    if single:
        assert {name: getattr(scores, name) for name in whole} == pytest.approx(whole, abs=1e-9, rel=0)
    for row, figures in zip(scores.per_pair[np.array(kept, bool)], single, strict=True):
        assert {name: row[name] for name in figures} == pytest.approx(figures, abs=1e-9, rel=0)


@both_scripts
@given(pairs=pairs_of_texts())
def test_any_text(pairs: list[Pair], profile: str, official: Official) -> None:
    assert_equal_to_script(pairs, profile, official)


@both_scripts
def test_hard_cases(profile: str, official: Official) -> None:
    assert_equal_to_script([*HARD_PAIRS, (None, "发热"), ("发热", None), (None, None)], profile, official)


@both_scripts
@pytest.mark.parametrize("pair", HARD_PAIRS)
def test_hard_cases_alone(pair: Pair, profile: str, official: Official) -> None:
    assert_equal_to_script([pair], profile, official)


@both_scripts
@needs_shared
def test_real_explanations(profile: str, official: Official) -> None:
    pairs = [pair for pair in real_pairs() if len(pair[0] or "") * len(pair[1] or "") < 90_000]
    assert_equal_to_script([*pairs[:150], *pairs[-100:], *HARD_PAIRS], profile, official)


def test_figures_worked_out_by_hand() -> None:
    """Reference abcd, prediction abd: BLEU-1 and 2, then sets, then LCS 3 of 4 and 3."""
    scores = score_explanations(["abcd"], ["abd"])
    brevity = np.exp(1 - 4 / 3)
    assert scores.bleu1 == pytest.approx(100 * brevity)
    assert scores.bleu2 == pytest.approx(100 * brevity * np.sqrt(1 / 2))
    assert scores.bleu3 == scores.bleu4 == 0
    assert scores.rouge1 == pytest.approx(100 * 2 * (3 / 4) / (7 / 4), abs=1e-5)
    assert scores.rouge2 == pytest.approx(100 * 2 * (1 / 3) * (1 / 2) / (5 / 6), abs=1e-5)
    beta = 1 / (3 / 4)
    assert scores.rougeL == pytest.approx(100 * (1 + beta**2) * (3 / 4) / (3 / 4 + beta**2))
    assert (scores.rougeL_precision, scores.rougeL_recall) == (100, 75)


def test_sets_and_clipped_counts_differ_as_published() -> None:
    """500 times 的 against 10 times: 1.00 over sets, 0.04 clipped."""
    official = score_explanations(["的" * 500], ["的" * 10])
    clipped = score_explanations(["的" * 500], ["的" * 10], "google")
    assert round(official.rouge1 / 100, 2) == 1.00
    assert round(clipped.rouge1 / 100, 2) == 0.04


def test_mixtures_of_generated_text_are_scored_like_the_script() -> None:
    texts = [
        f"第{n}题：患者血压{n * 7 % 200}mmHg，心率 {n % 150} 次。结论；选{'ABCDE'[n % 5]}。"
        for n in range(40)
    ]
    pairs: list[Pair] = [*zip(texts, mixed(texts, seed=1), strict=True)]
    assert_equal_to_script(pairs, "cmexam", official_lora)
