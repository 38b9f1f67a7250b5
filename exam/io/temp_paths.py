"""Temporary files and folders beside their target, each locked by the process that fills it.

What a killed process left has no lock any more: the next one that writes the same target removes it. Where
there are no such locks (Windows, some network file systems) nothing is removed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cmexam_baseline.exam.io.locks import has_locks, lock

UNFINISHED = ".unfinished"
REPLACED = ".replaced"


@contextmanager
def temporary_file(target: Path) -> Iterator[Path]:
    """An empty file beside `target`, gone when the block ends unless it was renamed."""
    with _locked(target, _make_file) as temporary:
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, gone with all in it when the block ends unless it was renamed."""
    with _locked(target, _make_folder) as temporary:
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _locked(target: Path, make: Callable[[str, str, Path], str]) -> Iterator[Path]:
    """What `make` makes from the beginning and the end of a name and a folder, locked while the block lasts."""
    _remove_abandoned(target)
    name = _beginning(target), UNFINISHED, target.parent
    temporary = Path(make(*name))
    # Another process may have taken the new name for abandoned, and removed it, before it was locked.
    while (descriptor := lock(temporary)) is None and not temporary.exists():
        temporary = Path(make(*name))
    try:
        yield temporary
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _make_file(beginning: str, end: str, folder: Path) -> str:
    descriptor, name = tempfile.mkstemp(end, beginning, folder)
    os.close(descriptor)
    return name


def _make_folder(beginning: str, end: str, folder: Path) -> str:
    return tempfile.mkdtemp(end, beginning, folder)


def siblings(target: Path, end: str) -> list[Path]:
    """What lies beside `target` under a hidden name made of its own and this end, in order of the names.

    >>> siblings(Path("/no/such/folder/run"), UNFINISHED)
    []
    """
    beginning = _beginning(target)
    try:
        found = [path for path in target.parent.iterdir() if path.name.startswith(beginning)]
    except OSError:  # not there, or not to be listed
        return []
    return sorted(path for path in found if path.name.endswith(end))


def _beginning(target: Path) -> str:
    return f".{target.name[:60]}."


def _remove_abandoned(target: Path) -> None:
    for path in siblings(target, UNFINISHED) if has_locks() else ():
        descriptor = lock(path)
        if descriptor is None:
            continue
        try:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        except OSError:  # another user's: in nobody's way
            continue
        finally:
            os.close(descriptor)


def swap(new: Path, old: Path) -> None:
    """Give the folder `new` the name of the folder `old`; what was `old` has the name `new` afterwards.

    There is a moment with nothing under the name: a process that is killed then leaves the old folder beside it, and
    `bring_back` gives it its name again.
    """
    aside = new.with_name(new.name.removesuffix(UNFINISHED) + REPLACED)
    descriptor = lock(old)
    try:
        old.rename(aside)
        try:
            new.rename(old)
        except OSError:
            aside.rename(old)
            raise
        aside.rename(new)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def bring_back(target: Path) -> None:
    """If nothing has the name `target` and a killed process left its folder beside it, rename that."""
    if target.exists():
        return
    for path in siblings(target, REPLACED):
        descriptor = lock(path)
        if descriptor is not None:
            try:
                path.rename(target)
            finally:
                os.close(descriptor)
            return
