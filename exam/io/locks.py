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


def has_locks() -> bool:
    """Whether this system has locks at all."""
    return fcntl is not None


def lock(path: str | os.PathLike[str]) -> int | None:
    """An open descriptor that holds the lock of a file or folder until it is closed, or None.

    None where another process holds it, where nothing is there, or where there are no locks.
    """
    if fcntl is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, its owner may have given it another name.
        if os.path.samestat(os.fstat(descriptor), Path(path).stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


@contextmanager
def locked(path: str | os.PathLike[str], instead: str) -> Iterator[None]:
    """Hold the lock of a file or folder that is there while the block lasts; without locks, do nothing.

    Raises `InputError` with the advice `instead` where another process, or this one, holds it.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with locked(folder, "wait"):
    ...     lock(folder) is None
    True
    """
    descriptor = None if fcntl is None else os.open(path, os.O_RDONLY)
    try:
        if descriptor is not None:
            claim(descriptor, path, instead)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def claim(descriptor: int, path: str | os.PathLike[str], instead: str) -> None:
    """Take the lock of an open file until its descriptor is closed; see `locked`."""
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{os.fspath(path)} is in use by another command; {instead}") from None
    except OSError:  # a file system without locks
        return
