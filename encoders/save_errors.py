"""What goes wrong while tensors are written, said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmexam_baseline.exam.errors import InputError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise `InputError` where tensors cannot be written; safetensors has an error of its own for that.

    >>> from safetensors import SafetensorError
    >>> with writing(Path("run/model")):
    ...     raise SafetensorError("No space left on device")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: run/model cannot be written: No space left on device; make space
    """
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        raise InputError(f"{folder} cannot be written: {error}; make space") from error
