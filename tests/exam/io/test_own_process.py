"""However a reader in a process of its own ends, ours gets its lines or one reason."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from cmexam_baseline.exam.io.own_process import EndedEarly, NotStarted, lines_of_own_process

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")


def lines_that(way: str, tmp_path: Path, seconds: int = 60) -> list[bytes]:
    (given := tmp_path / "given").write_bytes("甲\nB\n".encode())
    with given.open("rb") as stream:
        return list(lines_of_own_process("ending_readers", way, stream, seconds, {"POLARS_MAX_THREADS": "2"}))


def test_what_it_prints_comes_here(tmp_path: Path) -> None:
    assert lines_that("reads", tmp_path) == ["甲\n".encode(), b"B\n"]


@POSIX
@pytest.mark.parametrize(
    ("way", "reason"),
    [("aborts", "ended by SIGABRT"), ("is killed", "ended by SIGKILL"), ("raises", "ended with status 1")],
)
def test_its_end_is_told(way: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EndedEarly, match=reason):
        lines_that(way, tmp_path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("way", ["hangs", "prints for ever"])
def test_it_has_only_so_long(way: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(EndedEarly, match="did not end within 1 seconds"):
        lines_that(way, tmp_path, seconds=1)
    assert time.monotonic() - started < 20


def test_it_ends_where_no_more_lines_are_wanted() -> None:
    with Path(__file__).open("rb") as stream:
        lines = lines_of_own_process("ending_readers", "prints for ever", stream, 600, {})
        assert next(lines) == b"more\n"
        started = time.monotonic()
        lines.close()
    assert time.monotonic() - started < 20


def test_a_python_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NotStarted, match="no process could be started"):
        lines_that("reads", tmp_path)


def test_files_in_the_working_directory_are_not_its_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ending_readers.py").write_text("raise SystemExit(7)\n")
    monkeypatch.chdir(tmp_path)
    assert len(lines_that("reads", tmp_path)) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds address space")
def test_its_memory_is_bounded(tmp_path: Path) -> None:
    assert lines_that("fills the memory", tmp_path) == [b"refused\n"]
