"""Every part of a definition can be set singly, and does what the slow twin does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from explanation_pairs import HARD_PAIRS, Pair, pairs_of_texts
from hypothesis import given
from hypothesis import strategies as st
from slow_explanations import slow_scores

from cmexam_baseline.metrics import PROFILES, ExplanationScores, Profile, score_explanations, score_profiles
from cmexam_baseline.metrics.profiles import CHOICES

NAMES = st.sampled_from([name for name in CHOICES["bleu_tokenizer"] if name != "tokens"])


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    parts = {
        field: draw(NAMES if "tokenizer" in field else st.sampled_from(list(choices)))
        for field, choices in CHOICES.items()
    }
    return Profile("drawn", swap_sides=draw(st.booleans()), **parts)


def assert_equal_to_twin(scores: ExplanationScores, pairs: list[Pair], profile: Profile) -> None:
    references, predictions = zip(*pairs, strict=True) if pairs else ((), ())
    whole, single = slow_scores(references, predictions, profile)
    if whole:
        assert scores.figures == pytest.approx(whole, abs=1e-9, rel=0)
    else:
        assert all(np.isnan(list(scores.figures.values())))
    for row, figures in zip(scores.per_pair, single, strict=True):
        if figures is None:
            assert all(np.isnan(value) for value in row)
        else:
            assert dict(zip(row.dtype.names, row, strict=True)) == pytest.approx(figures, abs=1e-9, rel=0)


@given(pairs=pairs_of_texts(), profile=profiles())
def test_any_profile(pairs: list[Pair], profile: Profile) -> None:
    references, predictions = zip(*pairs, strict=True) if pairs else ((), ())
    assert_equal_to_twin(score_explanations(references, predictions, profile), pairs, profile)


@given(pairs=pairs_of_texts(), chosen=st.lists(profiles(), min_size=1, max_size=4))
def test_several_profiles_in_one_pass(pairs: list[Pair], chosen: list[Profile]) -> None:
    chosen = [replace(profile, name=f"profile {number}") for number, profile in enumerate(chosen)]
    references, predictions = zip(*pairs, strict=True) if pairs else ((), ())
    results = score_profiles(references, predictions, chosen)
    assert list(results) == [profile.name for profile in chosen]
    for profile in chosen:
        assert_equal_to_twin(results[profile.name], pairs, profile)


def test_all_named_profiles_together() -> None:
    references, predictions = zip(*HARD_PAIRS, strict=True)
    results = score_profiles(references, predictions, list(PROFILES))
    for name, profile in PROFILES.items():
        assert_equal_to_twin(results[name], HARD_PAIRS, profile)


def test_a_tokenizer_of_ones_own() -> None:
    def halves(text: str) -> list[str]:
        return [text[: len(text) // 2], text[len(text) // 2 :], ""]

    for whitespace in ("remove", "keep", "official"):
        scores = score_explanations(
            *zip(*HARD_PAIRS, strict=True), "google", tokenizer=halves, whitespace=whitespace
        )
        assert_equal_to_twin(scores, HARD_PAIRS, scores.profile)
        assert "|bleu:callable:" in scores.signature
        assert "halves" in scores.signature


def test_given_tokens() -> None:
    pairs = [
        (list("发热 咳嗽"), ["发", "热", "", "a b"]),
        ([], ["x"]),
        ([], []),
        (None, ["x"]),
        (["x"], None),
    ]
    for whitespace in ("remove", "keep", "official"):
        for missing in CHOICES["missing_predictions"]:
            scores = score_explanations(
                *zip(*pairs, strict=True),
                "cmexam",
                tokenizer="tokens",
                whitespace=whitespace,
                missing_predictions=missing,
            )
            assert_equal_to_twin(scores, pairs, scores.profile)


def test_given_tokens_of_words_are_the_words() -> None:
    from cmexam_baseline.metrics import cut

    references, predictions = ["患者出现心力衰竭", "发热"], ["患者有心力衰竭", "高热"]
    own = score_explanations(references, predictions, "google", tokenizer="jieba")
    given_words = score_explanations(cut(references), cut(predictions), "google", tokenizer="tokens")
    assert own.figures == given_words.figures


def test_setting_a_part_renames_the_profile_only_if_it_changes_something() -> None:
    assert score_explanations(["a"], ["a"], "google", counting="clip").profile is PROFILES["google"]
    changed = score_explanations(["a"], ["a"], "google", counting="set").profile
    assert changed == replace(PROFILES["google"], name="custom", counting="set")


@pytest.mark.parametrize("tokenizer", ["char", "jieba", "zh"])
def test_profiles_of_one_tokenizer_share_the_counting(
    tokenizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cmexam_baseline.metrics import explanation_statistics

    counted = []
    count_pairs = explanation_statistics.count_pairs

    def watch(streams, *arguments):
        counted.append(len(streams))
        return count_pairs(streams, *arguments)

    monkeypatch.setattr(explanation_statistics, "count_pairs", watch)
    chosen = [
        replace(PROFILES[name], bleu_tokenizer=tokenizer, rouge_tokenizer=tokenizer)
        for name in ("cmexam", "google")
    ]
    score_profiles(["发热咳嗽", "头 痛"], ["发热", "头痛"], chosen)
    assert sum(counted) == (3 if tokenizer != "zh" else 2)
