"""How many processors there are to share work among."""

from __future__ import annotations

import os


def processors() -> int:
    """How many processors this process may use; at least 1.

    >>> processors() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
