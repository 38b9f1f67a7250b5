"""Evidence by meaning, one question, option and neighbour at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam
from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.stem_wording import is_negated

Floats = NDArray[np.floating]


def letter_counts(texts: Sequence[str], progress: object = None) -> Floats:
    """An embedder for tests: how often characters of each remainder by 48 stand in a text, and a constant."""
    vectors = np.full((len(texts), 49), 0.3, np.float32)
    for row, text in enumerate(texts):
        for character in text:
            vectors[row, ord(character) % 48] += 1
    return vectors


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def slow_evidence(
    train: Exam, asked: Exam, embed: Callable[[Sequence[str]], Floats]
) -> dict[str, list[float]]:
    """The columns that do not compare verdicts, for training exams of at most 64 questions."""
    assert len(train) <= 64
    distinct = list(dict.fromkeys(train.option_texts))
    stem_mean, option_mean = embed(train.questions).mean(axis=0), embed(distinct).mean(axis=0)
    stems, asked_stems = _unit(embed(train.questions) - stem_mean), _unit(embed(asked.questions) - stem_mean)
    options = _unit(embed(train.option_texts) - option_mean)
    asked_options = _unit(embed(asked.option_texts) - option_mean)
    keys, asked_keys = copy_keys(train), copy_keys(asked)
    negated, asked_negated = is_negated(train.questions), is_negated(asked.questions)
    columns: dict[str, list[float]] = {}
    for row in range(len(asked)):
        own = range(asked.option_offsets[row], asked.option_offsets[row + 1])
        for option in own:
            vector = asked_options[option]
            add = {
                "meant_like_stem": vector @ asked_stems[row],
                "meant_like_others": sum(vector @ asked_options[one] for one in own),
            }
            for name, turn in (("meant", False), ("meant_true", True)):
                for verdict in (True, False):
                    near = total = best = sharp = 0.0
                    for other in range(len(train)):
                        like = max(0.0, asked_stems[row] @ stems[other]) * (keys[other] != asked_keys[row])
                        flip = turn and negated[other] != asked_negated[row]
                        likes = [
                            max(0.0, vector @ options[place])
                            for i, place in enumerate(
                                range(train.option_offsets[other], train.option_offsets[other + 1])
                            )
                            if (bool(train.answers[other] >> i & 1) != flip) == verdict
                        ]
                        most = max(likes, default=0.0)
                        near, total = near + like**4 * most, total + like**4
                        best = max(best, like * most)
                        sharp += like**4 * sum(one**4 for one in likes)
                    word = "right" if verdict else "wrong"
                    add[f"{name}_{word}_near"] = near / total if total else 0.0
                    add[f"{name}_{word}_best"] = best
                    add[f"{name}_{word}_sharp"] = sharp
            for key, value in add.items():
                columns.setdefault(key, []).append(float(value))
    return columns
