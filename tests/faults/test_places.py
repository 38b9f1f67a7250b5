"""A full disk and a place that is read-only: one line, the old result as it was, and a second try that works."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fault_trials
import pytest
from fault_trials import Trial

TRIALS = {trial.name: trial for trial in fault_trials.trials()}
# Without a result, these do their work all the same: what they keep for next time is lost, nothing else.
OPTIONAL = {"word table", "embeddings"}
SIZE = 1 << 26


@dataclass(frozen=True)
class Ready:
    """A trial, the folder of what it reads, what its whole result holds and how many bytes that takes."""

    trial: Trial
    given: Path
    result: fault_trials.Seen
    size: int


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a disk ({mounted.stderr.strip()})")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


SLOW = {"train (LightGBM)", "train (ensemble)", "word table"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.minutes if name in SLOW else ()) for name in TRIALS],
)
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A command, what it reads, and what its result takes."""
    from cmexam_baseline.exam import download

    trial, folder = TRIALS[request.param], tmp_path_factory.mktemp("trial")
    (given := folder / "given").mkdir()
    (place := folder / "place").mkdir()
    with pytest.MonkeyPatch.context() as patch, fault_trials.server(trial.name, given):
        patch.setenv("CMEXAM_BASELINE_CACHE", str(folder / "cache"))
        patch.setattr(download, "PUBLISHED_FILES", download.PUBLISHED_FILES)
        trial.ready(given)
        assert trial.command(given, place) == 0
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        yield Ready(trial, given, trial.seen(place), size)


def fill(disk: Path, left: int) -> Path:
    """A file that leaves so many bytes free."""
    filler = disk / "filler"
    free = shutil.disk_usage(disk).free
    filler.write_bytes(bytes(free - left))
    return filler


def refuses(ready: Ready, disk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command says in one line that it cannot write, unless it can do without."""
    capfd.readouterr()
    status = ready.trial.command(ready.given, disk)
    said = capfd.readouterr().err
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert (status, len(errors)) == ((0, 0) if ready.trial.name in OPTIONAL else (2, 1)), said


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_full_disk(ready: Ready, disk: Path, share: float, capfd: pytest.CaptureFixture[str]) -> None:
    filler = fill(disk, int(share * ready.size))
    refuses(ready, disk, capfd)
    filler.unlink()
    assert ready.trial.command(ready.given, disk) == 0
    assert ready.trial.seen(disk) == ready.result
    assert not list(disk.glob(".*"))


@pytest.mark.parametrize("ready", ["train (encoder)"], indirect=True)
@pytest.mark.parametrize("share", [4, 5, 7])
def test_a_disk_that_is_full_after_some_checkpoints(
    ready: Ready, disk: Path, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint is some three times as large as the run; training goes on from the last whole one."""
    filler = fill(disk, int(share * ready.size))
    refuses(ready, disk, capfd)
    assert list((disk / "run.checkpoints").rglob("step-*"))
    filler.unlink()
    assert ready.trial.command(ready.given, disk) == 0
    assert ready.trial.seen(disk) == ready.result
    assert not list(disk.glob(".*")) + list(disk.glob("*.checkpoints"))


def test_a_place_that_is_read_only(ready: Ready, disk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ready.trial.old(ready.given, disk)
    before = ready.trial.seen(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refuses(ready, disk, capfd)
    assert ready.trial.seen(disk) == before
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert ready.trial.command(ready.given, disk) == 0
    assert ready.trial.seen(disk) == ready.result
