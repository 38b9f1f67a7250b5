"""Threads of OpenMP and OpenBLAS sleep while they wait, unless the user has chosen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["features", "encoders"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"), ({"GOMP_SPINCOUNT": "1"}, "None")],
)
def test_waiting_is_set_by_import_and_left_to_the_user(
    package: str, given: dict[str, str], expected: str
) -> None:
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    environment = {name: value for name, value in os.environ.items() if name not in names} | given
    code = (
        f"import os, sys, cmexam_baseline.{package}\n"
        "loaded = {'lightgbm', 'sklearn', 'torch'} & sys.modules.keys()\n"
        "print(os.environ.get('OMP_WAIT_POLICY'), len(loaded))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == [expected, "0"]


@pytest.mark.parametrize(("given", "expected"), [({}, "4"), ({"OPENBLAS_THREAD_TIMEOUT": "26"}, "26")])
def test_the_command_line_sets_it_before_numpy_is_loaded(given: dict[str, str], expected: str) -> None:
    name = "OPENBLAS_THREAD_TIMEOUT"
    environment = {one: value for one, value in os.environ.items() if one != name} | given
    code = (
        "import os, sys\n"
        "from cmexam_baseline.cli.main import main\n"
        "sys.argv = ['cmexam-baseline', '--version']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(os.environ.get('{name}'), 'numpy' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1].split() == [expected, "False"]
