"""Evidence by meaning: training questions and options as vectors of a frozen encoder, handed in as a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.features.arrays import Columns
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.training_index import right_options
from cmexam_baseline.metrics.ragged import positions, row_numbers

Vectors = NDArray[np.float32]

_BLOCK = 32
_NEIGHBOURS = 64
# Similarity is raised to this power, so that the nearest count and the many that are a little alike do not.
_SHARPNESS = 4


@dataclass(frozen=True)
class Embedder:
    """A frozen encoder as the features see it.

    name:        as the user gave it, to find it again
    fingerprint: of its weights; vectors of other weights mean nothing to a trained model
    embed:       n texts to float32 (n, d); called with a progress
    """

    name: str
    fingerprint: str
    embed: Callable[[Sequence[str], Progress], Vectors]

    def describe(self) -> dict[str, str]:
        """What a saved model remembers."""
        return {"name": self.name, "fingerprint": self.fingerprint}


@dataclass(frozen=True, eq=False)
class DenseIndex:
    """Training questions and their options by meaning.

    stems:   float16 (n, d), of length 1 after the mean was taken away
    texts:   float16 (distinct options, d), the same
    means:   float32 (2, d), what was taken away from stems and options
    options: int64 (n, most options), rows of `texts`, -1 where a question has no such option
    right:   bool (n, most options)
    negated: bool (n,) whether the stem asks for the wrong option
    keys:    uint64 (n,); a question never sees one with its own key (see `copy_keys`)
    """

    stems: NDArray[np.float16]
    texts: NDArray[np.float16]
    means: Vectors
    options: NDArray[np.int64]
    right: NDArray[np.bool_]
    negated: NDArray[np.bool_]
    keys: Keys

    @classmethod
    def fit(
        cls, exam: Exam, embedder: Embedder, keys: Keys | None = None, progress: Progress = no_progress
    ) -> DenseIndex:
        """The index of `exam`; questions with equal `keys` (default: `copy_keys`) never see each other."""
        distinct = {text: number for number, text in enumerate(dict.fromkeys(exam.option_texts))}
        stems, texts = _embedded(embedder, exam.questions, list(distinct), progress)
        means = np.stack([stems.mean(axis=0), texts.mean(axis=0)])
        return cls(
            stems=_unit(stems - means[0]).astype(np.float16),
            texts=_unit(texts - means[1]).astype(np.float16),
            means=means,
            options=_padded(exam, np.array([distinct[text] for text in exam.option_texts]), -1),
            right=_padded(exam, right_options(exam), False),
            negated=is_negated(exam.questions),
            keys=copy_keys(exam) if keys is None else keys,
        )

    def evidence(
        self, exam: Exam, embedder: Embedder, keys: Keys | None = None, progress: Progress = no_progress
    ) -> Columns:
        """Columns of evidence, each float64 with one value per option, flat in exam order."""
        stems, texts = _embedded(embedder, exam.questions, exam.option_texts, progress)
        if stems.shape[1:] != self.means.shape[1:]:
            raise InputError(
                f"{embedder.name} gives vectors of length {stems.shape[1]}, the model was trained with "
                f"{self.means.shape[1]}; give the encoder that it was trained with"
            )
        keys = copy_keys(exam) if keys is None else keys
        options = np.concatenate([_unit(texts - self.means[1]), np.zeros((1, texts.shape[1]), np.float32)])
        asked = _Asked(
            _unit(stems - self.means[0]),
            options[_padded(exam, np.arange(len(texts)), len(texts))],
            is_negated(exam.questions),
            keys,
        )
        known = _Known(self)
        parts = []
        for start in range(0, len(exam), _BLOCK):
            progress("comparing meanings", start, len(exam))
            parts.append(known.columns_of(asked, slice(start, start + _BLOCK)))
        progress("comparing meanings", len(exam), len(exam))
        present = np.arange(asked.options.shape[1]) < exam.n_options[:, None]
        return {
            name: np.concatenate([part[name] for part in parts]).astype(np.float64)[present]
            for name in parts[0]
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DenseIndex:
        """The index that `arrays` described; raises `KeyError` where a part is missing."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class _Asked:
    """stems (n, d) and options (n, most options, d) of length 1, options that are not there 0."""

    stems: Vectors
    options: Vectors
    negated: NDArray[np.bool_]
    keys: Keys


class _Known:
    """An index with its vectors in the form that arithmetic wants."""

    def __init__(self, index: DenseIndex) -> None:
        self.index = index
        self.stems = index.stems.astype(np.float32)
        none = np.zeros((1, index.texts.shape[1]), np.float32)
        self.texts = np.concatenate([index.texts.astype(np.float32), none])

    def columns_of(self, asked: _Asked, rows: slice) -> dict[str, NDArray[np.float32]]:
        """Evidence for the options of a few questions, each (rows, most options)."""
        stems, options = asked.stems[rows], asked.options[rows]
        near, similarity = self._neighbours(stems, asked.keys[rows])
        offered = self.texts[self.index.options[near]]
        n, k, most, d = offered.shape
        # Products this small are done before the threads of a BLAS have started.
        products = np.einsum("nqd,npd->nqp", options, offered.reshape(n, k * most, d))
        alike = np.maximum(products, 0).reshape(n, -1, k, most)
        same_sense = asked.negated[rows][:, None] == self.index.negated[near]
        right = self.index.right[near]
        wrong = ~right & (self.index.options[near] >= 0)
        columns = {
            **_ratings("meant", similarity, alike, right, wrong),
            **_ratings(
                "meant_true", similarity, alike, *_turned(right, wrong, np.broadcast_to(same_sense, (n, k)))
            ),
            "meant_like_stem": (options @ stems[:, :, None])[:, :, 0],
            "meant_like_others": options @ options.sum(axis=1)[:, :, None],
        }
        columns["meant_like_others"] = columns["meant_like_others"][:, :, 0]
        return columns

    def _neighbours(self, stems: Vectors, keys: Keys) -> tuple[NDArray[np.int64], Vectors]:
        """The nearest training questions of each stem and how like they are, 0 for those with its own key."""
        similarity = np.maximum(stems @ self.stems.T, 0)
        similarity[keys[:, None] == self.index.keys] = 0
        k = min(_NEIGHBOURS, similarity.shape[1])
        near = np.argpartition(-similarity, k - 1, axis=1)[:, :k].astype(np.int64)
        return near, np.take_along_axis(similarity, near, axis=1)


def _turned(
    right: NDArray[np.bool_], wrong: NDArray[np.bool_], same_sense: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Right and wrong options, exchanged where one stem asks for what holds and the other for what does not."""
    same = same_sense[:, :, None]
    return np.where(same, right, wrong), np.where(same, wrong, right)


def _ratings(
    name: str, similarity: Vectors, alike: Vectors, right: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """How the neighbours rated options like each of those asked.

    similarity: (n, neighbours) of the stems; alike: (n, options, neighbours, their options)
    """
    weights = (similarity**_SHARPNESS)[:, None, :]
    total = weights.sum(axis=2) + 1e-9
    sharp = alike**_SHARPNESS
    columns: dict[str, NDArray[np.float32]] = {}
    for verdict, holds in (("right", right), ("wrong", wrong)):
        best = (alike * holds[:, None]).max(axis=3)
        columns[f"{name}_{verdict}_near"] = (weights * best).sum(axis=2) / total
        columns[f"{name}_{verdict}_best"] = (similarity[:, None, :] * best).max(axis=2)
        columns[f"{name}_{verdict}_sharp"] = (weights * (sharp * holds[:, None]).sum(axis=3)).sum(axis=2)
    for kind in ("near", "best", "sharp"):
        good, bad = columns[f"{name}_right_{kind}"], columns[f"{name}_wrong_{kind}"]
        columns[f"{name}_balance_{kind}"] = good - bad
        columns[f"{name}_odds_{kind}"] = (good + 1e-4) / (good + bad + 4e-4)
    return columns


def _embedded(
    embedder: Embedder, stems: Sequence[str], options: Sequence[str], progress: Progress
) -> tuple[Vectors, Vectors]:
    vectors = embedder.embed([*stems, *options], progress).astype(np.float32)
    return vectors[: len(stems)], vectors[len(stems) :]


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit


def _padded(exam: Exam, values: NDArray[Any], filling: Any) -> NDArray[Any]:
    """One value per option as a table (questions, most options)."""
    owner = row_numbers(exam.option_offsets)
    table = np.full((len(exam), int(exam.n_options.max(initial=1))), filling, dtype=values.dtype)
    table[owner, positions(exam.option_offsets)] = values
    return table
