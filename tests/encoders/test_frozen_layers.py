"""Frozen lower layers: a cache of their output changes the time of training and nothing else."""

from __future__ import annotations

import errno
import os
import pickle
import re
import time
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_encoders import make_encoder, make_rule_exam

from cmexam_baseline.encoders import EncoderBaseline, EncoderSettings, frozen_layers
from cmexam_baseline.encoders.baseline import untrained_model
from cmexam_baseline.encoders.batches import Batches, StatesFile
from cmexam_baseline.encoders.frozen_layers import LowerLayers, cache_states
from cmexam_baseline.encoders.runtime import start_runtime
from cmexam_baseline.encoders.sequences import Sequences, Truncation
from cmexam_baseline.encoders.tokens import Template
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import locked

QUICK = {"lr": 5e-3, "batch_size": 8, "epochs": 2, "freeze_layers": 1, "batch_tokens": 512}
WAYS = [
    {"head": "pairwise"},
    {"head": "joint"},
    {"head": "joint", "tuning": "lora", "gradient_checkpointing": True},
    {"head": "pairwise", "pooling": "mean", "freeze_layers": 2},
    {"head": "joint", "evidence": 1, "precision": "bf16"},
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hidden"


@pytest.fixture(scope="module")
def exams():
    return make_rule_exam(40), make_rule_exam(16, seed=1)


def sentences(exam, progress):
    return [["病人甲", text] for text in exam.option_texts]


def train(bert, exams, **settings):
    if settings.get("evidence"):
        settings["find_evidence"] = sentences
    return EncoderBaseline(str(bert), **{**QUICK, **settings}).fit(*exams)


def assert_same(first, second, exam):
    for one, other in zip(first.report_.evaluations, second.report_.evaluations, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, abs=1e-3)
        assert one.val_loss == pytest.approx(other.val_loss, abs=1e-3)
    np.testing.assert_allclose(
        first.predict(exam).option_scores, second.predict(exam).option_scores, atol=2e-3
    )


@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_the_cache_changes_no_figure(settings, bert, exams, cache):
    told = []
    with_cache = train(bert, exams, **settings)
    assert len(list(cache.glob("*.f16"))) == 2
    assert with_cache.report_.cache_bytes == sum(path.stat().st_size for path in cache.iterdir()) > 0
    EncoderBaseline(str(bert), **{**QUICK, **settings}, find_evidence=sentences if "evidence" in settings else None
                    ).fit(*exams, progress=lambda stage, *rest: told.append(getattr(stage, "detail", "")))  # fmt: skip
    assert any("GB in" in detail for detail in told)
    without = train(bert, exams, **settings, cache_gigabytes=0)
    assert without.report_.cache_bytes == 0
    assert_same(with_cache, without, exams[1])


def test_frozen_weights_stay_and_the_others_do_not(bert, exams, cache):
    from transformers import AutoModel

    trained = dict(train(bert, exams).scorer_.encoder.named_parameters())
    for name, before in AutoModel.from_pretrained(bert).named_parameters():
        above = "layer.1." in name or "pooler" in name
        assert torch.equal(trained[name], before) == (not above), name


def test_a_saved_model_predicts_the_same_and_exports(bert, exams, cache, tmp_path):
    from cmexam_baseline.encoders import OnnxEncoder, export_onnx

    baseline = train(bert, exams, head="joint")
    before = baseline.predict(exams[0]).option_scores
    baseline.save(tmp_path / "model")
    loaded = EncoderBaseline.load(tmp_path / "model")
    np.testing.assert_allclose(loaded.predict(exams[0]).option_scores, before, atol=1e-4)
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    export_onnx(loaded, tmp_path / "onnx")
    exported = OnnxEncoder.load(tmp_path / "onnx").predict(exams[0]).option_scores
    np.testing.assert_allclose(exported, before, atol=1e-3)


class Killed(Exception):
    """Ends a run early."""


def test_an_interrupted_cache_is_resumed(bert, exams, cache, monkeypatch):
    """The groups of questions that were finished are not computed again."""
    whole = train(bert, exams, batch_tokens=512)
    for path in cache.iterdir():
        path.unlink()
    monkeypatch.setattr(frozen_layers, "_GROUPS_PER_FLUSH", 1)
    monkeypatch.setattr("cmexam_baseline.encoders.runtime.CPU_TOKENS", 512)
    compute, computed = frozen_layers._states_of, []

    def dies_at_the_fourth(scorer, batch, runtime):
        if len(computed) == 3:
            raise Killed
        computed.append(len(batch.questions))
        return compute(scorer, batch, runtime)

    with monkeypatch.context() as patch:
        patch.setattr(frozen_layers, "_states_of", dies_at_the_fourth)
        with pytest.raises(Killed):
            train(bert, exams)
    monkeypatch.setattr(
        frozen_layers,
        "_states_of",
        lambda scorer, batch, runtime: (
            computed.append(len(batch.questions)) or compute(scorer, batch, runtime)
        ),
    )
    resumed = train(bert, exams)
    assert sum(computed) == len(exams[0]) + len(exams[1])
    assert [path.suffix for path in cache.iterdir()] == [".f16", ".f16"]
    assert_same(resumed, whole, exams[1])


def test_a_run_from_the_cache_resumes_from_its_checkpoints(bert, exams, cache, tmp_path):
    whole = train(bert, exams, dropout=0.1)

    def stop(step):
        if step.step == 7:
            raise Killed

    with pytest.raises(Killed):
        train(bert, exams, dropout=0.1, checkpoints=tmp_path / "run", on_step=stop)
    steps = []
    resumed = train(
        bert, exams, dropout=0.1, checkpoints=tmp_path / "run", on_step=lambda step: steps.append(step.step)
    )
    assert steps == list(range(6, 11))
    assert resumed.report_.evaluations == whole.report_.evaluations


def test_two_runs_that_need_the_same_cache_compute_it_once(bert, exams, cache, monkeypatch):
    """As folds that are trained side by side do with val."""
    monkeypatch.setattr(frozen_layers, "_SECONDS_TO_WAIT", 0.05)
    compute, calls, found = frozen_layers._compute, [], {}

    def slow(scorer, batches, *rest):
        calls.append(len(batches))
        time.sleep(0.3)
        compute(scorer, batches, *rest)

    monkeypatch.setattr(frozen_layers, "_compute", slow)
    settings = EncoderSettings(str(bert), freeze_layers=1)
    runtime = start_runtime(settings)
    models = [untrained_model(settings, runtime, bert, exams[0]) for _ in range(2)]
    batches = [model.batches(exams[0]) for model in models]

    def fill(n: int) -> None:
        found[n] = cache_states(models[n].scorer, batches[n], runtime, 512, 10**9, "weights")

    runs = [Thread(target=fill, args=(n,)) for n in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert calls == [40]
    assert found[0] == found[1] > 0
    np.testing.assert_array_equal(batches[0].states.array, batches[1].states.array)


def test_a_file_that_another_run_writes_is_never_emptied(tmp_path):
    partial = tmp_path / "states.partial"
    partial.write_bytes(b"written")
    assert frozen_layers._started(tmp_path / "states.f16", (4, 8)) == partial
    assert partial.read_bytes() == b"written".ljust(64, b"\0")


def cached(bert, exam, max_bytes=10**9):
    """The size of the exam's cache, and what was told."""
    settings = EncoderSettings(str(bert), freeze_layers=1)
    runtime, told = start_runtime(settings), []
    model = untrained_model(settings, runtime, bert, exam)
    batches = model.batches(exam)
    size = cache_states(
        model.scorer, batches, runtime, 512, max_bytes, "weights",
        progress=lambda stage, *rest: told.append(getattr(stage, "detail", "")),
    )  # fmt: skip
    assert (size > 0) == (batches.states is not None)
    return size, told[-1]


def test_where_the_cache_cannot_be_written_it_is_computed_at_every_step(bert, exams, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CMEXAM_BASELINE_CACHE", str(tmp_path / "file"))
    size, told = cached(bert, exams[0])
    assert size == 0
    assert re.fullmatch(r"not cached: .*/file/hidden cannot be written \(Not a directory\)", told)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="macOS")
def test_a_full_disk_is_noticed_before_memory_is_mapped_to_it(bert, exams, cache, monkeypatch):
    """Writing there would end in SIGBUS."""

    def full(descriptor, begin, length):
        os.ftruncate(descriptor, length // 2)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        size, told = cached(bert, exams[0])
    assert size == 0 and told.endswith("cannot be written (No space left on device)")
    assert not list(cache.iterdir())

    def unsupported(descriptor, begin, length):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    assert cached(bert, exams[0])[0] > 0


def test_the_space_that_an_interrupted_cache_has_is_not_asked_for_again(bert, exams, cache, monkeypatch):
    size, _ = cached(bert, exams[0])
    (whole,) = cache.iterdir()
    whole.rename(whole.with_suffix(".partial"))
    free = SimpleNamespace(free=(1 << 30) + size // 2)
    monkeypatch.setattr(frozen_layers.shutil, "disk_usage", lambda place: free)
    assert cached(bert, exams[0])[0] == size
    whole.unlink()
    assert cached(bert, exams[0]) == (0, "not cached: 0.0 GB needed, the disk has less")


def test_the_cache_that_another_run_is_writing_stays(bert, exams, cache):
    cache.mkdir(parents=True)
    other = cache / "other.partial"
    other.write_bytes(b"0" * 10**6)
    with locked(other, "wait"):
        size, told = cached(bert, exams[0], max_bytes=10**6)
        assert size == 0 and "other runs are writing the rest" in told and other.exists()
    assert cached(bert, exams[0], max_bytes=10**6)[0] > 0 and not other.exists()


def test_what_exceeds_the_disk_space_is_computed_at_every_step(bert, exams, cache, monkeypatch):
    told = []
    baseline = EncoderBaseline(str(bert), **QUICK, cache_gigabytes=1e-5).fit(
        *exams, progress=lambda stage, *rest: told.append(getattr(stage, "detail", ""))
    )
    assert baseline.report_.cache_bytes == 0
    assert any(detail.startswith("not cached: ") for detail in told)


def test_old_caches_go_when_there_is_no_space_for_new_ones(bert, exams, cache):
    first = train(bert, exams)
    size = first.report_.cache_bytes
    old = set(cache.iterdir())
    train(bert, exams, head="joint", cache_gigabytes=1.1 * size / 1e9)
    assert not old <= set(cache.iterdir())
    assert sum(path.stat().st_size for path in cache.iterdir()) <= 1.1 * size


def test_too_many_layers_and_shared_ones_are_refused(bert, exams, tmp_path):
    with pytest.raises(InputError, match="freeze_layers is 3, but the encoder has 2 layers"):
        train(bert, exams, freeze_layers=3)
    albert = make_encoder(tmp_path / "albert", "albert", embedding_size=16)
    with pytest.raises(
        InputError, match="the layers of a albert model cannot be frozen; use `freeze_layers=0`"
    ):
        train(albert, exams)


@pytest.mark.parametrize("kind", ["roberta", "electra", "deberta-v2", "modernbert"])
def test_other_encoders_freeze_too(kind, tmp_path):
    from transformers import AutoModel

    folder = make_encoder(tmp_path / kind, kind)
    encoder = AutoModel.from_pretrained(folder).eval()
    ids = torch.arange(5, 25).reshape(2, 10)
    with torch.no_grad():
        expected = encoder(input_ids=ids).last_hidden_state
        lower = LowerLayers(encoder, 1)
        computed = encoder(input_ids=ids).last_hidden_state
        lower.capture = True
        with pytest.raises(frozen_layers.Captured) as caught:
            encoder(input_ids=ids)
        lower.states = caught.value.args[0]
        from_states = encoder(input_ids=ids).last_hidden_state
    torch.testing.assert_close(computed, expected, atol=5e-3, rtol=0)
    assert torch.equal(from_states, computed)


def test_worker_processes_get_the_file_of_the_cache_and_not_its_content(tmp_path):
    sequences = Sequences(
        ids=np.zeros(1000, np.int32), segments=np.zeros(1000, np.int16), positions=None,
        offsets=np.arange(51) * 20, firsts=np.arange(51), sequence_of=np.arange(50),
        option_offsets=np.arange(51), truncation=Truncation(),
    )  # fmt: skip
    batches = Batches(sequences, Template((2,), (3,), (3,), pad=0, marker=4, second_type=1))
    states = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float16)
    states.tofile(tmp_path / "states.f16")
    batches.states = StatesFile(tmp_path / "states.f16", states.shape)
    stored = pickle.dumps(batches)
    assert len(stored) < len(pickle.dumps(batches.sequences)) + 2000
    np.testing.assert_array_equal(pickle.loads(stored).make(np.array([3])).states[0, :20], states[60:80])
