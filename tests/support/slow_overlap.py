"""The overlap of two exams by the definition, question by question."""

from __future__ import annotations

import unicodedata

from cmexam_baseline.exam import Exam


def normalise(text: str) -> str:
    """NFKC, case folded, without punctuation, separators and control characters."""
    folded = unicodedata.normalize("NFKC", text.replace("\x1e", "")).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] not in "PZC")


def grams(stem: str, size: int) -> list[str]:
    """All character n-grams of a stem, in order, with repetition."""
    return [stem[place : place + size] for place in range(len(stem) - size + 1)]


def overlap(train: Exam, other: Exam, size: int, near: float) -> list[tuple[str, float, int]]:
    """Category, coverage and matched row for every question of `other`."""
    stems = [normalise(text) for text in train.questions]
    options = [sorted(map(normalise, train.options(row))) for row in range(len(train))]
    of_stem = [set(grams(stem, size)) for stem in stems]
    known = set().union(*of_stem)
    found = []
    for row, question in enumerate(other.questions):
        stem = normalise(question)
        same = [place for place, trained in enumerate(stems) if stem and trained == stem]
        exact = [place for place in same if options[place] == sorted(map(normalise, other.options(row)))]
        own = grams(stem, size)
        coverage = sum(gram in known for gram in own) / len(own) if own else 0.0
        if exact:
            found.append(("exact", 1.0, exact[0]))
        elif same:
            found.append(("stem", 1.0, same[0]))
        elif coverage >= near:
            shared = [sum(gram in trained for gram in own) for trained in of_stem]
            found.append(("near", coverage, shared.index(max(shared))))
        else:
            found.append(("none", coverage, -1))
    return found
