"""benchmarks/gpu.py with sizes for a CPU: every part runs and leaves its rows."""

from __future__ import annotations

import importlib.util
import json
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_encoders import characters_of, make_encoder
from tiny_exam import tiny_exam

from cmexam_baseline.encoders import training
from cmexam_baseline.encoders.devices import DeviceFacts
from cmexam_baseline.encoders.scoring import run_scorer
from cmexam_baseline.exam.io.formats import write_exam

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("gpu", BENCHMARKS / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu", module)
    spec.loader.exec_module(module)
    return module


def test_every_part_runs_and_what_was_measured_is_kept(gpu, tmp_path, monkeypatch, capsys):
    exam, data = tiny_exam(), tmp_path / "data"
    data.mkdir()
    write_exam(exam[:48], data / "train.csv")
    write_exam(tiny_exam(seed=1)[:16], data / "val.csv")
    model = make_encoder(tmp_path / "model", characters=characters_of(exam))
    command = ["--out", str(tmp_path / "out"), "--model", str(model), "--data", str(data), "--tiny"]
    gpu.main([*command, "--minutes", "5"])
    results = json.loads((tmp_path / "out" / "gpu.json").read_text("utf-8"))["results"]
    assert list(results) == list(gpu.PARTS)
    rows = [row for part in results.values() for row in part]
    assert not [row for row in rows if "failed" in row or "ended" in row]
    assert {row["precision"] for row in results["precision"]} == {"fp32", "fp16", "bf16"}
    for head in gpu.HEADS:
        first = {row["precision"]: row["first loss"] for row in results["precision"] if row["head"] == head}
        assert first["fp16"] == pytest.approx(first["fp32"], abs=0.05)
        assert first["bf16"] == pytest.approx(first["fp32"], abs=0.05)
    assert {row["checkpointing"] for row in results["memory"]} == {True, False}
    assert {row["loop"] for row in results["speed"]} == {*gpu.HEADS, *gpu.PLAIN}
    assert {row["evidence"] for row in results["learning"] if "val accuracy" in row} == {0, 1}
    assert [row["run"] for row in results["learning"] if "run" in row] == ["whole", "whole"]
    chosen = {row["mask"]: row["runs"] for row in results["attention"] if row["kernel"] == "chosen here"}
    assert set(chosen) == {True, False} and set(chosen.values()) <= set(
        torch.nn.attention.SDPBackend.__members__
    )
    assert results["recovery"][-1]["largest difference of losses"] == 0
    table = (tmp_path / "out" / "gpu.md").read_text("utf-8")
    assert all(f"## {part}" in table for part in gpu.PARTS)

    monkeypatch.setitem(gpu.PARTS, "memory", lambda bench: iter([{"row": 1}, *[1 / 0 for _ in "a"]]))
    gpu.main([*command, "--minutes", "5", "--parts", "memory", "attention"])
    results = json.loads((tmp_path / "out" / "gpu.json").read_text("utf-8"))["results"]
    assert results["memory"] == [{"failed": "ZeroDivisionError: division by zero"}]
    assert results["attention"]
    gpu.main([*command, "--minutes", "0"])
    results = json.loads((tmp_path / "out" / "gpu.json").read_text("utf-8"))["results"]
    assert {row["ended"] for part in results.values() for row in part} == {"the time is up"}


@pytest.fixture
def bench(gpu, tmp_path, monkeypatch):
    """A bench that takes this CPU for an H200; what is asked of its memory is kept in `asked`."""
    from gpu_run import Bench

    model = make_encoder(tmp_path / "model", characters=characters_of(tiny_exam()))
    facts = DeviceFacts("cuda", "NVIDIA H200", (9, 0), memory=150 * 10**9)
    bench = Bench(tiny_exam()[:48], tiny_exam(seed=1)[:8], str(model), tmp_path, 5, True, 15.0, facts)
    bench.asked = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", bench.asked.append)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda: 10**9)
    return bench


def test_a_row_that_does_not_fit_costs_only_itself(gpu, bench, monkeypatch):
    scored = []

    def holds(scorer, batch, runtime):
        scored.append(batch.input_ids.numel())
        if not scorer.joint and bench.asked[-1] < 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run_scorer(scorer, batch, runtime)

    monkeypatch.setattr(training, "run_scorer", holds)
    rows = list(gpu.memory(bench))
    assert bench.asked == [15 / 150, 1.0]
    assert ["does not suffice" in row.get("why", "") for row in rows] == [True, True, False, False]
    assert rows[-1]["reserved GB"] == 1.0 and rows[-1]["steps"] == 2

    rows = list(gpu.recovery(bench))
    assert bench.asked[2:] == [4 / 150, 1.0]
    assert "does not suffice" in rows[0]["why"] and rows[1]["largest difference of losses"] == 0


def test_a_curve_is_kept_as_far_as_it_came(gpu, bench, monkeypatch):
    """Even where the process is killed; and the search for sentences ends with the time, too."""

    add = type(bench).add

    def dies(bench, part, row):
        add(bench, part, row)
        if "val accuracy" in row:
            raise KeyboardInterrupt

    monkeypatch.setattr(type(bench), "add", dies)
    with pytest.raises(KeyboardInterrupt):
        list(gpu.learning(bench))
    (row,) = json.loads((bench.out / "gpu.json").read_text("utf-8"))["results"]["learning"]
    assert (row["evidence"], row["step"]) == (1, 1)
    monkeypatch.setattr(
        gpu.SentenceRetriever, "fit", lambda exam, progress: bench.__setattr__("minutes", 0) or late
    )
    late = SimpleNamespace(
        find=lambda exam, n, progress: progress("looking up", 0, 1) or pytest.fail("went on")
    )
    rows = list(gpu.learning(bench))
    assert [row["run"] for row in rows] == ["cut off by the time"] * 2


def test_no_model_is_alive_when_the_next_one_is_measured(gpu, bench, monkeypatch):
    alive, models = [], []
    build = gpu.untrained_model

    def building(*given):
        alive.append(sum(one() is not None for one in models))
        built = build(*given)
        models.append(weakref.ref(built.scorer))
        return built

    loop = gpu.plain_loop

    def looping(*given, **how):
        alive.append(sum(one() is not None for one in models))
        made = loop(*given, **how)
        models.append(weakref.ref(made.train))
        return made

    monkeypatch.setattr(gpu, "untrained_model", building)
    monkeypatch.setattr(gpu, "plain_loop", looping)
    assert len(list(gpu.speed(bench))) == len(alive) == 10
    assert not any(alive)
