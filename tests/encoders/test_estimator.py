"""EncoderBaseline as an estimator: parameters, hooks, fewer questions, training further."""

from __future__ import annotations

import inspect
from dataclasses import fields

import numpy as np
import pytest
from tiny_encoders import make_rule_exam

from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings, load_settings, scoring
from cmexam_baseline.exam.errors import InputError

QUICK = {"lr": 3e-3, "batch_size": 8, "epochs": 2, "dropout": 0.0}


@pytest.fixture(scope="module")
def rule():
    return make_rule_exam(40), make_rule_exam(16, seed=1)


def test_parameters_are_the_settings_and_stored_as_they_are(bert):
    names = {one.name for one in fields(EncoderSettings)}
    others = {"find_evidence", "checkpoints", "on_step", "on_evaluation"}
    baseline = EncoderBaseline(str(bert), epochs=-1)  # checked by fit, as scikit-learn wants it
    assert set(baseline.get_params()) == set(inspect.signature(EncoderBaseline).parameters) == names | others
    with pytest.raises(InputError, match="epochs is -1, expected 1 or more"):
        baseline.fit(make_rule_exam(4))
    with pytest.raises(InputError, match="epoks is not a setting, did you mean epochs"):
        EncoderBaseline(epoks=3)
    with pytest.raises(InputError, match="has no parameter 'epoks'"):
        baseline.set_params(epoks=3)


def test_scikit_learn_clones_it(bert):
    base = pytest.importorskip("sklearn.base")
    original = EncoderBaseline(str(bert), head="joint", on_step=print)
    assert base.clone(original).get_params() == original.get_params()


def test_probabilities_are_a_table_of_letters(bert, rule):
    train, val = rule
    baseline = EncoderBaseline(str(bert), **QUICK).fit(train, val, from_other_exam=np.zeros(len(train), bool))
    table = baseline.predict_proba(val)
    assert table.shape == (16, 5)
    assert (
        table[np.arange(5) < val.n_options[:, None]].tolist() == baseline.predict(val).option_scores.tolist()
    )
    with pytest.raises(InputError, match="from_other_exam has 3 values for 40 questions"):
        baseline.fit(train, from_other_exam=np.zeros(3, bool))


def test_hooks_are_called_after_each_step_and_evaluation(bert, rule):
    steps, evaluations = [], []
    hooks = {"on_step": steps.append, "on_evaluation": evaluations.append}
    report = EncoderBaseline(str(bert), **QUICK, **hooks).fit(*rule).report_
    assert [one.step for one in steps] == list(range(1, 11))
    assert evaluations == report.evaluations
    first = [one for one in steps if one.step <= 5]
    assert np.mean([one.loss for one in first]) == pytest.approx(evaluations[0].train_loss, abs=1e-4)
    assert {one.steps for one in steps} == {10}
    assert max(one.learning_rate for one in steps) == pytest.approx(1e-2, rel=0.1)  # of the size bias


def test_a_smoke_run_takes_some_of_the_questions(bert, rule):
    train, val = rule
    asked = []

    def find(exam, progress):
        asked.append(list(exam.ids))
        return [[text] for text in exam.questions]

    settings = {**QUICK, "epochs": 1, "max_train_questions": 9, "find_evidence": find}
    report = EncoderBaseline(str(bert), **settings).fit(train, val).report_
    assert (report.questions, len(asked[0])) == (9, 9)
    assert asked[0] != train.ids[:9]
    assert asked[0] == sorted(asked[0], key=train.ids.index)
    EncoderBaseline(str(bert), **settings).fit(train)
    assert asked[2] == asked[0]


def test_settings_that_the_encoder_refuses_cost_no_search_for_sentences(bert, rule):
    def find(exam, progress):
        raise AssertionError("looked up")

    with pytest.raises(InputError, match="freeze_layers is 5, but the encoder has 2 layers"):
        EncoderBaseline(str(bert), freeze_layers=5, evidence=1, find_evidence=find).fit(*rule)


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_loaded_model_computes_in_the_precision_of_its_training(precision, bert, rule, tmp_path):
    baseline = EncoderBaseline(str(bert), **QUICK, precision=precision).fit(*rule)
    baseline.save(tmp_path / "model")
    again = EncoderBaseline.load(tmp_path / "model").predict(rule[1])
    assert np.array_equal(again.option_scores, baseline.predict(rule[1]).option_scores)


def test_val_is_not_scored_again_after_training(bert, rule, monkeypatch):
    train, val = rule
    stages = []
    score = scoring._scores

    def counted(*arguments):
        stages.append(arguments[4])
        return score(*arguments)

    monkeypatch.setattr(scoring, "_scores", counted)
    baseline = EncoderBaseline(str(bert), **QUICK).fit(train, val)
    predicted = baseline.predict(val)
    assert stages == ["evaluating", "evaluating"]
    assert baseline.report_.val_accuracy is not None
    fresh = baseline.predict(val[::-1])
    assert stages[-1] == "predicting"
    np.testing.assert_allclose(
        np.sort(fresh.option_scores), np.sort(np.asarray(predicted.option_scores)), atol=1e-5
    )


@pytest.mark.parametrize("head", ["pairwise", "joint"])
def test_a_trained_encoder_is_trained_further_with_its_head(head, bert, rule, tmp_path):
    train, val = rule
    first = EncoderBaseline(str(bert), head=head, **{**QUICK, "epochs": 5}).fit(train, val)
    first.save(tmp_path / "run" / "model")
    folder = str(tmp_path / "run")
    settings = load_settings(model=folder, lr=1e-9, head_lr=1e-9, epochs=1, dropout=0.0)
    assert settings.head == head
    again = EncoderBaseline.from_settings(settings).fit(train, val)
    np.testing.assert_allclose(again.predict(val).option_scores, first.predict(val).option_scores, atol=0.05)
    assert again.report_.evaluations[0].val_loss == pytest.approx(
        min(one.val_loss for one in first.report_.evaluations), abs=0.2
    )
    assert again.description_.base["model"] == folder
    other = {"pairwise": "joint", "joint": "pairwise"}[head]
    with pytest.raises(InputError, match=f'was trained with head {head!r}; use `head="{head}"`'):
        EncoderBaseline(folder, head=other).fit(train)


def test_the_base_model_is_recorded(bert, rule, tmp_path):
    from cmexam_baseline.encoders import weights_fingerprint

    baseline = EncoderBaseline(str(bert), **QUICK).fit(*rule)
    baseline.save(tmp_path / "model")
    base = EncoderBaseline.load(tmp_path / "model").description_.base
    assert base == {"model": str(bert), "fingerprint": weights_fingerprint(bert)}
