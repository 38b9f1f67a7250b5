"""A model folder: its files, and how they are checked."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.io.files import new_folder

KIND = "cmexam-baseline lightgbm"
FORMAT = 2
_DESCRIPTION = "model.json"


def write_model(
    folder: str | os.PathLike[str], settings: Mapping[str, Any], files: Mapping[str, bytes], overwrite: bool
) -> None:
    """Write `files` and a description with `settings` and checksums, the whole folder or nothing."""
    with new_folder(folder, overwrite) as place:
        for name, data in files.items():
            (place / name).write_bytes(data)
        description = {
            "kind": KIND,
            "format": FORMAT,
            "settings": settings,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }
        text = json.dumps(description, ensure_ascii=False, indent=2, allow_nan=False)
        (place / _DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def read_model(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Settings and files of a model folder, each file as it was written.

    Raises `InputError` where the folder holds no such model or a file is missing or was changed.
    """
    place = Path(folder)
    try:
        description = json.loads((place / _DESCRIPTION).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{place} holds no model ({_DESCRIPTION} cannot be read: {error.strerror}); give a folder that "
            "LightGBMBaseline.save wrote"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{place / _DESCRIPTION} is not JSON ({error}); copy or train the model again"
        ) from error
    kind = description.get("kind") if isinstance(description, dict) else None
    if kind != KIND:
        raise InputError(
            f"{place} holds a model of kind {kind!r}, not {KIND!r}; load it with the baseline that wrote it"
        )
    if description.get("format") != FORMAT:
        raise InputError(
            f"{place} has model format {description.get('format')!r}; this version reads {FORMAT}; "
            "train the model again"
        )
    settings, checksums = description.get("settings"), description.get("sha256")
    if not isinstance(settings, dict) or not isinstance(checksums, dict):
        raise InputError(f"{place / _DESCRIPTION} lacks settings or sha256; train the model again")
    return settings, {name: _checked(place / name, str(digest)) for name, digest in checksums.items()}


def _checked(path: Path, digest: str) -> bytes:
    if path.name in {"", ".", ".."} or path.parent.name == "..":
        raise InputError(f"{path} is not a file of the model; train the model again")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}; copy or train the model again") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise InputError(f"{path} was changed after it was written; copy or train the model again")
    return data
