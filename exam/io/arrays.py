"""Arrays as the bytes of an npz file, without pickle."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# zipfile raises RuntimeError where a damaged flag says that the file is encrypted or of a newer version.
UNREADABLE = (
    *(EOFError, KeyError, MemoryError, RuntimeError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading a well-described but foreign file of arrays can raise."""


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz file without pickle; the same arrays give the same bytes. Raises `TypeError` for arrays of objects.

    >>> unpack_arrays(pack_arrays({"a": np.arange(3)}))["a"].tolist()
    [0, 1, 2]
    """
    # numpy 2.0 has no allow_pickle here and would pickle them.
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds objects, which only pickle could write")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's stubs take the names for its own option
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file; raises one of `UNREADABLE` for anything else."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
