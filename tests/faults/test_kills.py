"""kill -9 a few times for the quick commands; `kill.py` does it a hundred times for all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_leaves_the_old_result_or_the_new() -> None:
    script, names = (
        Path(__file__).with_name("kill.py"),
        ("predict", "score --report --save", "data download", "prompts run"),
    )
    only = [argument for name in names for argument in ("--only", name)]
    command = [sys.executable, str(script), "--times", "2", "--operations", "2", "--pairs", "1", *only]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.endswith(" | 0 |")]
    assert len(rows) == len(names)
