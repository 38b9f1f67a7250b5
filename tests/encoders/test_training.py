"""What training must come to, however it is set."""

from __future__ import annotations

import importlib.machinery
import json
import math
import re
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_encoders import make_exam, make_rule_exam

from cmexam_baseline.encoders import EncoderBaseline
from cmexam_baseline.encoders.batches import plan_epoch
from cmexam_baseline.encoders.decision import MOST_OPTIONS, natural_answers
from cmexam_baseline.encoders.heads import build_scorer
from cmexam_baseline.encoders.models import load_config
from cmexam_baseline.encoders.optimization import (
    SIZE_BIAS_LR,
    parameter_groups,
    schedule_factor,
    seed_everything,
)
from cmexam_baseline.encoders.runtime import Runtime, start_runtime
from cmexam_baseline.encoders.scoring import score_all
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.training import Trainer
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.progress import DetailedStage

QUICK = {"lr": 3e-3, "batch_size": 8, "dropout": 0.0, "patience": 0, "batch_tokens": 1024}
PREFIX = {"tuning": "prefix", "prefix_length": 8, "lr": 2e-2, "head_lr": 1e-2}


def accuracy(baseline, exam) -> float:
    return float((baseline.predict(exam).answers == exam.answers).mean())


@pytest.mark.parametrize("settings", [{"head": "pairwise"}, {"head": "joint"}], ids=str)
def test_questions_are_learned_by_heart(settings, bert, exam):
    some = exam[:32]
    settings = {**QUICK, **settings, "evaluate_every": 60}
    baseline = EncoderBaseline(str(bert), epochs=30, **settings).fit(some, some)
    assert accuracy(baseline, some) >= 0.9
    assert baseline.report_.val_accuracy >= 0.9


@pytest.mark.parametrize(
    "settings",
    [
        {"pooling": "mean", "loss": "softmax"},
        {"head": "joint", "loss": "softmax"},
        {"tuning": "lora", "lr": 1e-2, "gradient_checkpointing": True},
        {"tuning": "lora", "head": "joint", "lr": 1e-2},
        {**PREFIX, "pooling": "mean", "epochs": 10},
        {**PREFIX, "head": "joint"},
        {"gradient_checkpointing": True, "min_micro_batches": 3, "weight_decay": 0.0, "schedule": "cosine"},
        {"max_grad_norm": 0.0, "schedule": "constant", "head": "joint", "dropout": 0.05},
        {"precision": "bf16", "head": "joint"},
        {"precision": "fp16"},
        {"freeze_layers": 1, "lr": 1e-2},
        {"freeze_layers": 1, "head": "joint", "tuning": "lora", "lr": 2e-2},
    ],
    ids=str,
)
def test_every_way_of_training_learns_a_rule_for_new_questions(settings, bert):
    """One letter for every question would have 24% here."""
    train, val = make_rule_exam(64), make_rule_exam(32, seed=1)
    baseline = EncoderBaseline(str(bert), **{"epochs": 6, **QUICK, **settings}).fit(train, val)
    assert accuracy(baseline, val) >= 0.6
    losses = [one.train_loss for one in baseline.report_.evaluations]
    assert losses[-1] < 0.8 * losses[0]


def test_a_prefix_does_more_than_the_head_alone(bert):
    train = make_rule_exam(96)
    losses = []
    for lr in (2e-2, 1e-12):
        baseline = EncoderBaseline(model=str(bert), epochs=8, **{**QUICK, **PREFIX, "lr": lr}).fit(train)
        losses.append(baseline.report_.evaluations[-1].train_loss)
    assert losses[0] < losses[1] - 0.02


def test_fp16_scales_its_loss(bert, exam):
    settings = EncoderSettings(model=str(bert), precision="fp16")
    assert start_runtime(settings).scaler().is_enabled()
    assert not start_runtime(replace(settings, precision="bf16")).scaler().is_enabled()
    with start_runtime(settings).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float16


def test_steps_whose_gradients_overflow_are_skipped_and_counted(bert, monkeypatch):
    """A scale that fp16 cannot hold: it is halved until steps are taken, and the rule is learned all the same."""
    monkeypatch.setattr(Runtime, "scaler", lambda self: torch.amp.GradScaler("cpu", init_scale=2.0**26))
    train, val = make_rule_exam(64), make_rule_exam(32, seed=1)
    changed = []
    step = Trainer._step

    def watched(self, *arguments):
        before = [parameter.detach().clone() for parameter in self.trained.values()]
        found = step(self, *arguments)
        after = self.trained.values()
        changed.append(any(not torch.equal(one, two) for one, two in zip(before, after, strict=True)))
        return found

    monkeypatch.setattr(Trainer, "_step", watched)
    baseline = EncoderBaseline(model=str(bert), epochs=6, precision="fp16", **QUICK).fit(train, val)
    report = baseline.report_
    assert report.skipped_steps == changed.count(False) > 2
    assert report.steps == len(changed) == 48
    assert f"{report.skipped_steps} of 48 steps skipped" in report.summary()
    assert accuracy(baseline, val) >= 0.6


def test_gradients_that_are_never_numbers_end_the_training(bert, monkeypatch):
    """The loss stays a number, since no step is taken: it is not skipped for ever."""
    monkeypatch.setattr(Runtime, "scaler", lambda self: torch.amp.GradScaler("cpu", init_scale=2.0**-4))
    build = Trainer.__init__

    def spoiled(self, *arguments, **named):
        build(self, *arguments, **named)
        next(iter(self.trained.values())).register_hook(lambda gradient: gradient * float("nan"))

    monkeypatch.setattr(Trainer, "__init__", spoiled)
    with pytest.raises(InputError, match="^the gradients have been NaN or infinite for many steps at step"):
        EncoderBaseline(model=str(bert), epochs=6, precision="fp16", **{**QUICK, "batch_size": 16}).fit(
            make_rule_exam(48)
        )


def test_tuning_trains_few_weights_and_leaves_the_rest(bert):
    from cmexam_baseline.encoders.optimization import apply_tuning, trained_parameters

    for tuning, expected in (("lora", "lora_"), ("prefix", "prefix.")):
        for head in ("pairwise", "joint"):
            settings = EncoderSettings(model=str(bert), tuning=tuning, head=head, prefix_length=4)
            scorer = build_scorer(bert, settings, np.zeros(MOST_OPTIONS))
            apply_tuning(scorer, settings)
            trained = trained_parameters(scorer)
            on_top = set(scorer.head_parameters())
            assert on_top <= set(trained)
            assert set(trained) - on_top
            assert all(expected in name for name in set(trained) - on_top)


def test_the_seed_alone_decides(bert, exam):
    some, settings = exam[:32], {**QUICK, "dropout": 0.1, "epochs": 3}

    def probabilities(seed: int) -> np.ndarray:
        return (
            EncoderBaseline(model=str(bert), random_state=seed, **settings)
            .fit(some)
            .predict(some)
            .option_scores
        )

    first = probabilities(1)
    torch.manual_seed(99)
    np.testing.assert_array_equal(probabilities(1), first)
    assert np.abs(probabilities(2) - first).max() > 1e-3


def test_how_a_step_is_cut_into_parts_does_not_matter(bert, exam):
    some = exam[:32]
    expected = EncoderBaseline(model=str(bert), epochs=3, **QUICK).fit(some).predict(some).option_scores
    changes = (
        {"min_micro_batches": 4},
        {"batch_tokens": 200},
        {"gradient_checkpointing": True},
        {"workers": 2},
    )
    for change in changes:
        baseline = EncoderBaseline(model=str(bert), epochs=3, **{**QUICK, **change}).fit(some)
        np.testing.assert_allclose(baseline.predict(some).option_scores, expected, atol=2e-4)


def test_early_stopping_keeps_the_best_weights(bert, exam):
    train, val = exam[:40], exam[40:]
    settings = {**QUICK, "epochs": 30, "patience": 2}
    baseline = EncoderBaseline(model=str(bert), **settings).fit(train, val)
    report = baseline.report_
    assert report.stopped_early
    assert report.steps < 30 * 5
    accuracies = [one.val_accuracy for one in report.evaluations]
    assert report.val_accuracy == max(accuracies)
    best = next(i for i, one in enumerate(report.evaluations) if one.step == report.best_step)
    assert len(accuracies) - 1 - best == 2
    # What predicts now are the weights of the best evaluation, not the last ones.
    scores = val_scores(baseline, val)
    bias = np.array(baseline.description_.decision.size_bias)
    answers = natural_answers("subset", scores, val.option_offsets, bias)
    assert float((answers == val.answers).mean()) == report.val_accuracy != accuracies[-1]


def val_scores(baseline, exam) -> np.ndarray:
    batches = baseline.fitted_.batches(exam)
    return score_all(baseline.scorer_, batches, start_runtime(baseline.settings), 1024)


def test_decoding_on_val_is_never_worse_than_the_best_option_alone(bert):
    exam = make_exam(48, seed=5, options=(5,), several=0.5)
    for loss in ("subset", "softmax"):
        baseline = EncoderBaseline(model=str(bert), epochs=2, loss=loss, **QUICK).fit(exam, exam)
        predictions = baseline.predict(exam)
        rows = predictions.option_scores.reshape(-1, 5)
        alone = float((1 << rows.argmax(1) == exam.answers).mean())
        assert accuracy(baseline, exam) >= alone


def test_questions_without_an_answer_are_left_out_and_counted(bert, exam):
    answers = exam.answers[:24].copy()
    answers[3:9] = 0
    some = replace(exam[:24], answers=answers)
    baseline = EncoderBaseline(model=str(bert), epochs=1, **QUICK).fit(some, some)
    assert baseline.report_.questions == 18
    assert baseline.report_.questions_without_answer == 6
    with pytest.raises(InputError, match="no training question has an answer"):
        EncoderBaseline(model=str(bert), epochs=1).fit(replace(some, answers=np.zeros(24, np.uint8)))


def test_a_tokenizer_that_knows_hardly_a_character_is_reported(bert, exam):
    report = EncoderBaseline(model=str(bert), epochs=1, **QUICK).fit(exam[:8]).report_
    assert report.unknown_share == 0 and "does not know" not in report.summary()
    partly = replace(exam[:8], questions=["骨骼肌萎缩症", *exam.questions[1:8]])
    told = EncoderBaseline(model=str(bert), epochs=1, **QUICK).fit(partly).report_.summary()
    assert re.search(r"the tokenizer does not know [1-9]\.\d% of the tokens", told)
    foreign = replace(exam[:8], questions=["骨骼肌萎缩症" * 3] * 8)
    with pytest.raises(InputError, match=r"\d\d% of the training tokens are unknown to the tokenizer"):
        EncoderBaseline(model=str(bert), epochs=1, **QUICK).fit(foreign)


def test_a_loss_that_is_no_number_stops_the_run(bert, exam):
    with pytest.raises(InputError, match="the loss became NaN or infinite at step .* lower `lr`"):
        EncoderBaseline(model=str(bert), epochs=20, **{**QUICK, "lr": 1e30, "max_grad_norm": 0.0}).fit(exam)


def test_progress_tells_loss_accuracy_rate_and_time_left(bert, exam, monkeypatch):
    monkeypatch.setattr("cmexam_baseline.encoders.training_report._SECONDS_BETWEEN", 0.0)
    told = []
    EncoderBaseline(model=str(bert), epochs=2, **QUICK).fit(
        exam, exam, progress=lambda stage, done, total: told.append((stage, done, total))
    )
    training = [(stage, done, total) for stage, done, total in told if stage == "training"]
    assert [done for _, done, _ in training] == list(range(1, 17))
    assert {total for _, _, total in training} == {16}
    last = training[-1][0]
    assert isinstance(last, DetailedStage)
    for word in ("loss ", "accuracy ", "val ", "questions/s", " left"):
        assert word in last.detail
    assert {str(stage) for stage, _, _ in told} >= {"training", "evaluating"}
    details = [stage.detail for stage, _, _ in told if stage == "evaluating" and hasattr(stage, "detail")]
    assert len(details) == 2
    assert all(re.fullmatch(r"val \d+\.\d%, loss \d\.\d{3}", detail) for detail in details)
    assert all(done <= total for _, done, total in told)


def test_the_report_counts_the_work(bert, exam):
    report = EncoderBaseline(model=str(bert), epochs=2, **QUICK).fit(exam, exam).report_
    assert report.steps == 16
    assert (report.questions, report.processes, report.precision) == (64, 1, "fp32")
    assert report.sequences_per_second == pytest.approx(
        report.questions_per_second * len(exam.option_texts) / 64
    )
    assert report.peak_memory_bytes > 0
    assert json.loads(json.dumps(report.to_dict()))["steps"] == 16


def test_curves_go_to_tensorboard(bert, exam, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings = {**QUICK, "epochs": 2, "report_to": "tensorboard", "checkpoints": tmp_path}
    baseline = EncoderBaseline(model=str(bert), **settings).fit(exam, exam)
    events = EventAccumulator(str(tmp_path / "logs" / "cmexam-baseline"))
    events.Reload()
    logged = [(event.step, event.value) for event in events.Scalars("val_accuracy")]
    expected = [(one.step, one.val_accuracy) for one in baseline.report_.evaluations]
    assert [step for step, _ in logged] == [step for step, _ in expected]
    assert [value for _, value in logged] == pytest.approx([value for _, value in expected])


def test_a_tracker_is_given_every_evaluation_and_ended(bert, exam, tmp_path, monkeypatch):
    """wandb would otherwise log the next seed into the run of this one."""
    import importlib.util

    from accelerate import PartialState, tracking
    from accelerate.logging import get_logger

    happened = []
    PartialState._reset_state()

    class Tracker:
        def __init__(self, name, **options):
            happened.append((name, options))

        def start(self):
            get_logger("tracker").debug("as wandb's does")  # an error where accelerate was not set up
            happened.append("started")

        def store_init_configuration(self, values):
            happened.append(values["epochs"])

        def log(self, numbers, step):
            happened.append((step, sorted(numbers)))

        def finish(self):
            happened.append("finished")

    monkeypatch.setitem(tracking.LOGGER_TYPE_TO_CLASS, "wandb", Tracker)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    EncoderBaseline(model=str(bert), **QUICK, epochs=2, report_to="wandb", checkpoints=tmp_path).fit(
        exam, exam
    )
    named = ["epoch", "train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert happened == [
        ("cmexam-baseline", {"dir": str(tmp_path / "logs")}), "started", "2", (8, named), (16, named), "finished",
    ]  # fmt: skip
    with pytest.raises(InputError, match="the loss became NaN"):
        EncoderBaseline(
            model=str(bert), **{**QUICK, "lr": 1e30, "max_grad_norm": 0.0}, report_to="wandb"
        ).fit(exam)
    assert happened[-1] == "finished"


@pytest.mark.parametrize(("name", "place"), [("swanlab", {"logdir": "logs"}), ("trackio", {})])
def test_curves_go_to_other_trackers_of_accelerate(name, place, bert, exam, tmp_path, monkeypatch):
    """accelerate's own trackers, and in place of the packages that they call one that writes the calls down."""
    happened = []
    package = types.ModuleType(name)
    package.__spec__ = importlib.machinery.ModuleSpec(name, None)
    package.config = type(
        "Config", (dict,), {"update": lambda self, values, **options: happened.append(len(values))}
    )()

    def init(**options):
        happened.append(options)
        log = lambda values, step: happened.append((step, values["val_accuracy"]))  # noqa: E731
        return types.SimpleNamespace(log=log, finish=lambda: happened.append("finished"))

    package.init = init
    monkeypatch.setitem(sys.modules, name, package)
    settings = {**QUICK, "epochs": 2, "report_to": name, "checkpoints": tmp_path}
    report = EncoderBaseline(model=str(bert), **settings).fit(exam, exam).report_
    assert happened[0] == {
        "project": "cmexam-baseline", **{option: str(tmp_path / value) for option, value in place.items()}
    }  # fmt: skip
    assert happened[2:-1] == [(one.step, one.val_accuracy) for one in report.evaluations]
    assert happened[-1] == "finished"


def test_a_missing_tracker_is_named_with_what_to_install(bert, exam, monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match='`report_to="wandb"` needs wandb; run pip install wandb'):
        EncoderBaseline(model=str(bert), report_to="wandb").fit(exam)


def test_every_parameter_has_its_learning_rate_and_decay(bert):
    settings = EncoderSettings(model=str(bert), lr=1e-3, head_lr=5e-3, weight_decay=0.1)
    scorer = build_scorer(bert, settings, np.zeros(MOST_OPTIONS))
    names = {id(parameter): name for name, parameter in scorer.named_parameters()}
    peaks, decays = {}, {}
    for group in parameter_groups(scorer, settings):
        for parameter in group["params"]:
            peaks[names[id(parameter)]] = group["peak"]
            decays[names[id(parameter)]] = group["weight_decay"]
    assert set(peaks) == set(names.values())
    assert peaks["model.classifier.weight"] == peaks["model.bert.pooler.dense.weight"] == 5e-3
    assert peaks["model.bert.encoder.layer.1.attention.self.query.weight"] == 1e-3
    assert peaks["model.bert.embeddings.word_embeddings.weight"] == 1e-3
    assert peaks["size_bias"] == SIZE_BIAS_LR
    assert decays["model.classifier.weight"] == 0.1
    assert decays["model.classifier.bias"] == decays["model.bert.embeddings.LayerNorm.weight"] == 0


@pytest.mark.parametrize(("head", "rate"), [("pairwise", 5e-5), ("joint", 1e-3)])
def test_a_head_that_is_all_new_learns_faster(head, rate, bert):
    settings = EncoderSettings(model=str(bert), head=head, lr=5e-5)
    scorer = build_scorer(bert, settings, np.zeros(MOST_OPTIONS))
    head_parameters = {id(p) for name, p in scorer.head_parameters().items() if name != "size_bias"}
    peaks = {group["peak"] for group in parameter_groups(scorer, settings) for p in group["params"]
             if id(p) in head_parameters}  # fmt: skip
    assert peaks == {rate}


def test_schedules_warm_up_and_decay():
    for schedule, middle in (("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)):
        factors = [schedule_factor(schedule, step, 110, 10 / 110) for step in range(110)]
        assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
        assert factors[60] == pytest.approx(middle)
        assert all(a >= b for a, b in zip(factors[9:], factors[10:], strict=False))
    assert schedule_factor("linear", 0, 5, 0.0) == 1.0
    assert math.isclose(schedule_factor("cosine", 109, 110, 0.0), 0.0, abs_tol=1e-3)


def test_seeds_name_places_in_a_run():
    draws = []
    for place in ((0, 1, 2), (0, 1, 2), (0, 2, 1), (0, 12)):
        seed_everything(*place)
        draws.append(torch.rand(1).item())
    assert draws[0] == draws[1]
    assert len(set(draws)) == 3


def test_dropout_is_set_everywhere(bert):
    assert load_config(bert).hidden_dropout_prob == 0.1
    for head in ("pairwise", "joint"):
        scorer = build_scorer(bert, EncoderSettings(head=head, dropout=0.37), np.zeros(MOST_OPTIONS))
        rates = {module.p for module in scorer.modules() if isinstance(module, torch.nn.Dropout)}
        assert rates == {0.37}


def test_an_epoch_has_every_question_once_with_others_of_its_length():
    lengths = np.random.default_rng(0).integers(8, 200, 1000)
    steps = plan_epoch(lengths, np.arange(1000), 16, random_state=1, epoch=0)
    assert sorted(np.concatenate(steps)) == list(range(1000))
    assert {len(step) for step in steps} == {15, 16}
    assert len(steps) == 63
    spread = np.mean([lengths[step].max() - lengths[step].min() for step in steps])
    assert spread < 20  # of 192 over all questions
    assert not np.array_equal(
        np.concatenate(plan_epoch(lengths, np.arange(1000), 16, 1, 1)), np.concatenate(steps)
    )
