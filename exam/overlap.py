"""The same question in two splits: who learns from one and is asked the other has seen it before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.normalise import code_points, normalise_texts

# From the closest to the loosest; every question has the first that fits.
CATEGORIES = ("exact", "stem", "near", "none")

# 2^64 divided by the golden ratio, odd: multiplied by it, neighbouring code points end far apart.
_MULTIPLIER = 0x9E3779B97F4A7C15

# So many pairs of questions that share an n-gram are held at once.
_PAIRS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Overlap:
    """How much of each of n questions stands in another exam.

    category: str (n,): "exact" same stem and options in any order, "stem" same stem, "near" at least the
              given share of the stem's n-grams stands in stems of the other exam, "none"
    coverage: float64 (n,), that share, 0–1
    match:    int64 (n,), the row in the other exam: for "exact" and "stem" the first such, for "near" the
              first that shares the most n-grams; -1 for "none"

    Stems are compared as `normalise_text` gives them.
    """

    category: NDArray[np.str_]
    coverage: NDArray[np.float64]
    match: NDArray[np.int64]

    @property
    def overlaps(self) -> NDArray[np.bool_]:
        """Whether a question is anything but "none", bool (n,): the rows to leave out of a clean figure."""
        return self.match >= 0

    def counts(self) -> dict[str, int]:
        """Number of questions of each category, in the order of `CATEGORIES`.

        >>> Overlap(np.array(["none", "near"]), np.array([0.0, 0.9]), np.array([-1, 3])).counts()
        {'exact': 0, 'stem': 0, 'near': 1, 'none': 1}
        """
        return {name: int((self.category == name).sum()) for name in CATEGORIES}


def find_overlap(train: Exam, other: Exam, size: int = 10, near: float = 0.8) -> Overlap:
    """For every question of `other`, whether it stands in `train` too.

    `size` is the length of the character n-grams, `near` the share of them from which a stem counts as
    "near": the definition by which 8.6% of CMExam's test split overlap with its training split. A stem
    shorter than `size` has no n-gram and is covered only by the same stem. n-grams are compared by 64-bit
    hashes. Memory is some 20 bytes for each character of the stems. Raises `InputError` for a size below 1 or
    a share outside 0–1.

    >>> from cmexam_baseline.exam.question import Question
    >>> train = Exam.from_questions([Question("t1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A")])
    >>> other = Exam.from_questions([
    ...     Question("q1", "缺乏可致夜盲症的维生素是（　）。", ("维生素C", "维生素A"), "B"),
    ...     Question("q2", "缺乏可致夜盲症的维生素是：", ("维生素D", "维生素A"), "B"),
    ...     Question("q3", "脂溶性维生素不包括", ("维生素C", "维生素A"), "A"),
    ... ])
    >>> overlap = find_overlap(train, other)
    >>> overlap.category.tolist(), overlap.match.tolist()
    (['exact', 'stem', 'none'], [0, 0, -1])
    """
    if size < 1 or not 0 < near <= 1:
        raise InputError(f"size must be at least 1 and near above 0 and at most 1; got {size} and {near}")
    train_stems, stems = normalise_texts(train.questions), normalise_texts(other.questions)
    category = np.full(len(stems), "none", dtype="<U5")
    match = np.full(len(stems), -1, dtype=np.int64)
    grams = _Grams.of(train_stems, size)
    hashes, rows = _hashes(stems, size)
    coverage = grams.coverage(hashes, rows, len(stems))
    same_stems = _same_stems(train, train_stems, other, stems)
    for row, (place, exact) in same_stems.items():
        category[row], match[row], coverage[row] = "exact" if exact else "stem", place, 1.0
    is_near = (coverage >= near) & (match < 0)
    category[is_near] = "near"
    match[is_near] = grams.nearest(hashes, rows, np.flatnonzero(is_near))
    return Overlap(category, coverage, match)


def _same_stems(
    train: Exam, train_stems: list[str], other: Exam, stems: list[str]
) -> dict[int, tuple[int, bool]]:
    """Row of `other` -> (row of `train` with the same stem, whether the options are the same too)."""
    # A stem of punctuation alone says nothing.
    asked = set(stems) - {""}
    rows_of: dict[str, list[int]] = {}
    for row, stem in enumerate(train_stems):
        if stem in asked:
            rows_of.setdefault(stem, []).append(row)
    repeated = [row for row, stem in enumerate(stems) if stem in rows_of]
    train_options = _option_sets(train, [row for rows in rows_of.values() for row in rows])
    found = {}
    for row, options in _option_sets(other, repeated).items():
        places = rows_of[stems[row]]
        same = next((place for place in places if train_options[place] == options), None)
        found[row] = (places[0], False) if same is None else (same, True)
    return found


def _option_sets(exam: Exam, rows: list[int]) -> dict[int, list[str]]:
    """The options of each row, normalised, in an order that does not depend on theirs."""
    options = [exam.options(row) for row in rows]
    texts = iter(normalise_texts([text for question in options for text in question]))
    return {row: sorted(islice(texts, len(question))) for row, question in zip(rows, options, strict=True)}


@dataclass(frozen=True, eq=False)
class _Grams:
    """The n-grams of training stems: hashes in order, and the row of each; a row has each n-gram once."""

    hashes: NDArray[np.uint64]
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, stems: list[str], size: int) -> _Grams:
        hashes, rows = _hashes(stems, size)
        order = np.argsort(hashes, kind="stable")
        hashes, rows = hashes[order], rows[order]
        new = np.ones(len(hashes), dtype=np.bool_)
        new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
        return cls(hashes[new], rows[new])

    def coverage(
        self, hashes: NDArray[np.uint64], rows: NDArray[np.int32], n_rows: int
    ) -> NDArray[np.float64]:
        """The share of the n-grams of every row that stand here; 0 for a row without n-grams."""
        known = np.bincount(rows, weights=self._ranges(hashes)[1] > 0, minlength=n_rows)
        return known / np.maximum(np.bincount(rows, minlength=n_rows), 1)

    def nearest(
        self, hashes: NDArray[np.uint64], rows: NDArray[np.int32], wanted: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """For every wanted row the first training row that shares the most n-grams; each must share one."""
        chosen = np.isin(rows, wanted)
        hashes, rows = hashes[chosen], rows[chosen]
        first, counts = self._ranges(hashes)
        found = []
        for start, stop in _chunks(rows, counts):
            pairs = np.repeat(rows[start:stop], counts[start:stop]).astype(np.int64)
            trained = self.rows[_ranges_joined(first[start:stop], counts[start:stop])]
            keys, shared = np.unique(pairs << 32 | trained, return_counts=True)
            # Keys rise, so among equals the first training row stays first.
            order = np.lexsort((-shared, keys >> 32))
            best = np.unique(keys[order] >> 32, return_index=True)[1]
            found.append(keys[order][best] & 0xFFFFFFFF)
        return np.concatenate([np.zeros(0, dtype=np.int64), *found])

    def _ranges(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first = np.searchsorted(self.hashes, hashes, side="left")
        return first, np.searchsorted(self.hashes, hashes, side="right") - first


def _chunks(rows: NDArray[np.int32], counts: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Bounds of runs of whole rows, each some `_PAIRS_AT_ONCE` pairs, or one row with more."""
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    pairs_before = (np.cumsum(counts) - counts)[starts]
    chunk_of_row = pairs_before // _PAIRS_AT_ONCE
    bounds = starts[np.flatnonzero(np.diff(chunk_of_row, prepend=-1))].tolist()
    return zip(bounds, [*bounds[1:], len(rows)], strict=False)


def _ranges_joined(first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """first[0], first[0]+1, … counts[0] times, then those of the next, int64."""
    ends = np.cumsum(counts)
    return np.repeat(first - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)


def _hashes(texts: list[str], size: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Hashes of all character n-grams, uint64, and the text that each stands in, int32, rising."""
    codes, bounds = code_points(texts)
    n_grams = max(len(codes) - size + 1, 0)
    hashes = np.zeros(n_grams, dtype=np.uint64)
    for place in range(size):
        hashes *= np.uint64(_MULTIPLIER)
        hashes += codes[place : place + n_grams]
        hashes ^= hashes >> np.uint64(29)
    texts_of = np.repeat(np.arange(len(texts), dtype=np.int32), np.diff(bounds))[:n_grams]
    # An n-gram that runs beyond the end of its text is none.
    within = np.arange(n_grams) + size <= bounds[texts_of.astype(np.int64) + 1]
    return hashes[within], texts_of[within]
