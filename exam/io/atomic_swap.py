"""Two folders exchange their names, in one step where the system can do that."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from cmexam_baseline.exam.io.locks import lock
from cmexam_baseline.exam.io.temp_paths import UNFINISHED, siblings

REPLACED = ".replaced"
_HERE = -100  # AT_FDCWD of <fcntl.h>: relative paths start at the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of <linux/fs.h>


def exchange(new: Path, old: Path) -> None:
    """Give the folder `new` the name of the folder `old`; what was `old` has the name `new` afterwards.

    Linux does that in one step. Elsewhere there is a moment with nothing under the name: a process that is
    killed then leaves the old folder beside it, and `bring_back` gives it its name again.
    """
    if not _exchange_at_once(new, old):
        _exchange_by_renaming(new, old)


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


def _exchange_at_once(new: Path, old: Path) -> bool:
    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # no Linux, or an old one
        return False
    paths = (os.fsencode(path) for path in (new, old))
    # Some network file systems and sandboxes cannot; what else is wrong, renaming will say.
    done: int = rename(_HERE, next(paths), _HERE, next(paths), _EXCHANGE)
    return done == 0


def _exchange_by_renaming(new: Path, old: Path) -> None:
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
