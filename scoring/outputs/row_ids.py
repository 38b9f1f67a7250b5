"""What ids of rows say beside the exam's: a number, a position, another split, or no more than that a server made them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from cmexam_baseline.exam.splits import split_of
from cmexam_baseline.scoring.outputs.column_names import leaf_key

# Ids that a server makes for its own use. A short number behind a prefix (req-17) is the user's.
_SERVER_ID = re.compile(
    r"(chatcmpl|cmpl)[-_].*|(resp|msg|gen|req)[-_](?!\d{1,9}$).*|[0-9a-f]{8}-[0-9a-f-]{20,}|[0-9a-f]{24,}",
    re.I,
)
# Names, as `leaf_key` gives them, under which servers return such ids. Those of a custom_id were sent with the request.
_OF_SERVERS = {"id", "uid", "uuid", "requestid", "responseid"}


def plain_id(value: str) -> str:
    """An id as text; whole numbers that a table program made floats are whole again."""
    text = value.strip()
    return text[:-2] if text[-2:] == ".0" and text[:-2].isdecimal() else text


def numbers_of(ids: Sequence[str]) -> list[int] | None:
    """The numbers of ids that are the same text and a number each; None for other ids.

    >>> numbers_of(["exam_7", "exam_029"]), numbers_of(["7", "29"]), numbers_of(["a1", "b2"])
    ([7, 29], [7, 29], None)
    """
    parts = [re.fullmatch(r"(.*\D)?(\d{1,9})", value, re.ASCII) for value in ids]
    found = [(part[1], int(part[2])) for part in parts if part]
    return [number for _, number in found] if len({text for text, _ in found}) == 1 and all(parts) else None


def split_named(ids: Sequence[str]) -> str | None:
    """The split that the text before the number of every id names, None where it names none.

    >>> split_named(["val-1", "val-2"]), split_named(["CMExam_dev_7"]), split_named(["q-1"])
    ('val', 'val', None)
    """
    if not ids or numbers_of(ids) is None:
        return None
    found = {split for word in re.findall("[a-z]+", ids[0].lower()) if (split := split_of(word))}
    return found.pop() if len(found) == 1 else None


def position_base(numbers: Sequence[int], n: int) -> int | None:
    """0 or 1 where numbers count the n rows of the exam's file from there; None where they do not, or leave it open."""
    if 0 in numbers and max(numbers) < n:
        return 0
    return 1 if numbers and 0 not in numbers and max(numbers) == n else None


def restarts(numbers: Sequence[int], groups: Sequence[str] | None, n: int) -> bool:
    """Whether numbers count only the first of n rows, each the same number of times, as an index does that restarts."""
    pairs = Counter(zip(numbers, groups or [""] * len(numbers), strict=True))
    each = set(pairs.values())
    distinct = sorted(set(numbers))
    counts_up = distinct == list(range(distinct[0], distinct[0] + len(distinct)))
    return len(each) == 1 and each != {1} and counts_up and distinct[0] < 2 and len(distinct) < n


def are_of_server(ids: Sequence[str], column: str | None) -> bool:
    """Whether a server made all ids of a column of this name."""
    named = column is None or leaf_key(column) in _OF_SERVERS
    return named and all(map(_SERVER_ID.fullmatch, ids))


def count_up(ids: Sequence[str]) -> bool:
    """Whether ids are consecutive numbers, which say no more than the order of the rows."""
    return all(map(str.isdecimal, ids)) and all(b - a == 1 for a, b in pairwise(map(int, ids)))
