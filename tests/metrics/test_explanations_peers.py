"""`google` is rouge-score, `sacrebleu` is sacrebleu, whatever the tokens."""

from __future__ import annotations

import re

import pytest
from explanation_pairs import HARD_PAIRS, Pair, pairs_of_texts, real_pairs
from hypothesis import given
from official_definition import jieba_words
from rouge_score import rouge_scorer, tokenizers
from sacrebleu.metrics import BLEU
from shared_data import needs_shared

from cmexam_baseline.metrics import score_explanations

ROUGES = ("rouge1", "rouge2", "rougeL")


class Characters(tokenizers.Tokenizer):
    def tokenize(self, text: str) -> list[str]:
        return list("".join(text.split()))


class JiebaWords(tokenizers.Tokenizer):
    def tokenize(self, text: str) -> list[str]:
        return [word for word in jieba_words(text) if not word.isspace()]


TOKENIZERS = {"char": Characters(), "jieba": JiebaWords()}
both_tokenizers = pytest.mark.parametrize("tokenizer", ["char", "jieba"])
both_of_sacrebleu = pytest.mark.parametrize("tokenizer", ["char", "zh"])


def assert_equal_to_rouge_score(pairs: list[Pair], tokenizer: str) -> None:
    references, predictions = zip(*pairs, strict=True)
    scores = score_explanations(references, predictions, "google", tokenizer=tokenizer)
    scorer = rouge_scorer.RougeScorer(ROUGES, tokenizer=TOKENIZERS[tokenizer])
    expected = [scorer.score(*pair) for pair in pairs]
    for rouge in ROUGES:
        for part, attribute in (("", "fmeasure"), ("_precision", "precision"), ("_recall", "recall")):
            values = [100 * getattr(score[rouge], attribute) for score in expected]
            assert scores.per_pair[rouge + part] == pytest.approx(values, abs=1e-9, rel=0)
            mean = sum(values) / len(values)
            assert getattr(scores, rouge + part) == pytest.approx(mean, abs=1e-9, rel=0)


def assert_equal_to_sacrebleu(pairs: list[Pair], tokenizer: str, smoothing: str = "exp") -> None:
    # sacrebleu refuses references without a token.
    pairs = [pair for pair in pairs if pair[0]]
    if not pairs:
        return
    references, predictions = zip(*pairs, strict=True)
    scores = score_explanations(references, predictions, f"sacrebleu-{tokenizer}", smoothing=smoothing)
    for order in (1, 2, 3, 4):
        metric = BLEU(tokenize=tokenizer, smooth_method=smoothing, max_ngram_order=order)
        expected = metric.corpus_score(predictions, [references])
        assert getattr(scores, f"bleu{order}") == pytest.approx(expected.score, abs=1e-9, rel=0)
    if smoothing == "add-k":
        return  # sacrebleu adds to the counts that it reports
    counts = scores.counts
    assert [counts[f"bleu{order}_matches"] for order in (1, 2, 3, 4)] == expected.counts
    assert [counts[f"bleu{order}_ngrams"] for order in (1, 2, 3, 4)] == expected.totals
    assert (counts["bleu_reference_tokens"], counts["bleu_prediction_tokens"]) == (
        expected.ref_len,
        expected.sys_len,
    )


@both_tokenizers
@given(pairs=pairs_of_texts(missing=False).filter(bool))
def test_rouge_score_on_any_text(pairs: list[Pair], tokenizer: str) -> None:
    assert_equal_to_rouge_score(pairs, tokenizer)


@both_tokenizers
@needs_shared
def test_rouge_score_on_real_explanations(tokenizer: str) -> None:
    pairs = [pair for pair in real_pairs() if len(pair[0] or "") * len(pair[1] or "") < 60_000]
    assert_equal_to_rouge_score([*pairs[:200], *pairs[-100:], *HARD_PAIRS], tokenizer)


@both_of_sacrebleu
@pytest.mark.parametrize("smoothing", ["none", "exp", "floor", "add-k"])
@given(pairs=pairs_of_texts(missing=False))
def test_sacrebleu_on_any_text(pairs: list[Pair], tokenizer: str, smoothing: str) -> None:
    assert_equal_to_sacrebleu(pairs, tokenizer, smoothing)


@both_of_sacrebleu
@needs_shared
def test_sacrebleu_on_real_explanations(tokenizer: str) -> None:
    assert_equal_to_sacrebleu([*real_pairs(250), *HARD_PAIRS], tokenizer)


def test_sacrebleu_without_suffix_counts_characters() -> None:
    plain = score_explanations(["发热39.5"], ["发热39"], "sacrebleu")
    named = score_explanations(["发热39.5"], ["发热39"], "sacrebleu-char")
    assert plain.figures == named.figures
    assert re.search(r"\|bleu:char\|.*\|smooth:exp\|", plain.signature)
