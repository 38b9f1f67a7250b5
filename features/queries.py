"""An exam as queries to the training index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.features.inverted_index import Keys
from cmexam_baseline.features.training_index import TrainingIndex, comparable, padded_ids
from cmexam_baseline.metrics.ragged import row_numbers

if TYPE_CHECKING:
    import scipy.sparse as sp


@dataclass(frozen=True, eq=False)
class Queries:
    """Questions and their options as rows over the index's terms.

    stems:         float32 CSR (n, terms), TF-IDF
    options:       float32 CSR (m, terms), TF-IDF
    option_shares: float32 CSR (m, terms), the share of each term in the weight of the option, sums 1
    option_norms:  float32 (m,), as of `Vocabulary.norms`
    stem_idf:      float32 CSR (n, terms), the idf of each term of the stem that is indexed
    option_ids:    int64 (n, most options), numbers of the option texts in the index, -1 for none
    option_texts:  the options as compared for "the same option"
    offsets:       int64 (n+1,)
    owner:         int64 (m,) question of each option
    keys:          uint64 (n,); documents with a question's key are not seen
    negated:       bool (n,) whether the stem asks for the wrong option
    """

    stems: sp.csr_matrix
    options: sp.csr_matrix
    option_shares: sp.csr_matrix
    option_norms: NDArray[np.float32]
    stem_idf: sp.csr_matrix
    option_ids: NDArray[np.int64]
    option_texts: list[str]
    offsets: NDArray[np.int64]
    owner: NDArray[np.int64]
    keys: Keys
    negated: NDArray[np.bool_]

    @classmethod
    def of(cls, exam: Exam, keys: Keys, index: TrainingIndex) -> Queries:
        """The questions of `exam` over the terms of `index`."""
        vocabulary = index.vocabulary
        stem_counts, option_counts = index.counts(exam)
        stems, texts = vocabulary.tfidf(stem_counts), comparable(exam.option_texts)
        return cls(
            stems=stems,
            options=vocabulary.tfidf(option_counts),
            option_shares=vocabulary.shares(option_counts),
            option_norms=vocabulary.norms(option_counts),
            stem_idf=index.with_idf(stems),
            option_ids=padded_ids([index.text_ids.get(text, -1) for text in texts], exam.option_offsets),
            option_texts=texts,
            offsets=exam.option_offsets,
            owner=row_numbers(exam.option_offsets),
            keys=keys,
            negated=is_negated(exam.questions),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def blocks(self, size: int) -> Iterator[Queries]:
        """The questions in order, `size` at a time."""
        for start in range(0, len(self), size):
            offsets = self.offsets[start : start + size + 1]
            questions, options = slice(start, start + size), slice(int(offsets[0]), int(offsets[-1]))
            yield Queries(
                stems=self.stems[questions],
                options=self.options[options],
                option_shares=self.option_shares[options],
                option_norms=self.option_norms[options],
                stem_idf=self.stem_idf[questions],
                option_ids=self.option_ids[questions],
                option_texts=self.option_texts[options],
                offsets=offsets - offsets[0],
                owner=self.owner[options] - start,
                keys=self.keys[questions],
                negated=self.negated[questions],
            )

    @property
    def option_keys(self) -> Keys:
        """The key of each option's question, uint64 (m,)."""
        return self.keys[self.owner]
