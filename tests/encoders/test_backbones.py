"""The architectures that Chinese models have, as tiny random models; the names of well-known ones beside them."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_encoders import make_encoder, make_exam

from cmexam_baseline.encoders import EncoderBaseline
from cmexam_baseline.encoders.decision import MOST_OPTIONS
from cmexam_baseline.encoders.heads import MultipleChoiceScorer, build_scorer
from cmexam_baseline.encoders.models import load_config, load_tokenizer
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import TextTokenizer
from cmexam_baseline.exam.errors import InputError

# The kind of model, and whether its attention takes a mask per pair of tokens, as the joint head in blocks needs.
KINDS = {
    "bert": True,  # bert-base-chinese, chinese-roberta-wwm-ext, macbert, lert, pert, medbert, mengzi, MC-BERT
    "roberta": True,
    "xlm-roberta": True,
    "ernie": True,  # ernie-3.0, ernie-health
    "megatron-bert": True,  # Erlangshen
    "electra": True,  # chinese-electra-180g
    "deberta-v2": False,  # Erlangshen-DeBERTa-v2
    "modernbert": True,
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def folder(kind, tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("models") / kind, kind)


@pytest.fixture(scope="module")
def exam():
    return make_exam(12, options=(4, 5))


@pytest.mark.parametrize("settings", [{"head": "pairwise"}, {"head": "joint"}], ids=str)
def test_both_heads_train_save_and_load(settings, kind, folder, exam, tmp_path):
    baseline = EncoderBaseline(str(folder), epochs=1, lr=1e-3, **settings)
    if settings["head"] == "joint" and not KINDS[kind]:
        with pytest.raises(InputError, match=f"{kind} model takes no attention mask .* use `head="):
            baseline.fit(exam)
        return
    before = baseline.fit(exam, exam).predict(exam).option_scores
    assert np.isfinite(before).all()
    baseline.save(tmp_path / "model")
    after = EncoderBaseline.load(tmp_path / "model").predict(exam).option_scores
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_chinese_roberta_is_a_bert(exam, tmp_path):
    """hfl/chinese-roberta-*, macbert, lert and pert have BERT's class: one separator, positions from 0."""
    folder = make_encoder(tmp_path / "chinese-roberta-wwm-ext", "bert")
    scorer = build_scorer(folder, EncoderSettings(str(folder)), np.zeros(MOST_OPTIONS))
    template = TextTokenizer.from_transformers(load_tokenizer(folder), load_config(folder)).template
    assert isinstance(scorer, MultipleChoiceScorer)
    assert scorer.first_position == 0
    assert (len(template.middle), template.second_type) == (1, 1)
    of_roberta = make_encoder(tmp_path / "roberta", "roberta")
    scorer = build_scorer(of_roberta, EncoderSettings(str(of_roberta)), np.zeros(MOST_OPTIONS))
    template = TextTokenizer.from_transformers(load_tokenizer(of_roberta), load_config(of_roberta)).template
    assert scorer.first_position == 1
    assert (len(template.middle), template.second_type) == (2, 0)


def test_an_encoder_with_one_token_type_gets_no_other(exam, tmp_path):
    folder = make_encoder(tmp_path / "bert", "bert", type_vocab_size=1)
    EncoderBaseline(str(folder), epochs=1).fit(exam)


@pytest.mark.parametrize("kind", ["albert", "mpnet"])
def test_gradient_checkpointing_that_an_encoder_lacks_is_one_line(kind, exam, tmp_path):
    folder = make_encoder(tmp_path / kind, kind)
    with pytest.raises(InputError, match=f"a {kind} model has no gradient checkpointing; use `gradient_"):
        EncoderBaseline(str(folder), epochs=1, gradient_checkpointing=True).fit(exam)


@pytest.mark.parametrize(("kind", "pooler"), [("bert", True), ("bert", False), ("electra", False)])
def test_a_new_pooler_learns_at_the_rate_of_the_head(kind, pooler, tmp_path):
    from transformers import AutoConfig, AutoModel

    folder = make_encoder(tmp_path / "model", kind)
    if kind == "bert" and not pooler:
        bare = AutoModel.from_config(AutoConfig.from_pretrained(folder), add_pooling_layer=False)
        bare.save_pretrained(folder)
    scorer = build_scorer(folder, EncoderSettings(str(folder)), np.zeros(MOST_OPTIONS))
    assert scorer.all_new == (not pooler)
