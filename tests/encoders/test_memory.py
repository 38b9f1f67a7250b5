"""Memory that runs out in training and prediction; a CPU plays a GPU that holds a limited number of tokens."""

from __future__ import annotations

import tracemalloc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_encoders import make_exam

from cmexam_baseline.baselines.out_of_fold import FoldCache, out_of_fold_scores
from cmexam_baseline.encoders import EncoderBaseline, scoring, training
from cmexam_baseline.encoders.batches import Batches, plan_epoch
from cmexam_baseline.encoders.optimization import first_batch_tokens, max_tokens_per_step
from cmexam_baseline.encoders.runtime import Runtime, is_out_of_memory
from cmexam_baseline.encoders.scoring import run_scorer
from cmexam_baseline.encoders.sequences import Sequences
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.exam.errors import InputError

QUICK = {"lr": 3e-3, "batch_size": 8, "dropout": 0.0, "epochs": 2}


class SmallGpu:
    """Runs batches of at most `holds` padded tokens, and remembers the sizes that it was given."""

    def __init__(self, holds: int) -> None:
        self.holds, self.sizes = holds, []

    def __call__(self, scorer, batch, runtime):
        self.sizes.append(batch.input_ids.numel())
        if self.sizes[-1] > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has ...")
        return run_scorer(scorer, batch, runtime)


def test_training_halves_what_does_not_fit_and_repeats_the_step(bert, exam, monkeypatch):
    """The gradients of a repeated step are those of the step that would have fitted."""
    some = exam[:24]
    expected = EncoderBaseline(str(bert), **QUICK, batch_tokens=512).fit(some)
    gpu = SmallGpu(holds=600)
    monkeypatch.setattr(training, "run_scorer", gpu)
    found = EncoderBaseline(str(bert), **QUICK, batch_tokens=4096).fit(some)
    assert gpu.sizes[0] > 600
    assert (found.report_.batch_tokens, found.report_.halvings) == (512, 3)
    assert found.report_.steps == expected.report_.steps
    assert "memory ran out, so that batch_tokens became 512" in found.report_.summary()
    np.testing.assert_allclose(
        found.predict(some).option_scores, expected.predict(some).option_scores, atol=2e-4
    )
    losses = [[one.train_loss for one in run.report_.evaluations] for run in (found, expected)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_where_one_question_does_not_fit_the_steps_before_are_saved(bert, exam, tmp_path, monkeypatch):
    """In the first epoch, where nothing else has written a checkpoint yet."""
    some = exam[:32]
    expected = EncoderBaseline(str(bert), **QUICK).fit(some)
    step = training.Trainer._step

    def ends_at_the_third(self, *given):
        if self.state.step == 2:
            raise training._OutOfMemory
        return step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(training.Trainer, "_step", ends_at_the_third)
        with pytest.raises(InputError) as caught:
            EncoderBaseline(str(bert), **QUICK, checkpoints=tmp_path).fit(some)
    assert str(caught.value) == (
        "the memory of this machine does not suffice for 64 tokens per micro-batch; set"
        " `gradient_checkpointing=True`, end what else uses it, or take a smaller model; step 2 is saved, from"
        " which the same command goes on"
    )
    steps = []
    monkeypatch.setattr(
        training.Trainer, "_step", lambda self, *given: steps.append(self.state.step) or step(self, *given)
    )
    resumed = EncoderBaseline(str(bert), **QUICK, checkpoints=tmp_path, gradient_checkpointing=True).fit(some)
    assert steps == list(range(2, 8))
    np.testing.assert_allclose(
        resumed.predict(some).option_scores, expected.predict(some).option_scores, atol=2e-4
    )
    assert resumed.report_.evaluations[0].train_loss == pytest.approx(
        expected.report_.evaluations[0].train_loss, abs=1e-4
    )


def test_an_optimizer_without_memory_is_one_line(bert, exam, monkeypatch):
    def no_memory(*given):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(torch.optim.AdamW, "step", no_memory)
    with pytest.raises(InputError, match='does not suffice for AdamW\'s state, .* use `tuning="lora"`'):
        EncoderBaseline(str(bert), **QUICK).fit(exam[:8])


def test_a_killed_process_that_makes_batches_is_one_line(bert, exam, monkeypatch):
    def load(*given):
        raise RuntimeError(
            "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that ..."
        )
        yield

    monkeypatch.setattr(Batches, "load", load)
    with pytest.raises(InputError, match="want of shared memory; use `workers=0`"):
        EncoderBaseline(str(bert), **QUICK).fit(exam[:8])


def test_prediction_takes_fewer_tokens_where_memory_runs_out(bert, exam, monkeypatch):
    baseline = EncoderBaseline(str(bert), epochs=1).fit(exam[:8])
    expected = baseline.predict(exam).option_scores
    gpu = SmallGpu(holds=400)
    monkeypatch.setattr(scoring, "_FEWEST_TOKENS", 300)
    monkeypatch.setattr(scoring, "run_scorer", gpu)
    np.testing.assert_allclose(baseline.predict(exam).option_scores, expected, atol=1e-6)
    assert max(gpu.sizes) > 400 >= gpu.sizes[-1]
    assert not baseline.scorer_.training
    monkeypatch.setattr(scoring, "_FEWEST_TOKENS", 2048)
    with pytest.raises(InputError, match="the memory of this machine does not suffice for 1024 tokens per"):
        baseline.predict(exam)


def test_training_leaves_no_gradients_and_folds_no_models(bert, exam):
    baseline = EncoderBaseline(str(bert), epochs=1).fit(exam[:8])
    assert all(parameter.grad is None for parameter in baseline.scorer_.parameters())
    models, alive = [], []

    class Model:
        def predict(self, some, progress):
            return SimpleNamespace(option_scores=np.zeros(len(some.option_texts)))

    def train(some, progress, folder):
        alive.append([one() for one in models if one() is not None])
        model = Model()
        models.append(weakref.ref(model))
        return model

    out_of_fold_scores(exam, np.arange(len(exam)) % 3, train, FoldCache(None, ""), lambda *progress: None)
    assert alive == [[], [], []]


def many_sequences(n: int) -> Batches:
    lengths = np.full(n, 20)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    sequences = Sequences(
        ids=np.zeros(20 * n, np.int32), segments=np.tile(np.repeat([0, 1], 10), n).astype(np.int16),
        positions=None, offsets=offsets, firsts=np.arange(n + 1), sequence_of=np.arange(n),
        option_offsets=np.arange(n + 1), truncation=None,
    )  # fmt: skip
    return Batches(sequences, Template((2,), (3,), (3,), pad=0, marker=4, second_type=1))


def test_a_batch_costs_what_it_has_and_not_what_the_exam_has():
    batches = many_sequences(50_000)
    tracemalloc.start()
    try:
        for _ in range(3):
            (questions,) = batches.split(np.arange(16), 10**6)
            batches.make(questions)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000  # an index of all tokens alone would be 8 MB


def test_no_step_exceeds_the_tokens_of_the_largest(exam):
    batches = many_sequences(50)
    most = max_tokens_per_step(batches, 16)
    for step in plan_epoch(batches.lengths, np.arange(50), 16, 0, 0):
        (group,) = batches.split(step, 10**9)
        assert batches.make(group).input_ids.size <= most


def test_the_first_size_is_estimated_from_free_memory(bert, exam, monkeypatch):
    from cmexam_baseline.encoders.baseline import untrained_model
    from cmexam_baseline.encoders.runtime import start_runtime

    settings = EncoderSettings(str(bert))
    model = untrained_model(settings, start_runtime(settings), bert, exam)
    train, cuda = model.batches(exam), Runtime(torch.device("cuda"), "fp16")

    def estimate(
        gigabytes: float, kept: float = 0, used: float = 0, fraction: float = 1, **changes: object
    ) -> int:
        figures = {
            "mem_get_info": (int(gigabytes * 1e9), int(20e9)), "memory_reserved": int(kept * 1e9),
            "memory_allocated": int(used * 1e9), "get_per_process_memory_fraction": fraction,
        }  # fmt: skip
        for name, figure in figures.items():
            monkeypatch.setattr(torch.cuda, name, lambda device, figure=figure: figure, raising=False)
        return first_batch_tokens(EncoderSettings(str(bert), **changes), model.scorer, train, cuda)

    assert estimate(0.0001) == 512
    # What torch keeps from a model before, as that of another fold or seed, is free for this one.
    assert estimate(0.004, kept=0.003, used=0.001) == estimate(0.006)
    assert estimate(16, kept=0.001, used=0.001, fraction=0.007 / 20) == estimate(0.006)
    assert 512 < estimate(0.006) < estimate(0.006, gradient_checkpointing=True)
    assert estimate(16) == max_tokens_per_step(train, 16)
    assert estimate(16, batch_tokens=777) == 777


def test_what_counts_as_memory_that_ran_out():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(caught.value)
    assert is_out_of_memory(
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)")
    )
    assert not is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_checkpoints_are_as_rare_as_wanted_and_keep_the_best_weights(bert, tmp_path, monkeypatch):
    from cmexam_baseline.encoders.checkpoints import Checkpoints

    exam, saved = make_exam(40, options=(5, 4)), []
    save = Checkpoints.save
    monkeypatch.setattr(
        Checkpoints, "save", lambda self, step, *rest: saved.append(step) or save(self, step, *rest)
    )
    settings = {**QUICK, "epochs": 3, "evaluate_every": 1, "checkpoint_every": 4, "patience": 0}
    baseline = EncoderBaseline(str(bert), **settings, checkpoints=tmp_path).fit(exam[:32], exam[32:])
    assert saved == [4, 8, 12]
    assert len(baseline.report_.evaluations) == 12


def test_the_disk_never_holds_more_than_two_checkpoints(tmp_path, monkeypatch):
    from cmexam_baseline.encoders import checkpoints as module

    seen = []
    write = module.write_manifest

    def watched(folder, *description, **values):
        seen.append(sorted(one.name.lstrip(".")[:4] for one in tmp_path.iterdir()))
        write(folder, *description, **values)

    monkeypatch.setattr(module, "write_manifest", watched)
    one = module.Checkpoints(tmp_path, "run")
    for step in range(1, 6):
        one.save(step, {"w": torch.ones(2)}, {"step": step}, (step, {"w": torch.ones(2)}))
    assert max(names.count("step") for names in seen) == 2
    assert max(names.count("best") for names in seen) == 2


def test_an_error_of_the_background_writer_is_not_lost(tmp_path):
    from cmexam_baseline.encoders.checkpoints import Checkpoints

    (tmp_path / "file").write_text("")
    one = Checkpoints(tmp_path / "file", "run")
    one.save_in_background(1, {"w": torch.ones(2)}, {"step": 1})
    with pytest.raises(InputError, match="cannot be made"):
        one.wait()
    one.wait()
