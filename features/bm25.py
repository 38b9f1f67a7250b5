"""The sentences of explanations once more, ranked by BM25."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.arrays import Columns, segment_max, segment_rows, segment_sum
from cmexam_baseline.features.inverted_index import InvertedIndex, as_array
from cmexam_baseline.features.threads import in_threads
from cmexam_baseline.features.training_index import TrainingIndex

_BLOCK = 64
# Sentences with less than this of the k1 + 1 that they could have say nothing about an option.
_THRESHOLD = 0.25


@dataclass(frozen=True, eq=False)
class BM25Index:
    """Stems and sentences of a `TrainingIndex` with BM25's weights; a row sees those of other questions only.

    What is a usual length comes from stems alone, so that no explanation moves the figures of its own question.
    """

    stems: InvertedIndex
    sentences: InvertedIndex

    @classmethod
    def fit(cls, index: TrainingIndex, exam: Exam) -> BM25Index:
        """The index of the questions that `index` was made of, `exam`."""
        vocabulary = index.vocabulary
        stems, sentences = vocabulary.counts(exam.questions), vocabulary.counts(index.sentence_texts)
        usual_length = max(1.0, float(stems.sum()) / len(exam))
        return cls(
            InvertedIndex.build(vocabulary.bm25(stems, usual_length), index.stems.keys),
            InvertedIndex.build(vocabulary.bm25(sentences, usual_length), index.sentences.keys),
        )

    def evidence(self, index: TrainingIndex, exam: Exam, progress: Progress = no_progress) -> Columns:
        """How well one sentence speaks of stem and option, one value an option, flat in exam order."""
        vocabulary, keys = index.vocabulary, copy_keys(exam)
        stems = vocabulary.rarities(vocabulary.counts(exam.questions))
        options = vocabulary.rarities(vocabulary.counts(exam.option_texts))

        def block(start: int) -> Columns:
            rows = slice(start, start + _BLOCK)
            offsets = exam.option_offsets[start : start + _BLOCK + 1]
            asked_stems, asked_options = stems[rows], options[offsets[0] : offsets[-1]]
            owner = segment_rows(offsets - offsets[0])
            scores = self.sentences.scores(asked_options, keys[rows][owner], _THRESHOLD)
            asking, of_option = owner[segment_rows(scores.indptr)], scores.data.astype(np.float64)
            with as_array(self.sentences.scores(asked_stems, keys[rows])) as near_sentence:
                of_stem = near_sentence[asking, scores.indices].astype(np.float64)
            with as_array(self.stems.scores(asked_stems, keys[rows])) as near:
                near_question = near[asking, index.sentence_owner[scores.indices]] * of_option
            joint = of_stem * of_option
            return {
                "bm25_best": segment_max(joint, scores.indptr),
                "bm25_squares": segment_sum(joint**2, scores.indptr),
                "bm25_sharp": segment_sum(of_stem**2 * of_option**4, scores.indptr),
                "bm25_both": segment_max(np.minimum(of_stem, of_option), scores.indptr),
                "bm25_near_best": segment_max(near_question, scores.indptr),
                "bm25_near_squares": segment_sum(near_question**2, scores.indptr),
            }

        parts: list[Columns] = []
        for columns in in_threads(block, range(0, len(exam), _BLOCK)):
            progress("ranking sentences", min(len(parts) * _BLOCK, len(exam)), len(exam))
            parts.append(columns)
        progress("ranking sentences", len(exam), len(exam))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        parts = {"stems": self.stems, "sentences": self.sentences}
        return {
            f"{part}.{name}": one for part, index in parts.items() for name, one in index.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> BM25Index:
        """The index that `arrays` described; raises `KeyError` where a part is missing."""

        def part(prefix: str) -> InvertedIndex:
            own = {name.removeprefix(prefix): one for name, one in arrays.items() if name.startswith(prefix)}
            return InvertedIndex.from_arrays(own)

        return cls(part("stems."), part("sentences."))
