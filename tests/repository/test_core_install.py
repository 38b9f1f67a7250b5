"""Every command in an installation of the core alone: it works, or ends in one line that names the extra.

CORE_PYTHON names the Python of such an installation (`make test` makes one). Without it, and for what works with one
extra, the packages of the other extras are hidden from this environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import hidden_modules
import pytest

from cmexam_baseline.exam.extras import EXTRAS
from cmexam_baseline.exam.sample import SAMPLE_FOLDER

VAL = str(SAMPLE_FOLDER / "val.csv")
SAMPLE = str(SAMPLE_FOLDER)
# Packages of the extras, and what comes with them.
EVERYTHING = {module for modules in EXTRAS.values() for module in modules} | {
    "pandas",
    "pyarrow",
    "matplotlib",
}

WORKS = [
    "--help",
    "score predictions.csv {val}",
    "score predictions.csv {val} --format json --save rows.csv",
    "compare predictions.csv other.csv {val}",
    "leaderboard predictions.csv --exam {val}",
    "data check {sample}",
    "data stats {sample}",
    "data convert {sample} converted --to jsonl",
    "data overlap {sample}/train.csv {val}",
    "prompts make {val} -o made.jsonl",
]
WORKS_WITH = {
    "train --out new --set n_estimators=5": "lightgbm",
    "train --out new --tune 2 --set n_estimators=5": "lightgbm tuning",
    "data convert {sample} converted --to parquet": "tables",
    "data convert {sample} converted --to xlsx": "tables",
    "score predictions.csv {val} --report report.html": "report",
    "leaderboard predictions.csv --exam {val} --chart board.svg": "report",
    "score predictions.csv {val} --backend dask --scheduler tcp://127.0.0.1:1": "distributed",
    "prompts run prompts.jsonl --base-url http://127.0.0.1:1/v1 --model m -o replies.jsonl": "prompts",
    "export encoder-run --onnx out": "encoders onnx",
    "train --model no-such-folder --out new": "encoders",
}
NEEDS = {
    "train --out new": "lightgbm",
    "train --model bert --out new": "encoders",
    "train --model ensemble --encoder bert --out new": "lightgbm",
    "curve --out curve": "lightgbm",
    "predict run {val} -o out.csv": "lightgbm",
    "explain run {val} --row 1": "lightgbm",
    "export encoder-run --onnx out": "encoders",
    "push run me/run": "hub",
    "data check owner/name": "hub",
    "score predictions.csv --exam owner/name --split val": "hub",
    "score predictions.parquet {val}": "tables",
    "data convert {sample} converted --to parquet": "tables",
    "score predictions.csv {val} --report report.html": "report",
    "leaderboard predictions.csv --exam {val} --chart board.svg": "report",
    "score predictions.csv {val} --backend dask --scheduler tcp://127.0.0.1:1": "distributed",
    "prompts run prompts.jsonl --base-url http://127.0.0.1:1/v1 --model m -o replies.jsonl": "prompts",
}


def run(folder: Path, command: str, extra: str = "") -> subprocess.CompletedProcess[str]:
    hidden = ",".join(sorted(EVERYTHING.difference(*(EXTRAS[name] for name in extra.split()))))
    start = [sys.executable, "-m", "hidden_modules", hidden, "cmexam-baseline"]
    if (core := os.environ.get("CORE_PYTHON")) and not extra:
        start = [str(Path(core).absolute()), "-m", "cmexam_baseline.cli"]
    support = str(Path(hidden_modules.__file__).parent)
    return subprocess.run(
        [*start, *command.format(val=VAL, sample=SAMPLE).split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": support, "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("predictions.csv", "other.csv"):
        rows = "".join(f"val-{number},{'ABCDE'[number % 5]}\n" for number in range(1, 201))
        (tmp_path / name).write_text(f"id,prediction\n{rows}", "utf-8")
    (tmp_path / "predictions.parquet").write_bytes(b"PAR1")
    (tmp_path / "prompts.jsonl").write_text('{"id": "val-1", "prompt": "A?"}\n', "utf-8")
    for name, kind in (("run", "lightgbm"), ("encoder-run", "encoder")):
        (tmp_path / name).mkdir()
        config = {"format": "cmexam-baseline run", "format_version": 1, "model": kind}
        (tmp_path / name / "config.json").write_text(json.dumps(config), "utf-8")
    return tmp_path


@pytest.mark.parametrize("command", WORKS)
def test_works_without_extras(folder: Path, command: str) -> None:
    done = run(folder, command)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("command", "extra"), NEEDS.items())
def test_names_the_missing_extra(folder: Path, command: str, extra: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    done = run(folder, command)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "run pip install" in done.stderr and f"[{extra}]" in done.stderr, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == before


@pytest.mark.parametrize(("command", "extra"), WORKS_WITH.items())
def test_one_extra_is_enough(folder: Path, command: str, extra: str) -> None:
    done = run(folder, command, extra)
    assert "pip install" not in done.stderr, done.stderr
    if "127.0.0.1" not in command and "encoder" not in command and "no-such" not in command:
        assert done.returncode == 0, done.stderr
