"""Ragged rows and texts as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.metrics.ragged import row_max

# Feature name -> one value per option, flat in exam order.
Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Segments:
    """Values in groups, flat: value i belongs to group `rows[i]` of `n`; `rows` (int64) does not decrease.

    >>> segments = Segments(np.array([0, 0, 2]), 3)
    >>> segments.max(np.array([1.0, 3.0, 2.0])).tolist(), segments.sum(np.array([1.0, 3.0, 2.0])).tolist()
    ([3.0, 0.0, 2.0], [4.0, 0.0, 2.0])
    """

    rows: NDArray[np.int64]
    n: int

    @cached_property
    def _offsets(self) -> NDArray[np.int64]:
        return np.searchsorted(self.rows, np.arange(self.n + 1))

    def max(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The greatest value of each group, 0 for an empty one."""
        return row_max(values, self._offsets).astype(np.float64, copy=False)

    def sum(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The sum of each group; the same bits whatever the other groups hold."""
        sums: NDArray[np.float64] = np.bincount(self.rows, values, self.n).astype(np.float64, copy=False)
        return sums

    def where(self, chosen: NDArray[np.bool_]) -> Segments:
        """The groups of the chosen values alone."""
        return Segments(self.rows[chosen], self.n)


def join_texts(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Texts as UTF-8 bytes and their bounds, so that a file holds them without pickle."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    bounds = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return {
        f"{name}_utf8": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}_bounds": bounds,
    }


def split_texts(name: str, arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The texts that `join_texts` put away.

    >>> split_texts("words", join_texts("words", ["肝炎", "", "a"]))
    ['肝炎', '', 'a']
    """
    data, bounds = arrays[f"{name}_utf8"].tobytes(), arrays[f"{name}_bounds"].tolist()
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in zip(bounds, bounds[1:], strict=False)]


def join_parts(parts: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The arrays of several objects in one mapping, each under "part.name"."""
    return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}


def split_parts(arrays: Mapping[str, NDArray[Any]]) -> dict[str, dict[str, NDArray[Any]]]:
    """The arrays that `join_parts` put together, by part; others are omitted.

    >>> split_parts({"index.keys": np.arange(2), "format": np.array(1)})
    {'index': {'keys': array([0, 1])}}
    """
    parts: dict[str, dict[str, NDArray[Any]]] = {}
    for name, array in arrays.items():
        part, dot, own = name.partition(".")
        if dot:
            parts.setdefault(part, {})[own] = array
    return parts
