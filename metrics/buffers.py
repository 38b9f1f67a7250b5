"""Arrays that are used again from chunk to chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Workspace:
    """Named scratch arrays: asking again for a name gives the same memory, enlarged where needed.

    A fresh array of a few hundred kilobytes costs a page fault every four of them, more than most of
    what is computed in it. One workspace belongs to one thread.

    >>> workspace = Workspace()
    >>> workspace.array("keys", 4, np.uint32).shape
    (4,)
    """

    def __init__(self) -> None:
        self._memory: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """An uninitialised array of `size` elements; whatever held this name before is overwritten."""
        n_bytes = size * np.dtype(dtype).itemsize
        memory = self._memory.get(name)
        if memory is None or len(memory) < n_bytes:
            memory = self._memory[name] = np.empty(n_bytes, np.uint8)
        return memory[:n_bytes].view(dtype)

    def zeros(self, name: str, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros, for users of this name who leave it all zeros again.

        >>> Workspace().zeros("table", 2, np.uint8).tolist()
        [0, 0]
        """
        n_bytes = size * np.dtype(dtype).itemsize
        if len(self._memory.get(name, ())) < n_bytes:
            self._memory[name] = np.zeros(n_bytes, np.uint8)
        return self.array(name, size, dtype)
