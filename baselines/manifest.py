"""A folder with a description that holds the SHA-256 of every other file in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.digests import file_sha256
from cmexam_baseline.exam.io.files import write_atomically

_AGAIN = "copy the whole run folder again, or train the run again"


def seal(folder: Path, name: str, kind: str, version: int, **values: Any) -> None:
    """Write the description `name` of all files that are in `folder` now."""
    content = {"kind": kind, "format": version, **values, "sha256": _digests(folder, name)}
    write_atomically(folder / name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def open_sealed(folder: Path, name: str, kind: str, version: int) -> dict[str, Any]:
    """The description that `seal` wrote.

    Raises `InputError` where it is missing or of another kind or format, or where a file that it knows is
    missing or was changed.
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
            f"{kind!r} in format {version}; train the run again"
        )
    for file, digest in content["sha256"].items():
        if found.get(file) != digest:
            what = "was changed after it was written" if file in found else "is missing"
            raise InputError(f"{folder / file} {what}; {_AGAIN}")
    return content


def _digests(folder: Path, name: str) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but the description, by its path there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / name)
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
