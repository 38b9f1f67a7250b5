"""The same question twice: in one exam, in two splits (train/test contamination), and among few-shot examples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam, remembered
from cmexam_baseline.exam.normalise import normalise_texts
from cmexam_baseline.metrics.tokens import encode

# From the closest to the loosest; every question has the first that fits.
CATEGORIES = ("exact", "stem", "near", "none")

# 2^64 divided by the golden ratio, odd: multiplied by it, neighbouring code points end far apart.
_MULTIPLIER = 0x9E3779B97F4A7C15

# Stems with at least this rapidfuzz ratio (percent) count as nearly the same.
NEAR_RATIO = 90


@remembered
def copy_keys(exam: Exam) -> NDArray[np.uint64]:
    """A number per question, uint64 (n,), equal for the same stem with the same set of options.

    Width, case, blanks, punctuation and the order of the options do not matter, nor do answer and explanation.
    The number is the start of a SHA-256: the same in every process.
    """
    options = option_sets([exam.options(row) for row in range(len(exam))])
    stems = exam.normalised_questions
    return _numbers(
        ["\x1e".join([stem, *texts]).encode() for stem, texts in zip(stems, options, strict=True)]
    )


def option_keys(exam: Exam) -> NDArray[np.uint64]:
    """A number per option with its question, uint64 (m,), equal for copies of the question (see `copy_keys`)."""
    questions = np.repeat(copy_keys(exam), exam.n_options).tolist()
    texts = normalise_texts(exam.option_texts)
    return _numbers(
        [number.to_bytes(8, "little") + text.encode() for number, text in zip(questions, texts, strict=True)]
    )


def option_sets(options: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The options of n questions as they are compared: normalised, in an order that does not depend on theirs."""
    texts = iter(normalise_texts([text for question in options for text in question]))
    return [tuple(sorted(islice(texts, len(question)))) for question in options]


def first_copies(exam: Exam) -> dict[int, int]:
    """Row of a question -> row of the first with the same stem and options in any order, where there is one."""
    stems = exam.normalised_questions
    times = Counter(stems)
    repeated = [row for row, stem in enumerate(stems) if times[stem] > 1]
    seen: dict[tuple[str, tuple[str, ...]], int] = {}
    sets = option_sets([exam.options(row) for row in repeated])
    firsts = {
        row: seen.setdefault((stems[row], options), row) for row, options in zip(repeated, sets, strict=True)
    }
    return {row: first for row, first in firsts.items() if row != first}


def are_near(stem: str, other: str) -> bool:
    """Whether two normalised stems are nearly the same: at least `NEAR_RATIO` of their characters in order.

    >>> are_near("下列属于抗生素的是", "以下属于抗生素的是"), are_near("夜盲症", "坏血病")
    (False, False)
    >>> are_near("下列关于青霉素的叙述中正确的是", "下列有关青霉素的叙述中正确的是")
    True
    """
    from rapidfuzz import fuzz

    return fuzz.ratio(stem, other) >= NEAR_RATIO


def folds_of(keys: NDArray[np.uint64], n_folds: int, seed: int = 0) -> NDArray[np.int64]:
    """A fold number per row, int64 (n,), equal for equal keys; folds hold about as many keys each."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    return (shuffled % n_folds)[group].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Overlap:
    """How much of each of n questions occurs in another exam.

    category: str (n,): "exact" same stem and options in any order, "stem" same stem, "near" at least the
              given share of the stem's n-grams occurs in stems of the other exam, "none"
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
    """For every question of `other`, whether it occurs in `train` too.

    `size` is the length of the character n-grams, `near` the share of them from which a stem counts as
    "near": the definition by which 8.6% of CMExam's test split overlap with its training split. A stem
    shorter than `size` has no n-gram and is covered only by the same stem. n-grams are compared by 64-bit
    hashes; memory is some 20 bytes a character of the stems. Raises `InputError` for a size below 1 or a
    share outside 0–1.

    >>> from cmexam_baseline.exam.exam import Question
    >>> train = Exam.from_questions([Question("t1", "缺乏可致夜盲症的维生素是", ("维生素A", "维生素C"), "A")])
    >>> find_overlap(train, Exam.from_questions([
    ...     Question("q1", "缺乏可致夜盲症的维生素是（　）。", ("维生素C", "维生素A"), "B"),
    ...     Question("q2", "缺乏可致夜盲症的维生素是：", ("维生素D", "维生素A"), "B"),
    ... ])).category.tolist()
    ['exact', 'stem']
    """
    if size < 1 or not 0 < near <= 1:
        raise InputError(f"`size` must be at least 1, `near` above 0 and at most 1; got {size} and {near}")
    train_stems, stems = train.normalised_questions, other.normalised_questions
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
    trained = [row for rows in rows_of.values() for row in rows]
    train_options = dict(zip(trained, option_sets([train.options(row) for row in trained]), strict=True))
    found = {}
    for row, options in zip(repeated, option_sets([other.options(row) for row in repeated]), strict=True):
        places = rows_of[stems[row]]
        same = next((place for place in places if train_options[place] == options), None)
        found[row] = (places[0], False) if same is None else (same, True)
    return found


def _numbers(contents: Sequence[bytes]) -> NDArray[np.uint64]:
    digests = b"".join(hashlib.sha256(content).digest()[:8] for content in contents)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


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
        """The share of the n-grams of every row that occur here; 0 for a row without n-grams."""
        known = np.bincount(rows, weights=self._ranges(hashes)[1] > 0, minlength=n_rows)
        return known / np.maximum(np.bincount(rows, minlength=n_rows), 1)

    def nearest(
        self, hashes: NDArray[np.uint64], rows: NDArray[np.int32], wanted: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """For every wanted row the first training row that shares the most n-grams; each must share one."""
        found = []
        for start, stop in zip(
            *(np.searchsorted(rows, wanted, side) for side in ("left", "right")), strict=True
        ):
            first, counts = self._ranges(hashes[start:stop])
            sharing = [self.rows[place : place + count] for place, count in zip(first, counts, strict=True)]
            trained, shared = np.unique(np.concatenate(sharing), return_counts=True)
            found.append(int(trained[shared.argmax()]))
        return np.array(found, dtype=np.int64)

    def _ranges(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first = np.searchsorted(self.hashes, hashes, side="left")
        return first, np.searchsorted(self.hashes, hashes, side="right") - first


def _hashes(texts: list[str], size: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Hashes of all character n-grams, uint64, and the text that each occurs in, int32, rising."""
    codes, bounds = encode(texts)
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
