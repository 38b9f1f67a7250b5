"""The number of processors to share work among."""

from __future__ import annotations

import os


def cpu_count() -> int:
    """The number of processors that this process may use, at least 1.

    >>> cpu_count() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
