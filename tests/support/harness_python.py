"""A Python that has another evaluation harness installed: this one, or the one that HARNESS_PYTHON names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def python_with(module: str) -> str | None:
    """The interpreter that can import `module` and this package; None where there is none."""
    for python in filter(None, (sys.executable, os.environ.get("HARNESS_PYTHON"))):
        program = f"import importlib.util as u, sys; sys.exit(not (u.find_spec({module!r}) and u.find_spec('cmexam_baseline')))"
        if subprocess.run([python, "-c", program], check=False).returncode == 0:
            return python
    return None


def run_harness(python: str, *arguments: str | Path, **variables: str) -> str:
    """What a program prints that runs without a network; its errors fail the test."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", **variables}
    done = subprocess.run(
        [python, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
