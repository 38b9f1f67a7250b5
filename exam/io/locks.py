"""Locks that the system takes away when their process ends, however it ends.

They are advisory and hold on one machine. Windows and some network file systems have none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmexam_baseline.exam.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module, or None where there is none


@contextmanager
def try_lock(path: str | os.PathLike[str]) -> Iterator[bool | None]:
    """Hold the lock of a file or folder while the block lasts, if it can be had.

    Gives True where it is held, False where another holder has it, and None where nothing is there or there are no
    locks.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with try_lock(folder) as first, try_lock(folder) as second:
    ...     first, second
    (True, False)
    """
    if fcntl is None:
        yield None
        return
    try:
        # Some network file systems lock only what is open for writing.
        descriptor = os.open(path, os.O_RDONLY if Path(path).is_dir() else os.O_RDWR)
    except OSError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between opening and locking, its owner may have given it another name.
            held: bool | None = os.path.samestat(os.fstat(descriptor), Path(path).stat())
        except (BlockingIOError, FileNotFoundError):
            held = False
        except OSError:  # a file system without locks
            held = None
        yield held
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: str | os.PathLike[str], instead: str) -> Iterator[None]:
    """Hold the lock of a file or folder while the block lasts; without locks, do nothing.

    Raises `InputError` with the advice `instead` where another process, or this one, holds it.
    """
    with try_lock(path) as held:
        if held is False:
            raise InputError(f"{os.fspath(path)} is in use by another command; {instead}")
        yield
