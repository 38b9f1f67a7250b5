"""Columns of input as lists: of arrays, data frames, generators; with None for every kind of missing value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

_MISSING_TYPES = {"NAType", "NaTType", "MaskedConstant"}


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, pandas.NA or a masked entry.

    >>> is_missing(None), is_missing(float("nan")), is_missing("")
    (True, True, False)
    """
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return value is None or type(value).__name__ in _MISSING_TYPES


def column(values: Iterable[Any], name: str, content: str) -> list[Any]:
    """The values as a list, with None for missing ones (see `is_missing`); `content` says what they should be.

    Takes lists, arrays, masked arrays, columns of data frames and iterators. Raises `TypeError` beginning with
    `name` for one string, and for sets and mappings, whose order means nothing.

    >>> column(iter(["A", float("nan")]), "predicted", "answers")
    ['A', None]
    """
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name} must be a list or array of {content}, not one string; give [{name}]")
    if isinstance(values, (Set, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list or array of {content}, not {type(values).__name__}")
    if isinstance(values, np.ndarray) and values.ndim != 1:
        raise ValueError(f"{name} must have one dimension; its shape is {values.shape}")
    if isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray):
        values = values.tolist()
    entries = list(values)
    if set(map(type, entries)) <= {str, type(None)}:
        return entries
    return [None if is_missing(entry) else entry for entry in entries]
