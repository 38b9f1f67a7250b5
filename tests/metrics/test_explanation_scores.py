"""Results: adding parts, single pairs, rows left out, threads, JSON; what must raise, and what must not."""

from __future__ import annotations

import json
import math
import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from explanation_pairs import HARD_PAIRS, Pair, mixed, pairs_of_texts
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.metrics import (
    PROFILES,
    ExplanationScores,
    explanation_statistics,
    score_explanations,
    score_profiles,
)

PREDICTIONS = ["心衰患者限盐。", "发热", "", "头痛"]
REFERENCES = ["心力衰竭患者应限盐。", None, "发热", " "]


def score(pairs: list[Pair], profile: str = "cmexam") -> ExplanationScores:
    return score_explanations([r for r, _ in pairs], [p for _, p in pairs], profile)


def assert_same(one: ExplanationScores, other: ExplanationScores) -> None:
    """Equal bit for bit."""
    assert one.sums == other.sums
    assert one.counts == other.counts
    assert one.signature == other.signature
    np.testing.assert_array_equal(list(one.figures.values()), list(other.figures.values()))


def many_pairs(size: int) -> list[Pair]:
    texts = [
        f"第{n}题，{'患者血压升高，' * (n % 9)}选{'ABCDE'[n % 5]}；因 {n * 7919 % 1000} 例。"
        for n in range(size)
    ]
    return [*zip(texts, mixed(texts, seed=4), strict=True)]


@given(
    pairs=pairs_of_texts(),
    cuts=st.lists(st.integers(0, 12), max_size=3),
    profile=st.sampled_from([*PROFILES]),
)
def test_parts_add_up_to_the_whole_bit_for_bit(pairs: list[Pair], cuts: list[int], profile: str) -> None:
    bounds = [0, *sorted(cuts), len(pairs)]
    parts = [score(pairs[a:b], profile) for a, b in zip(bounds, bounds[1:], strict=False)]
    whole = score(pairs, profile)
    total = reduce(add, parts)
    assert_same(total, whole)
    np.testing.assert_array_equal(total.statistics, whole.statistics)
    backwards = sum(part.without_pairs() for part in reversed(parts))
    assert isinstance(backwards, ExplanationScores)
    assert_same(backwards, whole)


def test_threads_and_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [*many_pairs(300), *HARD_PAIRS]
    alone = score_explanations(*zip(*pairs, strict=True), threads=1)
    monkeypatch.setattr(explanation_statistics, "_SMALLEST_BATCH", 64)
    for threads in (1, 2, 5, None):
        for limit in (64, 1000):
            monkeypatch.setattr(explanation_statistics, "BATCH_CHARACTERS", limit)
            again = score_explanations(*zip(*pairs, strict=True), threads=threads)
            assert_same(again, alone)
            np.testing.assert_array_equal(again.statistics, alone.statistics)


def test_order_of_rows_does_not_change_a_bit() -> None:
    pairs = many_pairs(200)
    assert_same(score(pairs), score(pairs[::-1]))


def test_scores_of_different_definitions_do_not_add_up() -> None:
    one = score([("发热", "发热")])
    with pytest.raises(ValueError, match="different definitions .*cmexam.* and .*google"):
        one + score([("发热", "发热")], "google")
    with pytest.raises(ValueError, match="'0' and|and '0'|0"):
        one + replace(one, version="0")
    with pytest.raises(TypeError):
        one + 1
    assert not one.same_definition(replace(one, version="0"))


def test_json_and_back() -> None:
    for profile in PROFILES:
        scores = score_explanations(REFERENCES, PREDICTIONS, profile)
        again = ExplanationScores.from_dict(json.loads(json.dumps(scores.to_dict())))
        assert_same(again, scores.without_pairs())
        assert_same(again + scores.without_pairs(), scores + scores)
    for content in (
        {},
        {"signature": scores.signature},
        {**scores.to_dict(), "sums": [1]},
        {"signature": "x", "sums": []},
    ):
        with pytest.raises(ValueError, match="^not "):
            ExplanationScores.from_dict(content)


def test_processes_can_hand_their_scores_over() -> None:
    scores = score_explanations(REFERENCES, PREDICTIONS)
    assert_same(pickle.loads(pickle.dumps(scores)), scores)


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        score([("a", "b")]).bleu1 = 1.0


@pytest.mark.parametrize(
    ("references", "predictions", "scored"),
    [
        ("drop", "empty", [0, 2, 3, 4, 5]),
        ("drop", "script", [0, 2, 3, 4, 5]),
        ("empty", "script", [0, 1, 2, 3, 4, 5]),
        ("drop", "drop", [0, 2, 3, 4]),
        ("drop-empty", "drop-empty", [0, 4]),
    ],
)
def test_omitted_rows_keep_their_place(references: str, predictions: str, scored: list[int]) -> None:
    scores = score_explanations(
        [*REFERENCES, "头痛", "腹痛"],
        [*PREDICTIONS, "头晕", None],
        "google",
        missing_references=references,
        missing_predictions=predictions,
    )
    assert np.flatnonzero(~np.isnan(scores.per_pair.rouge1)).tolist() == scored
    assert np.flatnonzero(scores.statistics[:, 0]).tolist() == scored
    counts = scores.counts
    assert (counts["rows"], counts["pairs"]) == (6, len(scored))
    assert (counts["missing_references"], counts["missing_predictions"]) == (1, 1)
    assert (counts["empty_references"], counts["empty_predictions"]) == (1, 1)
    assert f"|pairs:{len(scored)}|dropped:{6 - len(scored)}|missing:1|" in scores.signature
    assert f"|no-reference:{references}|no-prediction:{predictions}|" in scores.signature


def test_leaving_explanations_out_never_raises_a_score_by_default() -> None:
    references = ["心力衰竭患者应限盐。", "首选青霉素。", "本题考查高血压的治疗。"]
    for name in PROFILES:
        whole = score_explanations(references, references, name)
        left_out = score_explanations(references, [*references[:2], None], name)
        assert left_out.rouge1 < whole.rouge1 and left_out.bleu4 < whole.bleu4
        assert left_out.n_missing == 1
        assert "|missing:1|" in left_out.signature
    # Two perfect predictions of three: 66.67, as the script prints.
    assert round(score_explanations(references, [*references[:2], None]).rouge1, 2) == 66.67


def test_figures_are_made_of_the_statistics() -> None:
    scores = score(many_pairs(50), "sacrebleu")
    figures = scores.figures_of(scores.statistics.sum(axis=0))
    assert dict(zip(scores.figure_names, figures, strict=True)) == pytest.approx(scores.figures, rel=1e-12)
    weights = np.random.default_rng(0).multinomial(50, [1 / 50] * 50, size=7).astype(float)
    resampled = scores.figures_of(weights @ scores.statistics)
    assert resampled.shape == (7, len(scores.figure_names))
    rows = np.repeat(np.arange(50), weights[3].astype(int))
    again = score([many_pairs(50)[row] for row in rows], "sacrebleu")
    assert resampled[3] == pytest.approx(list(again.figures.values()), abs=1e-9)
    assert scores.statistics.shape == (50, len(scores.statistic_names))
    assert np.isnan(scores.figures_of(np.zeros((2, 3, len(scores.statistic_names))))).all()


def test_counts_are_what_the_figures_came_from() -> None:
    counts = score([("abcd", "abd"), ("ab", "")]).counts
    assert [counts[f"bleu{n}_matches"] for n in (1, 2, 3, 4)] == [3, 1, 0, 0]
    assert [counts[f"bleu{n}_ngrams"] for n in (1, 2, 3, 4)] == [3, 2, 1, 0]
    assert (counts["bleu_reference_tokens"], counts["bleu_prediction_tokens"]) == (6, 3)
    # The empty prediction is one empty token to the official ROUGE.
    assert [counts[f"rougeL_{part}"] for part in ("common", "in_reference", "in_prediction")] == [3, 6, 4]


def test_without_pairs() -> None:
    scores = score([("a", "b")]).without_pairs()
    for attribute in ("statistics", "per_pair"):
        with pytest.raises(ValueError, match="single pairs were left out"):
            getattr(scores, attribute)


def test_parts_with_and_without_pairs_add_up() -> None:
    parts = [score([("发热", "发热咳")]), score([("咳嗽", "咳")])]
    whole = score([("发热", "发热咳"), ("咳嗽", "咳")])
    assert_same(sum(parts), whole)
    assert_same(parts[0] + parts[1], whole)
    for first, second in ((parts[0].without_pairs(), parts[1]), (parts[0], parts[1].without_pairs())):
        added = first + second
        assert added.figures == whole.figures
        with pytest.raises(ValueError, match="single pairs were left out"):
            _ = added.statistics
    with pytest.raises(TypeError):
        1 + parts[0]


def test_shown_without_what_it_was_made_of() -> None:
    shown = repr(score([("发热", "发热咳")]))
    assert "rougeL=" in shown
    assert "statistics" not in shown
    assert "counts" not in shown
    assert "sums" not in shown


@pytest.mark.parametrize("profile", [*PROFILES])
@pytest.mark.parametrize(
    "pairs",
    [
        *[[pair] for pair in HARD_PAIRS],
        HARD_PAIRS,
        [("发热", ""), ("咳嗽", " ")],
        [("", "发热"), ("", "咳嗽")],
        [("的患者" * 6_667, "患者的" * 6_667), ("发热", "发热")],
        [("".join(map(chr, range(0x4E00, 0x9FFF))), "".join(map(chr, range(0x9FFE, 0x4DFF, -1))))],
    ],
    ids=lambda pairs: repr(pairs)[:20] if isinstance(pairs, list) else pairs,
)
def test_every_figure_of_every_text_is_defined(pairs: list[Pair], profile: str) -> None:
    scores = score(pairs, profile)
    figures = [*scores.figures.values(), *(value for row in scores.per_pair for value in row)]
    assert all(0 <= figure <= 100 + 1e-9 for figure in figures)


@pytest.mark.parametrize("profile", [*PROFILES])
def test_no_pairs_no_figures(profile: str) -> None:
    scores = score([], profile)
    assert all(math.isnan(figure) for figure in scores.figures.values())
    assert len(scores.per_pair) == scores.counts["pairs"] == 0
    assert_same(scores + score([("发热", "发热")], profile), score([("发热", "发热")], profile))


def test_all_predictions_empty_is_zero_bleu() -> None:
    scores = score([("发热", ""), ("咳嗽", "")])
    assert (scores.bleu1, scores.bleu4, scores.rouge1, scores.rougeL) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("references", "predictions", "error", "message"),
    [
        (["a", "b"], ["a"], ValueError, "2 references but 1 predictions"),
        ("ab", ["a", "b"], TypeError, "references must be a list or array of texts, not one string"),
        (["a"], None, TypeError, "predictions must be a list or array of texts, not NoneType"),
        (["a", 3], ["a", "b"], TypeError, "references must be texts, or None .*entry 1 is 3"),
        (["a"], [b"a"], TypeError, "entry 0 is b'a'"),
        (["a"], [["a"]], TypeError, "lists of tokens need tokenizer='tokens'"),
        ({"a"}, ["a"], TypeError, "references must be a list or array of texts, not set"),
        (["a"], {"a": 1}, TypeError, "predictions must be a list or array of texts, not dict"),
        ([["a", 1]], ["a"], TypeError, "several references must be a list of texts; entry 0"),
    ],
)
def test_one_clear_error(
    references: object, predictions: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        score_explanations(references, predictions)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "cmexm"}, "not 'cmexm'; did you mean 'cmexam'"),
        ({"profile": "x"}, "profile must be 'cmexam', .*not 'x'$"),
        ({"tokenizer": "words"}, "bleu_tokenizer must be 'char', 'jieba', 'zh' or 'tokens', not 'words'"),
        ({"counting": "sets", "lcs_f": "f2"}, "counting must be .* not 'sets'; lcs_f must be .* not 'f2'"),
        ({"smoothing": "exponential"}, "smoothing must be"),
        ({"whitespace": "drop"}, "bleu_whitespace must be"),
        ({"missing_predictions": "keep"}, "missing_predictions must be"),
        ({"missing_references": "script"}, "missing_references must be"),
        ({"threads": 0}, "threads must be an integer, 1 or more"),
        ({"tokenizer": "callable:x"}, "'callable:x' is a name from a signature; give the function itself"),
    ],
)
def test_unknown_names(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score_explanations(["a"], ["a"], **arguments)


def test_profiles_need_names_of_their_own_and_one_kind_of_input() -> None:
    with pytest.raises(ValueError, match="profiles must have different names"):
        score_profiles(["a"], ["a"], ["google", "google"])
    with pytest.raises(TypeError, match="profile must be a name or a Profile, not int"):
        score_explanations(["a"], ["a"], 3)
    tokens = replace(PROFILES["google"], name="of tokens", bleu_tokenizer="tokens", rouge_tokenizer="tokens")
    with pytest.raises(ValueError, match="cannot be scored together with others"):
        score_profiles(["a"], ["a"], ["google", tokens])
    with pytest.raises(ValueError, match="of both BLEU and ROUGE or of neither"):
        replace(PROFILES["google"], bleu_tokenizer="tokens")
    with pytest.raises(TypeError, match="entry 1 is 'ab'"):
        score_explanations([["a"], "ab"], [["a"], ["b"]], tokenizer="tokens")


def test_every_kind_of_sequence_is_taken() -> None:
    expected = score([("发热", "发热"), ("咳嗽", "咳")])
    for kind in (tuple, np.array, lambda texts: np.array(texts, object), iter):
        scores = score_explanations(kind(["发热", "咳嗽"]), kind(["发热", "咳"]))
        assert_same(scores, expected)


def test_loading_stays_light() -> None:
    heavy = ("torch", "sklearn", "polars", "lightgbm", "jieba", "numba", "rapidfuzz", "scipy", "sacrebleu")
    code = (
        "import sys; from cmexam_baseline import metrics; metrics.score_explanations; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
