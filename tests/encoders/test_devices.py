"""Decisions for GPUs that are not here, from made-up facts."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch

from cmexam_baseline.encoders import EncoderBaseline, runtime
from cmexam_baseline.encoders.batches import Batch, Batches
from cmexam_baseline.encoders.devices import (
    DeviceFacts,
    check_kernels,
    choose_precision,
    device_facts,
    is_main_process,
)
from cmexam_baseline.encoders.runtime import Runtime, peak_memory, start_runtime
from cmexam_baseline.encoders.settings import EncoderSettings
from cmexam_baseline.exam.errors import InputError

V100 = DeviceFacts(
    "cuda", "Tesla V100-SXM2-16GB", (7, 0), ("sm_50", "sm_70", "sm_80"), 16 << 30, "2.11.0+cu126"
)


def test_precision_by_capability():
    assert choose_precision(DeviceFacts("cpu")) == "fp32"
    assert choose_precision(V100) == "fp16"
    for capability in ((7, 5), (6, 1)):
        assert choose_precision(DeviceFacts("cuda", "GPU", capability)) == "fp16"
    for capability in ((8, 0), (8, 6), (9, 0), (12, 0)):
        assert choose_precision(DeviceFacts("cuda", "GPU", capability)) == "bf16"
    assert choose_precision(V100, "fp32") == "fp32"
    with pytest.raises(InputError, match='has no bf16 in hardware; use `precision="fp16"`'):
        choose_precision(V100, "bf16")


@pytest.mark.parametrize(
    ("capability", "kernels", "runs"),
    [
        ((7, 0), ("sm_50", "sm_70"), True),
        ((7, 0), ("sm_75", "sm_80", "sm_90", "sm_100", "sm_120", "compute_120"), False),
        ((7, 5), ("sm_70",), True),
        ((7, 0), ("sm_60",), False),
        ((8, 6), ("sm_80",), True),
        ((8, 0), ("sm_86",), False),
        ((9, 0), ("sm_80", "compute_80"), True),
        ((12, 0), ("sm_120",), True),
        ((10, 3), ("sm_100",), True),
        ((9, 0), ("sm_90a",), True),
        ((10, 0), ("sm_90a",), False),
        ((9, 0), (), True),
    ],
)
def test_a_gpu_without_kernels_is_reported(capability, kernels, runs):
    facts = DeviceFacts("cuda", "GPU", capability, kernels, torch_version="2.13.0+cu130")
    if runs:
        check_kernels(facts)
        return
    with pytest.raises(InputError) as caught:
        check_kernels(facts)
    assert "GPU has compute capability" in str(caught.value)
    assert "pip install" in str(caught.value)


def test_volta_is_told_of_the_last_wheels_that_carry_it():
    facts = DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_75", "sm_80"), torch_version="2.13.0+cu130")
    with pytest.raises(InputError, match="https://download.pytorch.org/whl/cu126"):
        check_kernels(facts)
    new = DeviceFacts("cuda", "new GPU", (13, 0), ("sm_75", "sm_80"), torch_version="2.13.0+cu130")
    with pytest.raises(InputError, match="run pip install --upgrade torch"):
        check_kernels(new)


def test_facts_come_from_torch(monkeypatch):
    class Properties:
        name, major, minor, total_memory = "Tesla V100", 7, 0, 16 << 30

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Properties)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_70"])
    facts = device_facts()
    assert (facts.kind, facts.name, facts.capability, facts.kernels) == (
        "cuda",
        "Tesla V100",
        (7, 0),
        ("sm_70",),
    )
    assert device_facts("cpu").kind == "cpu"


def test_a_wanted_gpu_that_is_missing(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match='sees no GPU; check nvidia-smi, or use `device="cpu"`'):
        device_facts("cuda")


def test_a_gpu_without_kernels_stops_training_before_anything_is_loaded(monkeypatch, exam):
    facts = DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_80",), torch_version="2.13.0")
    monkeypatch.setattr(runtime, "device_facts", lambda wanted: facts)
    with pytest.raises(InputError, match="Tesla V100 has compute capability 7.0"):
        EncoderBaseline(model="no/such/model").fit(exam)


def test_batches_for_a_gpu_are_pinned_and_made_beside(monkeypatch):
    batches = Batches.__new__(Batches)
    loader = batches.load([np.arange(2)] * 5, torch.device("cuda"), workers=2)
    assert (loader.pin_memory, loader.num_workers) == (True, 2)
    loader = batches.load([np.arange(2)], torch.device("cpu"), workers=2)
    assert (loader.pin_memory, loader.num_workers) == (False, 1)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self + 100)
    names = [one.name for one in fields(Batch)]
    pinned = Batch(**{name: torch.tensor([i]) for i, name in enumerate(names)}).pin_memory()
    assert [int(getattr(pinned, name)) for name in names] == [100 + i for i in range(len(names))]


def test_the_gpu_with_the_least_memory_decides_for_all(bert, exam, monkeypatch):
    monkeypatch.setattr(Runtime, "gather", lambda self, number: [number, min(number, 320)])
    assert EncoderBaseline(model=str(bert), epochs=1).fit(exam[:8]).report_.batch_tokens == 320


def test_peak_memory_of_a_gpu_begins_after_what_was_tried(monkeypatch):
    began = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", began.append)
    peak_memory(torch.device("cpu"), reset=True)
    peak_memory(torch.device("cuda"), reset=True)
    assert began == [torch.device("cuda")]


@pytest.mark.filterwarnings("ignore:CUDA is not available")  # the device is a fake
def test_every_model_has_the_device_that_was_wanted_for_it(monkeypatch):
    """accelerate alone would keep the device of the first one for the life of the process."""
    facts = DeviceFacts("cuda", "Tesla V100", (7, 0), ("sm_70",))
    monkeypatch.setattr(
        runtime, "device_facts", lambda wanted: DeviceFacts("cpu") if wanted == "cpu" else facts
    )
    for wanted, kind, precision in (("cpu", "cpu", "fp32"), ("auto", "cuda", "fp16"), ("cpu", "cpu", "fp32")):
        started = start_runtime(EncoderSettings(device=wanted))
        assert (started.device.type, started.precision) == (kind, precision)
        assert started.autocast().fast_dtype == (torch.float16 if kind == "cuda" else torch.bfloat16)


def test_the_first_process_is_the_main_one(monkeypatch):
    assert is_main_process()
    monkeypatch.setenv("RANK", "1")
    assert not is_main_process()


def test_peak_memory_on_a_cpu_is_the_processs():
    assert peak_memory(torch.device("cpu")) > 50 << 20
