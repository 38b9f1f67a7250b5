"""Rows shared out to processes, here and on a Dask cluster: the figures of one process, bit for bit."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import worker_functions

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.scoring import Executor, extract_all, parallel

WORDS = [
    "患者", "出现", "发热", "头痛", "缺乏", "维生素A", "可致", "夜盲症", "治疗", "首选", "青霉素", "本题", "答案",
]  # fmt: skip
N = 90


def texts(seed: int, n: int = N) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(WORDS, k=chance.randint(1, 20))) for _ in range(n)]


REFERENCES: list[str | None] = [None, *texts(1, N - 1)]
PREDICTIONS: list[str | None] = [*texts(2, N - 1), None]
REPLIES = [f"答案：{'ABCDE'[row % 5]}\n解析：{text}" for row, text in enumerate(texts(3))]
OPTIONS = [["青霉素", "维生素A", "发热", "头痛", f"选项{row}"] for row in range(N)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "ROWS_A_PART", 7)


def assert_as_alone(workers: Executor) -> None:
    for profile in ("cmexam", "google", "sacrebleu-zh"):
        expected = metrics.score_explanations(REFERENCES, PREDICTIONS, profile)
        found = workers.score_explanations(REFERENCES, PREDICTIONS, profile)
        assert found.sums == expected.sums
        assert found.figures == expected.figures
        assert found.signature == expected.signature
        np.testing.assert_array_equal(found.statistics, expected.statistics)
    stems = [f"下列叙述{'错误' if row % 2 else '正确'}的是" for row in range(N)]
    assert workers.extract_all(REPLIES, OPTIONS, stems) == extract_all(REPLIES, OPTIONS, stems)


def test_this_process_alone() -> None:
    assert_as_alone(Executor())


def test_processes_of_this_machine() -> None:
    assert_as_alone(Executor(n_jobs=2))


def test_nothing_to_do() -> None:
    assert Executor(n_jobs=2).extract_all([], []) == []
    assert Executor(n_jobs=2).score_explanations([], [], "cmexam").counts["rows"] == 0


def test_a_worker_that_dies_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "extract_all", worker_functions.die)
    with pytest.raises(InputError, match="a worker process was killed; use a smaller `n_jobs`"):
        Executor(n_jobs=2).extract_all(REPLIES, OPTIONS)


def test_workers_that_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_score", worker_functions.by_another_profile)
    with pytest.raises(InputError, match="install the same on all"):
        Executor(n_jobs=2).score_explanations(REFERENCES, PREDICTIONS, "cmexam")


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A Dask scheduler and three workers in processes of their own: its address, and the workers."""
    pytest.importorskip("distributed")
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(worker_functions.__file__).parent),
    }
    processes = [subprocess.Popen([*dask, *options], stderr=subprocess.PIPE, text=True, env=environment)]
    try:
        stream = processes[0].stderr
        assert stream is not None
        address = next(line.split()[-1] for line in stream if "Scheduler at:" in line)
        threading.Thread(target=stream.read, daemon=True).start()
        worker = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            address,
            "--no-nanny",
            "--nthreads",
            "1",
        ]
        for _ in range(3):
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            processes.append(
                subprocess.Popen([*worker, "--no-dashboard"], text=True, env=environment, **quiet)
            )
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_dask_cluster_that_loses_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster() as (address, workers):
        from distributed import Client

        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=60)
        assert_as_alone(Executor(scheduler=address))
        expected = worker_functions.slowly(REPLIES, OPTIONS)
        monkeypatch.setattr(parallel, "extract_all", worker_functions.slowly)
        with killed_soon(workers[0]):
            assert Executor(scheduler=address).extract_all(REPLIES, OPTIONS) == expected
        alone = Executor().score_explanations(REFERENCES, PREDICTIONS, "cmexam")
        monkeypatch.setattr(parallel, "_score", worker_functions.score_slowly)
        with killed_soon(workers[1]):
            found = Executor(scheduler=address).score_explanations(REFERENCES, PREDICTIONS, "cmexam")
        assert (found.sums, found.signature) == (alone.sums, alone.signature)
        np.testing.assert_array_equal(found.statistics, alone.statistics)
        assert workers[2].poll() is None


@contextlib.contextmanager
def killed_soon(worker: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a worker while the block runs, which must not end before."""
    killing = threading.Timer(0.5, worker.kill)
    killing.start()
    yield
    assert not killing.is_alive()
    assert worker.wait(10) == -signal.SIGKILL


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(parallel, "PATIENCE", 1)
    with pytest.raises(InputError, match="no Dask scheduler answers at 'tcp://127.0.0.1:1'"):
        Executor(scheduler="tcp://127.0.0.1:1").extract_all(REPLIES, OPTIONS)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"`scheduler` needs distributed; run pip install .*\[distributed\]"):
        Executor(scheduler="tcp://127.0.0.1:8786").extract_all(REPLIES, OPTIONS)
