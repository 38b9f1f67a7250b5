"""Types of arrays, by content, for annotations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IdArray = npt.NDArray[np.int32]
"""Numbers of entries, of which there are never 2**31."""
CodePoints = npt.NDArray[np.uint32]
"""Text as the numbers of its characters."""
