"""benchmarks/gpu.py with sizes for a CPU: every part runs and leaves its rows."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from tiny_encoders import characters_of, make_encoder
from tiny_exam import tiny_exam

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
    assert {row["evidence"] for row in results["learning"]} == {0, 1}
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
