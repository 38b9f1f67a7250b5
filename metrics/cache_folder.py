"""The folder of this user's caches."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder() -> Path | None:
    """The folder of this user's caches, or None without a home folder.

    `CMEXAM_BASELINE_CACHE` if set; else the platform's place: `$XDG_CACHE_HOME` or `~/.cache`,
    `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows, and `cmexam-baseline` within.
    """
    chosen = os.environ.get("CMEXAM_BASELINE_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if os.path.isabs(base):  # noqa: PTH117 - the XDG specification ignores relative paths
        return Path(base) / "cmexam-baseline"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if not home.is_absolute():
        return None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "cmexam-baseline"
