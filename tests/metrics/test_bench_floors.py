"""The floors of the benchmarks can fail: a slow implementation falls under them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As if somebody had made the counting of n-grams a hundred times slower.
SLOWED = """
import time
import bench_floors
from cmexam_baseline.metrics import explanation_statistics

fast = explanation_statistics.count_pairs

def slow(*arguments):
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    return fast(*arguments)

explanation_statistics.count_pairs = slow
bench_floors.TRIES = 1
"""


def run(tmp_path: Path, plugin: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "changed.py").write_text(plugin)
    code = (
        f"import sys, pytest; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT / 'benchmarks')!r}]; "
        "sys.exit(pytest.main(['-q', '-p', 'changed', '-p', 'no:cacheprovider', '-m', 'small', '-k', 'official', "
        f"{str(ROOT / 'benchmarks')!r}]))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment
    )


def test_a_slow_implementation_falls_under_its_floor(tmp_path: Path) -> None:
    slowed = run(tmp_path, SLOWED)
    assert slowed.returncode == 1, slowed.stdout
    assert "times faster than CMExam's definition, must be 100" in slowed.stdout
