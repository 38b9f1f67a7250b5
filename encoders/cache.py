"""Arrays that take long to compute, in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import try_lock, write_atomically
from cmexam_baseline.exam.io.manifest import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.metrics.cache_folder import cache_folder

Arrays = dict[str, NDArray[np.generic]]


def place_in_cache(*names: str) -> Path | None:
    """A path in this user's cache folder, or None where there is no such folder."""
    folder = cache_folder()
    return None if folder is None else folder.joinpath(*names)


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """SHA-256 of the parts, each with its length, so that no two lists of parts share one.

    >>> fingerprint(["ab", "c"]) == fingerprint(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def load_arrays(path: Path) -> Arrays:
    """The arrays of an npz file, none where it is missing or damaged; never unpickles."""
    try:
        arrays = unpack_arrays(path.read_bytes())
    except (OSError, *UNREADABLE):
        return {}
    with suppress(OSError):  # a read-only cache is good enough
        os.utime(path)
    return arrays


def store_arrays(path: Path, arrays: Arrays) -> None:
    """Write the arrays to an npz file at once or not at all, and `prune` its folder.

    A cache that cannot be written costs time, nothing else: the caller has the arrays already.
    """
    with suppress(OSError, InputError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, pack_arrays(arrays))
        prune(path.parent)


def prune(
    folder: Path, max_bytes: int = 4 << 30, patterns: tuple[str, ...] = ("*.npz",), keep: Path | None = None
) -> int:
    """Remove the least recently used files of `folder` until the rest has at most `max_bytes`; returns its excess.

    `keep`, and files that another process has locked because it is writing them, stay.
    """
    files = []
    for path in (path for pattern in patterns for path in folder.glob(pattern) if path != keep):
        with suppress(OSError):  # another process removed it meanwhile
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    excess = sum(size for _, size, _ in files) - max_bytes
    for _, size, path in sorted(files):
        if excess <= 0:
            break
        with try_lock(path) as held:
            if held is not False:
                path.unlink(missing_ok=True)
                excess -= size
    return excess
