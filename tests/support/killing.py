"""Calls in forked children that are killed with SIGKILL at a moment or at a file operation.

The parent imports what the calls need once, so that a kill costs no import; it must run no threads.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

_CHANGES = {
    *("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.link", "os.symlink"),
    "shutil.rmtree",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Attempt:
    """How a forked call ended: killed, its exit status otherwise, its seconds, what it said."""

    killed: bool
    status: int
    seconds: float
    said: str


def attempt(
    call: Callable[[], int], said: Path, after: float | None = None, operation: int | None = None
) -> Attempt:
    """Run `call`, whose result is the exit status, in a child that dies after seconds or before an operation.

    Operations are counted from 1: files opened for writing, renames, removals and the like, in any place.
    What the child prints goes to the file `said`.
    """
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        _become(call, said, operation)
    if after is not None:
        _wait(child, started + after)
        _kill(child)
    _, status = os.waitpid(child, 0)
    # Whatever it had started dies with it.
    _kill(child)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    text = said.read_text(encoding="utf-8", errors="replace")
    return Attempt(killed, os.waitstatus_to_exitcode(status), time.monotonic() - started, text)


def both_at_once(call: Callable[[], int], pause: float) -> int:
    """Run `call` in this process and, begun `pause` seconds later, in a child; 0 if both ended as they may.

    One at least must succeed; the other may refuse with exit status 2.
    """

    def later() -> int:
        time.sleep(pause)
        return call()

    child = os.fork()
    if child == 0:
        _end_with(later)
    mine = call()
    theirs = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 0 if 0 in (mine, theirs) and {mine, theirs} <= {0, 2} else 1


def count_operations(call: Callable[[], int], said: Path) -> int:
    """How many file operations a call makes."""
    counter = said.with_suffix(".count")

    def counted() -> int:
        count = _on_every_change(lambda number: None)
        status = call()
        counter.write_text(str(count[0]))
        return status

    done = attempt(counted, said)
    if done.status != 0:
        raise RuntimeError(f"the call failed without being killed: {done.said}")
    return int(counter.read_text())


def _become(call: Callable[[], int], said: Path, operation: int | None) -> None:
    def speaking_into_the_file() -> int:
        with said.open("w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        if operation is not None:
            _on_every_change(lambda number: _die() if number == operation else None)
        return call()

    _end_with(speaking_into_the_file)


def _end_with(call: Callable[[], int]) -> NoReturn:
    """End this process with the status that `call` gives, or after a traceback with 70."""
    status = 70
    try:
        status = call()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _on_every_change(do: Callable[[int], None]) -> list[int]:
    count = [0]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        exchanges = event == "ctypes.dlsym" and arguments[1] == "renameat2"
        if event in _CHANGES or writes or exchanges:
            count[0] += 1
            do(count[0])

    sys.addaudithook(hook)
    return count


def _die() -> None:
    os.killpg(0, signal.SIGKILL)


def _wait(child: int, until: float) -> None:
    """Sleep until a time, or until the child has ended, without reaping it."""
    while (left := until - time.monotonic()) > 0:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(min(left, 0.002))


def _kill(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return
