"""Columns of a million cells: many texts in one string each, instead of an object for every text."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Any, Generic, TypeVar, overload

Cell = TypeVar("Cell")

# Columns of fewer cells stay lists: they are faster, and what they take more does not matter.
PACK_FROM = 100_000
CELLS_A_BLOCK = 512
# So many rows are worked on at once, in all the forms that the work needs.
ROWS_A_PIECE = 20_000


class PackedColumn(Sequence[Cell], Generic[Cell]):
    """A column that never changes, in blocks of `CELLS_A_BLOCK` cells; reads and compares as a list does.

    A text of 10 Chinese characters takes 24 bytes instead of 104. Blocks with cells other than texts and None
    stay lists. A slice is a list.

    >>> column = PackedColumn(["维生素A", None, ""])
    >>> len(column), column[0], column[1:], column == ["维生素A", None, ""]
    (3, '维生素A', [None, ''], True)
    """

    __slots__ = ("_blocks", "_length")

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        packing = ColumnPacking[Cell](0)
        packing.extend(cells)
        self._length = len(packing)
        self._blocks = packing.blocks()

    @classmethod
    def of_blocks(cls, blocks: list[_Block], length: int) -> PackedColumn[Cell]:
        """A column of blocks that `ColumnPacking` made."""
        column = cls.__new__(cls)
        column._blocks, column._length = blocks, length
        return column

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, key: int) -> Cell: ...
    @overload
    def __getitem__(self, key: slice) -> list[Cell]: ...
    def __getitem__(self, key: int | slice) -> Cell | list[Cell]:
        if isinstance(key, slice):
            return self._slice(*key.indices(self._length))
        place = key if key >= 0 else key + self._length
        if not 0 <= place < self._length:
            raise IndexError(f"cell {key} of a column of {self._length}")
        block, place = divmod(place, CELLS_A_BLOCK)
        cell: Cell = self._blocks[block][place]
        return cell

    def __iter__(self) -> Iterator[Cell]:
        return chain.from_iterable(map(_cells_of, self._blocks))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, list | PackedColumn):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:3])) + (", …" if len(self) > 3 else "")
        return f"PackedColumn({len(self):,} cells: {shown})"

    @property
    def holds_texts_alone(self) -> bool:
        """Whether no cell is None or of another kind."""
        return all(
            isinstance(block, _TextBlock) and None not in block.apart.values() for block in self._blocks
        )

    def _slice(self, start: int, stop: int, step: int) -> list[Cell]:
        # Of a few cells, the options of one question say, the others of their block need not be taken apart.
        if step != 1 or stop - start < CELLS_A_BLOCK // 8:
            return [self[place] for place in range(start, stop, step)]
        first, last = start // CELLS_A_BLOCK, -(-stop // CELLS_A_BLOCK)
        cells: list[Cell] = list(chain.from_iterable(map(_cells_of, self._blocks[first:last])))
        begin = first * CELLS_A_BLOCK
        return cells[start - begin : max(stop - begin, start - begin)]


class ColumnPacking(Generic[Cell]):
    """A column in the making: a list at first, packed once it has `pack_from` cells."""

    def __init__(self, pack_from: int | None = None) -> None:
        self._pack_from = PACK_FROM if pack_from is None else pack_from
        self._blocks: list[_Block] = []
        self._rest: list[Cell] = []

    def __len__(self) -> int:
        return len(self._blocks) * CELLS_A_BLOCK + len(self._rest)

    def extend(self, cells: Iterable[Cell]) -> None:
        """Add cells at the end."""
        self._rest.extend(cells)
        if len(self) >= self._pack_from:
            full = len(self._rest) // CELLS_A_BLOCK * CELLS_A_BLOCK
            for start in range(0, full, CELLS_A_BLOCK):
                self._blocks.append(_packed(self._rest[start : start + CELLS_A_BLOCK]))
            del self._rest[:full]

    def blocks(self) -> list[_Block]:
        """All cells in blocks, the last of which may be shorter."""
        return [*self._blocks, *([_packed(self._rest)] if self._rest else [])]

    def column(self) -> Sequence[Cell]:
        """The column; nothing can be added afterwards."""
        if not self._blocks:
            return self._rest
        return PackedColumn.of_blocks(self.blocks(), len(self))


class _TextBlock:
    """Texts joined to one string, and where each begins; `apart` are the places of None and of wide texts."""

    __slots__ = ("apart", "joined", "starts")

    def __init__(self, cells: list[Any]) -> None:
        self.apart: dict[int, str | None] = {place: None for place, cell in enumerate(cells) if cell is None}
        texts = [cell or "" for cell in cells] if self.apart else cells
        joined = "".join(texts)
        if _is_wide(joined):
            # One character beyond 16 bits makes all characters of a string take twice the room.
            self.apart |= {place: text for place, text in enumerate(texts) if _is_wide(text)}
            texts = ["" if place in self.apart else text for place, text in enumerate(texts)]
            joined = "".join(texts)
        self.joined = joined
        self.starts = array("I", accumulate(map(len, texts), initial=0))

    def __getitem__(self, place: int) -> str | None:
        if place in self.apart:
            return self.apart[place]
        return self.joined[self.starts[place] : self.starts[place + 1]]

    def cells(self) -> list[str | None]:
        starts, joined = self.starts, self.joined
        cells: list[str | None] = [joined[start:end] for start, end in zip(starts, starts[1:], strict=False)]
        for place, cell in self.apart.items():
            cells[place] = cell
        return cells


_Block = Any
"""A `_TextBlock`, or a list of cells of other kinds."""


def _packed(cells: list[Any]) -> _Block:
    kinds = set(map(type, cells))
    if str not in kinds or kinds - {str, type(None)}:
        return list(cells)
    return _TextBlock(cells)


def _is_wide(text: str) -> bool:
    return not text.isascii() and len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)


def mapped(function: Callable[[Any], Cell], cells: Sequence[Any]) -> Sequence[Cell]:
    """`function` of every cell, as a list or, where there are many, as a packed column.

    >>> mapped(str.lower, ["A", "B"])
    ['a', 'b']
    """
    packing = ColumnPacking[Cell]()
    for piece in pieces(len(cells)):
        packing.extend(map(function, cells[piece]))
    return packing.column()


def texts_of(
    text_of: Callable[[Any], str], cells: Sequence[Any], kept: Sequence[int] | None = None
) -> Sequence[str]:
    """`text_of` every cell, or of the cells at the places `kept`; a packed column of texts is its own.

    >>> texts_of(str, [1, "A", 2], [0, 2])
    ['1', '2']
    """
    if kept is not None:
        return mapped(lambda place: text_of(cells[place]), kept)
    if isinstance(cells, PackedColumn) and cells.holds_texts_alone:
        return cells
    return mapped(text_of, cells)


def pieces(n: int) -> Iterator[slice]:
    """Slices of `ROWS_A_PIECE` rows that together are `n` rows; one empty slice where there is none.

    >>> list(pieces(3))
    [slice(0, 3, None)]
    """
    for start in range(0, max(n, 1), ROWS_A_PIECE):
        yield slice(start, min(start + ROWS_A_PIECE, n))


def _cells_of(block: _Block) -> list[Any]:
    return block.cells() if isinstance(block, _TextBlock) else block
