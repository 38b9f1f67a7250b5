"""Cells that hold an answer of several options: a list of their texts, letters or numbers, or a flag for every option."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cmexam_baseline.exam.io.options_cell import printed_value
from cmexam_baseline.exam.io.table import cell_text
from cmexam_baseline.exam.letters import LETTERS, mask_to_letters, parse_letters
from cmexam_baseline.scoring.outputs.joining import places_of_text, same_options

_NUMBER = re.compile(r"\d{1,9}(?:\.0)?", re.ASCII)
_NUMBERS = re.compile(r"[\[({]?\s*\d{1,9}(?:\s*[,，、;；|/\s]\s*\d{1,9})+\s*[\])}]?", re.ASCII)
_FLAGS = {"true": 1, "false": 0, "1": 1, "0": 0}
_LETTERED = re.compile(r"(?P<prefix>.*?)[ _.-]?(?P<letter>[A-J])")
# A column holds what this share of its filled cells holds.
_MOST = 0.8


@dataclass(frozen=True)
class AnswerSets:
    """Columns whose lists became one answer a cell, as letters or numbers: name -> cells.

    ambiguous: columns whose lists may be answers of several options, or several replies
    """

    columns: dict[str, list[object]] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)


def find_answer_sets(
    columns: Mapping[str, Sequence[object]], rows: Sequence[int], options_of: Callable[[int], Sequence[str]]
) -> AnswerSets:
    """Look for sets of answers in columns.

    rows:       the rows to look at
    options_of: row -> the options of its question in the order in which the model saw them
    """
    found = AnswerSets()
    for name, cells in columns.items():
        held = [cells[row] for row in rows]
        if not any(map(_may_be_list, held)):
            continue
        lists = list(map(_items, held))
        options = list(map(options_of, rows))
        if _are_all_letters(lists, options):
            found.columns[name] = list(map(_items, cells))
            continue
        kind, are_sets = _kind(lists, options)
        if all(isinstance(cell, tuple) for cell in held if cell is not None):  # scores, unless several are 1
            kind = kind if kind == "flags" and any(items.count("1") > 1 for items in lists) else ""
        if kind and are_sets:
            found.columns[name] = [
                _as_one_answer(cell, options_of(row), kind) for row, cell in enumerate(cells)
            ]
        elif kind and are_sets is None:
            found.ambiguous.add(name)
    return found


def _are_all_letters(lists: Sequence[list[str]], options: Sequence[Sequence[str]]) -> bool:
    """Whether lists are the letters that a model could choose from, as lighteval keeps them: no answers."""
    filled = [(items, texts) for items, texts in zip(lists, options, strict=True) if items]
    n_all = sum(items == list(LETTERS[: len(texts)]) for items, texts in filled)
    return bool(filled) and n_all >= _MOST * len(filled)


def merge_flags(columns: Mapping[str, Sequence[object]], rows: Sequence[int]) -> dict[str, Sequence[object]]:
    """The columns, those that hold a flag each for option A, B, … (pred_A, pred_B, …) as one column of lists.

    >>> merge_flags({"id": [7], "pred_A": [1], "pred_B": [0]}, [0])
    {'id': [7], 'pred': [[1, 0]]}
    """
    families: dict[str, dict[str, str]] = {}
    for name in columns:
        found = _LETTERED.fullmatch(name.strip())
        if found and rows and all(_flag(columns[name][row]) is not None for row in rows):
            families.setdefault(found["prefix"], {})[found["letter"].upper()] = name
    merged = dict(columns)
    for prefix, by_letter in families.items():
        letters = sorted(by_letter)
        if len(letters) > 1 and letters == list(LETTERS[: len(letters)]):
            names = [by_letter[letter] for letter in letters]
            merged = {name: cells for name, cells in merged.items() if name not in names}
            merged[prefix or f"A to {letters[-1]}"] = list(
                map(list, zip(*map(columns.get, names), strict=True))
            )
    return merged


def _flag(cell: object) -> int | None:
    """0 or 1, "" for a question without the option; None for anything else."""
    text = cell_text(cell).strip().lower()
    return _FLAGS.get(text.removesuffix(".0"), None if text else 0)


def index_mask(cell: object, n_options: int, base: int) -> int:
    """The bit mask of one number or several that count options from `base`, also without separators; 0 for others.

    >>> index_mask("2", 5, 1), index_mask("[0, 2]", 5, 0), index_mask("135", 5, 1), index_mask("7", 5, 1)
    (2, 5, 21, 0)
    """
    items = _items(cell)
    if not items or not all(map(_NUMBER.fullmatch, items)):
        return 0
    numbers = list(map(_number, items))
    if len(items) == 1 and (numbers[0] - base >= n_options or items[0] != str(numbers[0])):
        numbers = list(map(int, items[0].removesuffix(".0")))
        numbers = numbers if numbers == sorted(set(numbers)) else []
    places = {number - base for number in numbers}
    fits = len(places) == len(numbers) and all(0 <= place < n_options for place in places)
    return sum(1 << place for place in places) if fits else 0


def _number(text: str) -> int:
    return int(text.removesuffix(".0"))


def _may_be_list(cell: object) -> bool:
    return isinstance(cell, list | tuple) or isinstance(cell, str) and cell.lstrip()[:1] in ("[", "{")


def _items(cell: object) -> list[str]:
    """The entries of a list, also of a printed one or of numbers with separators; a cell of anything else is its own."""
    if isinstance(cell, str) and _may_be_list(cell):
        value = printed_value(cell.strip())
        if isinstance(value, Mapping) and [str(key).upper() for key in value] == list(LETTERS[: len(value)]):
            value = list(value.values())
        cell = value if isinstance(value, list) else cell
    if isinstance(cell, list | tuple):
        return [text for item in cell if (text := cell_text(item).strip())]
    text = cell_text(cell).strip()
    return re.findall(r"\d+", text) if _NUMBERS.fullmatch(text) else [text] if text else []


def _kind(lists: Sequence[list[str]], options: Sequence[Sequence[str]]) -> tuple[str, bool | None]:
    """What the lists of a column hold, "" for none of the kinds, and whether they are sets; None = open."""
    filled = [(items, texts) for items, texts in zip(lists, options, strict=True) if items]
    several = [items for items, _ in filled if len(items) > 1]
    if not several or sum(same_options(*pair) for pair in filled) >= _MOST * len(filled):
        return "", None
    for kind in ("flags", "numbers", "letters", "texts"):
        places = [_places(items, texts, kind) for items, texts in filled]
        known = [each for each in places if each is not None]
        if len(known) >= _MOST * len(filled):
            return kind, kind == "flags" or _are_sets(known)
    return "", None


def _are_sets(lists: Sequence[list[int]]) -> bool | None:
    """Whether lists are sets of options, False where they are samples, None where they may be either."""
    several = [each for each in lists if len(each) > 1]
    same_length = len(set(map(len, lists))) == 1
    n_repeated = sum(len(set(each)) < len(each) for each in several)
    if not n_repeated:
        return True if not same_length or all(each == sorted(each) for each in several) else None
    return False if same_length or n_repeated > len(several) / 2 else None


def _places(items: Sequence[str], options: Sequence[str], kind: str) -> list[int] | None:
    """The places of the options that a list names, in its order; None where it holds anything else."""
    if kind == "flags":
        flags = [_FLAGS.get(item.lower()) for item in items]
        fits = None not in flags and len(flags) >= len(options) > 0 and not any(flags[len(options) :])
        return [place for place, flag in enumerate(flags) if flag] if fits else None
    if kind == "numbers":
        return list(map(_number, items)) if all(map(_NUMBER.fullmatch, items)) else None
    found = list(_letters(items) if kind == "letters" else _texts(items, options))
    return None if None in found else [place for place in found if place is not None]


def _letters(items: Sequence[str]) -> Iterator[int | None]:
    for item in items:
        mask = parse_letters(item) or 0
        yield mask.bit_length() - 1 if mask.bit_count() == 1 else None


def _texts(items: Sequence[str], options: Sequence[str]) -> Iterator[int | None]:
    for item in items:
        places = places_of_text(item, options) or places_of_text(item[1:].lstrip(" .．、:：)）"), options)
        yield places[0] if len(places) == 1 else None


def _as_one_answer(cell: object, options: Sequence[str], kind: str) -> object:
    """A cell as one answer: letters, numbers with commas, or where it fits neither its entries as one text."""
    items = _items(cell)
    if kind == "numbers":
        return ",".join(items)
    places = _places(items, options, kind) if options else None
    return "；".join(items) if places is None else mask_to_letters(sum(1 << place for place in set(places)))
