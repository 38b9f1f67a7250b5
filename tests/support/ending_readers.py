"""A module whose `main` ends in the ways that a reader in a process of its own may end."""

from __future__ import annotations

import os
import signal
import sys
import time


def _read() -> None:
    sys.stdout.buffer.write(sys.stdin.buffer.read())


def _end_within_a_line() -> None:
    os.write(1, b"whole\nha")
    os.abort()


def _fill() -> None:
    from cmexam_baseline.exam.io import parquet_process

    parquet_process.limit(60)
    try:
        bytearray(parquet_process.MAX_MEMORY)
    except MemoryError:
        print("refused")


_WAYS = {
    "reads": _read,
    "aborts": _end_within_a_line,
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "raises": lambda: sys.exit("a traceback, say"),
    "hangs": lambda: time.sleep(600),
    "prints for ever": lambda: [print("more") for _ in iter(int, 1)],
    "fills the memory": _fill,
}


def main(file: str, seconds: int) -> None:
    """End as `file` says."""
    _WAYS[file]()
