"""How large the pages of a Parquet file become, by their own headers, before anything is unpacked.

Parquet packs a page of gigabytes into kilobytes, and the footer may say what it likes: only the headers of the
pages tell how much room a reader will ask for. Both are Thrift's compact protocol, of which this reads enough.
https://github.com/apache/parquet-format, https://github.com/apache/thrift (compact protocol)
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

_MAX_DEPTH = 16
_TRUE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 3, 4, 5, 6, 7, 8, 9, 10, 12
_SIZES = {_BYTE: 1, _DOUBLE: 8}
# Fields by number: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData, PageHeader.
_ROW_GROUPS, _COLUMNS, _META_DATA = 4, 1, 3
_PACKED, _DATA_OFFSET, _DICTIONARY_OFFSET = 7, 9, 11
_PAGE_UNPACKED, _PAGE_PACKED = 2, 3

NOT_PARQUET = (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error)
"""What a damaged file raises here."""


def unpacked_pages(data: bytes, refuse: Callable[[int], None]) -> int:
    """The bytes of all pages of a Parquet file when unpacked, each column chunk's counted.

    `refuse` gets the sum after each page, and raises where it is too much. Raises one of `NOT_PARQUET` where
    the file is damaged.
    """
    length = int.from_bytes(data[-8:-4], "little")
    footer = _Thrift(data, len(data) - 8 - length).struct()
    total = 0
    for group in footer[_ROW_GROUPS]:
        for chunk in group[_COLUMNS]:
            meta = chunk[_META_DATA]
            position = min(meta[_DATA_OFFSET], meta.get(_DICTIONARY_OFFSET) or meta[_DATA_OFFSET])
            end = position + meta[_PACKED]
            while position < end:
                header = _Thrift(data, position)
                page = header.struct()
                if page[_PAGE_UNPACKED] < 0 or page[_PAGE_PACKED] < 0:
                    raise ValueError("a page of negative size")
                total += page[_PAGE_UNPACKED]
                refuse(total)
                position = header.position + page[_PAGE_PACKED]
    return total


class _Thrift:
    """Values of Thrift's compact protocol from `position` on; structs are field number -> value."""

    def __init__(self, data: bytes, position: int) -> None:
        if position < 0:
            raise IndexError(position)
        self.data = data
        self.position = position

    def struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind <= _TRUE + 1:
            return kind == _TRUE
        return self._other_value(kind, depth)

    def _other_value(self, kind: int, depth: int) -> Any:
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        size = self._varint() if kind == _BINARY else _SIZES[kind]
        self.position += size
        return None

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 != 15 else self._varint()
        if count > len(self.data) - self.position:
            raise ValueError("a list longer than the file")
        # Inside a list a truth value is a byte of its own.
        kind = _BYTE if head & 15 <= _TRUE + 1 else head & 15
        return [self._other_value(kind, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        value = self.data[self.position]
        self.position += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number too long")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
