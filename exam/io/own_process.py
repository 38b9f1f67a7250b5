"""A reader in a process of its own: what ends it, fills it or never comes back leaves ours as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from typing import BinaryIO

# The same modules are found there as here, also where a file of the same name lies in the working directory.
_START = "import sys; sys.path[:] = sys.argv[3:]; from {} import main; main(sys.argv[1], int(sys.argv[2]))"
_AT_ONCE = 1 << 20


class NotStarted(Exception):
    """There can be no such process; the message says why."""


class EndedEarly(Exception):
    """The process ended without having read all; the message says how."""


def lines_of_own_process(
    module: str, file: str, stdin: BinaryIO, seconds: int, environment: Mapping[str, str]
) -> Generator[bytes, None, None]:
    """The lines that `main(file, seconds)` of a module prints in a process of its own, as they come.

    stdin:       what the process reads
    seconds:     after so many it is killed
    environment: variables that it has beside ours

    What it prints to standard error is dropped. Close it where not all lines are taken: that ends the
    process. Raises `NotStarted`, and `EndedEarly` where it is killed or ends with another status than 0.
    """
    path = [place for place in sys.path if isinstance(place, str)]
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _START.format(module), file, str(seconds), *path],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=_AT_ONCE,
            env={**os.environ, **environment},
        )
    except (OSError, ValueError) as error:
        raise NotStarted(f"no process could be started for it ({error})") from error
    overdue = threading.Event()

    def end() -> None:
        overdue.set()
        process.kill()

    clock = threading.Timer(seconds, end)
    clock.daemon = True
    clock.start()
    with process:
        try:
            yield from process.stdout or ()
            process.wait()
        finally:
            clock.cancel()
            process.kill()
    if process.returncode:
        how = f"did not end within {seconds} seconds" if overdue.is_set() else _end(process.returncode)
        raise EndedEarly(f"the process that read it {how}")


def _end(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    known = {int(number): number.name for number in signal.Signals}
    return f"was ended by {known.get(-status, f'signal {-status}')}"
