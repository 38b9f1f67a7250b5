"""Folders of models: a manifest with the SHA-256 of every other file, and arrays as npz without pickle."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import write_atomically

_BLOCK = 1 << 22
_AGAIN = "copy the whole folder again, or train again"


def write_manifest(folder: Path, name: str, kind: str, version: int, **values: Any) -> None:
    """Write the manifest `name` of all files that are in `folder` now, with JSON `values` of its own."""
    digests = {file: _sha256(path) for file, path in _files(folder).items() if file != name}
    content = {"kind": kind, "format": version, **values, "sha256": digests}
    write_atomically(folder / name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def read_manifest(folder: Path, name: str, kind: str, version: int) -> dict[str, Any]:
    """The manifest that `write_manifest` wrote; `sha256` maps each file to its checksum.

    Raises `InputError` where it is missing or of another kind or format, or where a file that it lists is missing or
    was changed.
    """
    path = folder / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; give the folder of a {kind}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}); {_AGAIN}") from error
    if not isinstance(content, dict) or not isinstance(content.get("sha256"), dict):
        raise InputError(f"{path} lists no files; {_AGAIN}")
    if (content.get("kind"), content.get("format")) != (kind, version):
        raise InputError(
            f"{path} is of kind {content.get('kind')!r} and format {content.get('format')!r}, this version reads "
            f"{kind!r} in format {version}; give another folder, or train again"
        )
    files = _files(folder)
    for file, digest in content["sha256"].items():
        if file not in files:
            raise InputError(f"{folder / file} is missing; {_AGAIN}")
        try:
            same = _sha256(files[file]) == digest
        except OSError as error:
            raise InputError(f"{folder / file} cannot be read: {error.strerror}; {_AGAIN}") from error
        if not same:
            raise InputError(f"{folder / file} was changed after it was written; {_AGAIN}")
    return content


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _files(folder: Path) -> dict[str, Path]:
    """Every file below `folder`, by its path there."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


# What reading a well-described but foreign file of arrays can raise; RuntimeError comes from zipfile, where a damaged
# flag says that the file is encrypted or of a newer version.
UNREADABLE = (
    EOFError,
    KeyError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An npz file without pickle; the same arrays give the same bytes. Raises `TypeError` for arrays of objects."""
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
