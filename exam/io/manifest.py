"""Folder manifests: a JSON description of a folder with the SHA-256 of every other file in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import write_atomically

_BLOCK = 1 << 22
_AGAIN = "copy the whole folder again, or train again"


def write_manifest(folder: Path, name: str, kind: str, version: int, **values: Any) -> None:
    """Write the manifest `name` of all files that are in `folder` now, with JSON `values` of its own.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "weights").write_bytes(b"1")
    >>> write_manifest(folder, "model.json", "lightgbm", 2, settings={"n_estimators": 100})
    >>> read_manifest(folder, "model.json", "lightgbm", 2)["settings"]
    {'n_estimators': 100}
    """
    content = {"kind": kind, "format": version, **values, "sha256": _digests(folder, name)}
    write_atomically(folder / name, json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_manifest(folder: Path, name: str, kind: str, version: int) -> dict[str, Any]:
    """The manifest that `write_manifest` wrote.

    Raises `InputError` where it is missing or of another kind or format, or where a file that it lists is missing or
    was changed.
    """
    path = folder / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = _digests(folder, name)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}; {_AGAIN}") from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}); {_AGAIN}") from error
    if not isinstance(content, dict) or not isinstance(content.get("sha256"), dict):
        raise InputError(f"{path} describes nothing; {_AGAIN}")
    if (content.get("kind"), content.get("format")) != (kind, version):
        raise InputError(
            f"{path} is of kind {content.get('kind')!r} and format {content.get('format')!r}, this version reads "
            f"{kind!r} in format {version}; train again"
        )
    for file, digest in content["sha256"].items():
        if found.get(file) != digest:
            what = "was changed after it was written" if file in found else "is missing"
            raise InputError(f"{folder / file} {what}; {_AGAIN}")
    return content


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal, read in blocks. Raises `OSError` where it cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "empty").write_bytes(b"")
    ...     file_sha256(Path(folder, "empty"))[:8]
    'e3b0c442'
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _digests(folder: Path, name: str) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the manifest, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / name)
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
