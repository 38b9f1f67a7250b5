"""A place in the user's cache for arrays that take long to compute."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.storage.files import write_atomically

Arrays = dict[str, NDArray[np.generic]]


def cache_folder() -> Path:
    """This package's cache folder: `CMEXAM_BASELINE_CACHE`, or one in `XDG_CACHE_HOME` or ~/.cache.

    >>> os.environ["CMEXAM_BASELINE_CACHE"] = "/tmp/cache"
    >>> str(cache_folder())
    '/tmp/cache'
    >>> del os.environ["CMEXAM_BASELINE_CACHE"]
    """
    own = os.environ.get("CMEXAM_BASELINE_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cmexam-baseline"


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


# zipfile raises RuntimeError where a damaged flag says that the file is encrypted or of a newer version.
_UNREADABLE = (
    *(OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)


def load_arrays(path: Path) -> Arrays | None:
    """The arrays of an npz file, or None where it is missing or damaged; never unpickles."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except _UNREADABLE:
        return None


def store_arrays(path: Path, arrays: Arrays) -> bool:
    """Write the arrays to an npz file at once or not at all; False where the cache cannot be written.

    A cache that cannot be written costs time, nothing else: the caller has the arrays already.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stubs take the names for its own option
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, buffer.getvalue())
    except (OSError, InputError):
        return False
    return True


def prune(folder: Path, most_bytes: int = 4 << 30) -> None:
    """Remove the files of `folder` that were used longest ago until the rest holds at most `most_bytes`."""
    files = []
    for path in folder.glob("*.npz"):
        try:
            files.append((path.stat().st_mtime, path.stat().st_size, path))
        except OSError:  # another process removed it meanwhile
            continue
    excess = sum(size for _, size, _ in files) - most_bytes
    for _, size, path in sorted(files):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size
