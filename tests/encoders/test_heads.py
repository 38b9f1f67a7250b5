"""What a score depends on, and on what it must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_encoders import make_encoder

from cmexam_baseline.encoders.batches import Batch, Batches
from cmexam_baseline.encoders.decision import MOST_OPTIONS
from cmexam_baseline.encoders.heads import MultipleChoiceScorer, Scorer, build_scorer
from cmexam_baseline.encoders.models import load_tokenizer
from cmexam_baseline.encoders.optimization import apply_tuning
from cmexam_baseline.encoders.runtime import Runtime
from cmexam_baseline.encoders.scoring import run_scorer, score_all
from cmexam_baseline.encoders.sequences import Layout, encode_exam
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, Question

CPU = Runtime(torch.device("cpu"), "fp32")
HEADS = [
    {"head": "pairwise"},
    {"head": "pairwise", "pooling": "mean"},
    {"head": "joint"},
]


def build(folder, **settings) -> tuple[Scorer, TextTokenizer, Layout]:
    chosen = EncoderSettings(model=str(folder), **settings)
    scorer = build_scorer(folder, chosen, np.zeros(MOST_OPTIONS)).eval()
    apply_tuning(scorer, chosen)
    layout = Layout(chosen.head, scorer.most_positions or 512)
    return scorer, TextTokenizer.from_transformers(load_tokenizer(folder)), layout


def scores_of(scorer, tokenizer, layout, exam, most_tokens=4096) -> np.ndarray:
    return score_all(
        scorer, Batches(encode_exam(exam, tokenizer, layout), tokenizer.template), CPU, most_tokens
    )


@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_pairwise_scores_are_transformers_own(name, request, exam):
    """Against `...ForMultipleChoice` called as its documentation says, question by question."""
    scorer, tokenizer, layout = build(request.getfixturevalue(name), head="pairwise")
    assert isinstance(scorer, MultipleChoiceScorer)
    transformers_tokenizer = load_tokenizer(request.getfixturevalue(name))
    scores = scores_of(scorer, tokenizer, layout, exam)
    for i, question in enumerate(exam.questions):
        options = exam.options(i)
        inputs = transformers_tokenizer([question] * len(options), options, padding=True, return_tensors="pt")
        assert ("token_type_ids" in inputs) == (name == "bert")
        with torch.no_grad():
            logits = scorer.model(**{key: value[None] for key, value in inputs.items()}).logits[0]
        np.testing.assert_allclose(
            scores[exam.option_offsets[i] : exam.option_offsets[i + 1]], logits, atol=2e-6
        )


@pytest.mark.parametrize("settings", HEADS, ids=str)
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_padding_and_company_change_nothing(settings, name, request, exam):
    """Each question alone, without a padding token, scores as it does in any batch."""
    scorer, tokenizer, layout = build(request.getfixturevalue(name), **settings)
    together = scores_of(scorer, tokenizer, layout, exam)
    in_parts = scores_of(scorer, tokenizer, layout, exam, most_tokens=300)
    np.testing.assert_allclose(in_parts, together, atol=2e-6)
    batches = Batches(encode_exam(exam, tokenizer, layout), tokenizer.template)
    for i in range(8):
        batch = batches.tensors(np.array([i]))
        width = int(
            batches.sequences.lengths[batches.sequences.firsts[i] : batches.sequences.firsts[i + 1]].max()
        )
        if (batch.segments[:, :width] >= 0).all():
            cut = {
                name: getattr(batch, name)[:, :width]
                for name in ("input_ids", "segments", "token_types", "positions")
            }
            batch = Batch(**{**vars(batch), **cut})
        with torch.no_grad():
            alone = run_scorer(scorer, batch, CPU)
        expected = together[exam.option_offsets[i] : exam.option_offsets[i + 1]]
        np.testing.assert_allclose(alone, expected, atol=2e-6)


@pytest.mark.parametrize("settings", HEADS, ids=str)
def test_padding_tokens_are_never_seen(settings, bert, exam):
    scorer, tokenizer, layout = build(bert, **settings)
    batch = Batches(encode_exam(exam, tokenizer, layout), tokenizer.template).tensors(np.arange(16))
    padding = batch.segments < 0
    assert padding.any()
    other = Batch(**{**vars(batch), "input_ids": batch.input_ids.masked_fill(padding, 17)})
    with torch.no_grad():
        torch.testing.assert_close(
            run_scorer(scorer, batch, CPU), run_scorer(scorer, other, CPU), atol=1e-6, rtol=0
        )


def shuffled(exam: Exam, seed: int) -> tuple[Exam, np.ndarray]:
    """The exam with every question's options in another order, and where each flat option came from."""
    random = np.random.default_rng(seed)
    orders = [random.permutation(int(n)) for n in exam.n_options]
    questions = [
        Question(q.id, q.question, tuple(q.options[i] for i in order))
        for q, order in zip(exam, orders, strict=True)
    ]
    came_from = np.concatenate([exam.option_offsets[i] + order for i, order in enumerate(orders)])
    return Exam.from_questions(questions), came_from


@pytest.mark.parametrize("settings", HEADS, ids=str)
@pytest.mark.parametrize("name", ["bert", "roberta"])
def test_scores_go_with_their_options_whatever_their_order(settings, name, request, exam):
    scorer, tokenizer, layout = build(request.getfixturevalue(name), **settings)
    other, came_from = shuffled(exam, seed=1)
    scores = scores_of(scorer, tokenizer, layout, exam)
    np.testing.assert_allclose(scores_of(scorer, tokenizer, layout, other), scores[came_from], atol=5e-6)
    assert np.std(scores) > 1e-4  # scores that are all the same would pass as well


@pytest.mark.parametrize("settings", HEADS[1:], ids=str)
def test_scores_are_pooled_over_their_options(settings, bert, exam):
    """By hand: one sequence at a time, states found by looking for separators and mask tokens."""
    scorer, tokenizer, layout = build(bert, **settings)
    scores = scores_of(scorer, tokenizer, layout, exam)
    joint = settings["head"] == "joint"
    for i in range(8):
        batches = Batches(encode_exam(exam[[i]], tokenizer, layout), tokenizer.template)
        batch = batches.tensors(np.array([0]))
        inputs = scorer.encoder_inputs(batch.input_ids, batch.segments, batch.token_types, batch.positions)
        with torch.no_grad():
            states = scorer.encoder(**inputs).last_hidden_state
        for j in range(len(exam.options(i))):
            row, nth = (0, j) if joint else (j, 0)
            ids = batch.input_ids[row].tolist()
            masks = [place for place, token in enumerate(ids) if token == 4]
            ends = [place for place, token in enumerate(ids) if token == 3]
            first, last = (masks[nth], ends[nth + 1]) if joint else (0, ends[1])
            state = states[row, first : last + 1].mean(0)
            with torch.no_grad():
                expected = scorer.head(state)[0]
            assert scores[exam.option_offsets[i] + j] == pytest.approx(float(expected), abs=2e-6)


@pytest.mark.parametrize("settings", HEADS, ids=str)
def test_options_see_each_other_in_the_joint_head_alone(settings, bert, exam):
    scorer, tokenizer, layout = build(bert, **settings)
    question = exam[2]
    changed = Exam.from_questions([Question("x", question.question, (*question.options[:-1], "甲丙" * 3))])
    first, second = exam.option_offsets[2:4]
    difference = np.abs(
        scores_of(scorer, tokenizer, layout, changed)
        - scores_of(scorer, tokenizer, layout, exam)[first:second]
    )
    assert difference[-1] > 1e-4
    assert (difference[:-1] > 1e-6).all() if settings["head"] == "joint" else (difference[:-1] < 1e-6).all()


@pytest.mark.parametrize("settings", [HEADS[0], HEADS[2]], ids=str)
def test_a_prefix_is_seen_and_padding_beside_it_is_not(settings, bert, exam):
    scorer, tokenizer, layout = build(bert, tuning="prefix", prefix_length=5, **settings)
    together = scores_of(scorer, tokenizer, layout, exam)
    in_parts = scores_of(scorer, tokenizer, layout, exam, most_tokens=300)
    np.testing.assert_allclose(in_parts, together, atol=2e-6)
    plain = scores_of(*build(bert, **settings), exam)
    assert np.abs(together - plain).max() > 1e-4
    with torch.no_grad():
        for parameter in scorer.prefix.parameters():
            parameter.add_(1.0)
    assert np.abs(scores_of(scorer, tokenizer, layout, exam) - together).max() > 1e-4


def test_attention_without_sdpa_scores_the_same(bert, exam):
    for settings in (HEADS[0], HEADS[2]):
        scorer, tokenizer, layout = build(bert, **settings)
        fused = scores_of(scorer, tokenizer, layout, exam)
        scorer.encoder.set_attn_implementation("eager")
        np.testing.assert_allclose(scores_of(scorer, tokenizer, layout, exam), fused, atol=5e-6)


def test_an_encoder_without_a_mask_for_pairs_is_refused(tmp_path, exam):
    folder = make_encoder(tmp_path / "deberta", "deberta-v2", pooler_hidden_size=32)
    with pytest.raises(InputError, match='deberta-v2 .* use `head="pairwise"`'):
        build(folder, head="joint")
    with pytest.raises(InputError, match="takes no prefix; use `tuning"):
        build(folder, tuning="prefix")


def test_a_model_that_generates_is_refused(tmp_path):
    folder = make_encoder(tmp_path / "decoder", "bert", is_decoder=True)
    with pytest.raises(InputError, match="generates; give an encoder such as bert"):
        build(folder)


def test_new_weights_come_from_the_seed(bert):
    first, second, other = (build(bert, random_state=seed)[0].model.classifier.weight for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
