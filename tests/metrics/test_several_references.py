"""Several references per prediction: BLEU as sacrebleu has it, ROUGE as rouge-score has it."""

from __future__ import annotations

import pytest
from explanation_pairs import texts
from hypothesis import given
from hypothesis import strategies as st
from rouge_score import rouge_scorer, tokenizers
from sacrebleu.metrics import BLEU

from cmexam_baseline.metrics import parse_signature, score_explanations

_rows = st.lists(
    st.tuples(st.lists(texts.filter(bool), min_size=1, max_size=3), texts), min_size=1, max_size=5
)


class Characters(tokenizers.Tokenizer):
    """Characters without whitespace, as our `char`."""

    def tokenize(self, text: str) -> list[str]:
        return list("".join(text.split()))


def columns(rows: list[tuple[list[str], str]], n_references: int) -> list[list[str | None]]:
    """sacrebleu's form: one list per position of a reference, None where a row has fewer."""
    return [
        [references[place] if place < len(references) else None for references, _ in rows]
        for place in range(n_references)
    ]


@pytest.mark.parametrize("tokenizer", ["char", "zh"])
@given(rows=_rows)
def test_bleu_is_sacrebleus(tokenizer: str, rows: list[tuple[list[str], str]]) -> None:
    references, predictions = [references for references, _ in rows], [prediction for _, prediction in rows]
    scores = score_explanations(references, predictions, f"sacrebleu-{tokenizer}")
    expected = BLEU(tokenize=tokenizer).corpus_score(predictions, columns(rows, 3))
    assert scores.bleu4 == pytest.approx(expected.score, abs=1e-9)
    assert [scores.counts[f"bleu{order}_matches"] for order in (1, 2, 3, 4)] == expected.counts
    assert scores.counts["bleu_reference_tokens"] == expected.ref_len
    sentences = BLEU(tokenize=tokenizer, effective_order=True)
    single = [sentences.sentence_score(prediction, references).score for references, prediction in rows]
    assert scores.sentence_bleu() == pytest.approx(single, abs=1e-9)


@given(rows=_rows)
def test_rouge_is_rouge_scores(rows: list[tuple[list[str], str]]) -> None:
    references, predictions = [references for references, _ in rows], [prediction for _, prediction in rows]
    scores = score_explanations(references, predictions, "google")
    scorer = rouge_scorer.RougeScorer(("rouge1", "rouge2", "rougeL"), tokenizer=Characters())
    expected = [scorer.score_multi(references, prediction) for references, prediction in rows]
    for name in ("rouge1", "rouge2", "rougeL"):
        fs = [100 * found[name].fmeasure for found in expected]
        assert scores.per_pair[name] == pytest.approx(fs, abs=1e-9)


@pytest.mark.parametrize("smoothing", ["none", "exp", "floor", "add-k"])
@given(rows=st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=6))
def test_sentence_bleu_is_sacrebleus(smoothing: str, rows: list[tuple[str, str]]) -> None:
    references, predictions = zip(*rows, strict=True)
    scores = score_explanations(references, predictions, "sacrebleu", smoothing=smoothing)
    metric = BLEU(tokenize="char", smooth_method=smoothing, effective_order=True)
    expected = [metric.sentence_score(prediction, [reference]).score for reference, prediction in rows]
    assert scores.sentence_bleu() == pytest.approx(expected, abs=1e-9)


def test_one_reference_in_a_list_is_one_reference() -> None:
    plain = score_explanations(["发热伴咳嗽", None, "头痛"], ["发热", "高热", None])
    listed = score_explanations([["发热伴咳嗽"], None, ("头痛",)], ["发热", "高热", None])
    assert listed == plain
    assert parse_signature(plain.signature).n_several == 0


def test_missing_predictions_meet_the_best_of_their_references() -> None:
    scores = score_explanations([["无答案", "头痛"], "发热"], [None, "发热"])
    assert (round(scores.bleu2), round(scores.rougeL), scores.n_missing) == (100, 100, 1)
    assert "|several-references:1|" in scores.signature
    assert parse_signature(scores.signature).n_several == 1
    tokens = score_explanations(
        [[["发", "热"], ["高", "热"]], [["痛"]]], [["高", "热"], None], tokenizer="tokens"
    )
    assert (tokens.per_pair.rouge2[0].round(4), tokens.n_missing) == (100, 1)
