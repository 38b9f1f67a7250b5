"""Passages of a corpus as evidence for the options of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.arrays import (
    Columns,
    join_parts,
    join_texts,
    split_parts,
    split_texts,
)
from cmexam_baseline.features.corpus import LEFT_OUT_FIELDS, NO_KEY, Corpus, LeftOut, contained_questions
from cmexam_baseline.features.inverted_index import FULL_COVERAGE, InvertedIndex, best_pairs
from cmexam_baseline.features.vocabulary import Vocabulary
from cmexam_baseline.metrics.ragged import row_numbers
from cmexam_baseline.metrics.threads import in_threads

_BLOCK = 64
# Texts are counted this many at a time, so that memory does not grow with the corpus.
_CHUNK = 20_000


@dataclass(frozen=True)
class Passage:
    """A passage that is evidence for an option.

    source and heading: where it is from
    like_stem:          0–1, cosine similarity of the passage and the stem
    like_option:        0–1, the share of the option that it holds
    """

    source: str
    heading: str
    text: str
    like_stem: float
    like_option: float


@dataclass(frozen=True, eq=False)
class CorpusIndex:
    """The passages of a corpus, indexed with the weights of their own terms.

    corpus:     the passages
    vocabulary: terms of the passages and of the training questions; idf counts passages and questions
    index:      the passages, each with its heading
    """

    corpus: Corpus
    vocabulary: Vocabulary
    index: InvertedIndex

    @classmethod
    def fit(cls, corpus: Corpus, exam: Exam, progress: Progress = no_progress) -> CorpusIndex:
        """The index of `corpus` for training on `exam`."""
        texts = corpus.texts_with_headings("\n")
        progress("indexing the corpus", 0, 2)
        every = [*texts, *exam.questions, *exam.option_texts]
        vocabulary = Vocabulary.fit(every, np.arange(len(every)))
        progress("indexing the corpus", 1, 2)
        index = InvertedIndex.build(*_weights(vocabulary, texts))
        progress("indexing the corpus", 2, 2)
        return cls(corpus, vocabulary, index)

    def evidence(self, exam: Exam, progress: Progress = no_progress) -> Columns:
        """Feature columns, one number per option, flat in exam order.

        No question sees a passage that contains it (`contained_questions`).
        """
        asked = _Asked(self, exam)
        parts: list[Columns] = []
        for columns in in_threads(asked.columns, range(0, len(exam), _BLOCK)):
            progress("searching the corpus", min(len(parts) * _BLOCK, len(exam)), len(exam))
            parts.append(columns)
        progress("searching the corpus", len(exam), len(exam))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def passages(self, exam: Exam, top: int) -> list[list[Passage]]:
        """For each option of `exam`, flat, the `top` passages that cover it and resemble the stem most."""
        import scipy.sparse as sp

        asked = _Asked(self, exam)
        found: list[list[Passage]] = []
        for start in range(0, len(exam), _BLOCK):
            matches, of_stem, _ = asked.search(start)
            places = (matches.rows, matches.documents)
            coverage = sp.csr_matrix((matches.coverage, places), (matches.n, len(self.corpus)))
            near = sp.csr_matrix((of_stem, places), coverage.shape)
            found += [
                [self._passage(*pair) for pair in pairs] for pairs in best_pairs(coverage, near.data, top)
            ]
        return found

    def _passage(self, number: int, like_stem: float, like_option: float) -> Passage:
        corpus = self.corpus
        source, heading, text = (one[number] for one in (corpus.sources, corpus.headings, corpus.texts))
        return Passage(source, heading, text, like_stem, like_option)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        parts = {"vocabulary": self.vocabulary.arrays(), "index": self.index.arrays()}
        names = list(dict.fromkeys(self.corpus.sources))
        number = {name: i for i, name in enumerate(names)}
        return {
            **join_parts(parts),
            **join_texts("texts", self.corpus.texts),
            **join_texts("headings", self.corpus.headings),
            **join_texts("files", names),
            "source": np.array([number[name] for name in self.corpus.sources], np.int32),
            **{
                key: array
                for name in LEFT_OUT_FIELDS
                for key, array in join_texts(
                    f"left_out_{name}", [getattr(one, name) for one in self.corpus.left_out]
                ).items()
            },
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> CorpusIndex:
        """The index that `arrays` described; raises `KeyError` where a part is missing."""
        parts = split_parts(arrays)
        names = split_texts("files", arrays)
        sources = [names[i] for i in arrays["source"].tolist()]
        left_out = [split_texts(f"left_out_{name}", arrays) for name in LEFT_OUT_FIELDS]
        corpus = Corpus(
            split_texts("texts", arrays),
            split_texts("headings", arrays),
            sources,
            left_out=[LeftOut(*values) for values in zip(*left_out, strict=True)],
        )
        return cls(
            corpus,
            Vocabulary.from_arrays(parts["vocabulary"]),
            InvertedIndex.from_arrays(parts["index"]),
        )


class _Asked:
    """The questions of an exam as queries."""

    def __init__(self, known: CorpusIndex, exam: Exam) -> None:
        vocabulary, self.index, self.offsets = known.vocabulary, known.index, exam.option_offsets
        options = vocabulary.counts(exam.option_texts)
        self.stems = vocabulary.tfidf(vocabulary.counts(exam.questions))
        self.shares, self.norms = vocabulary.shares(options), vocabulary.norms(options)
        hidden = list(contained_questions(known.corpus.texts, exam))
        self.hidden = np.array([row * len(self.index) + passage for passage, row in hidden], np.int64)

    def search(self, start: int) -> tuple[Any, NDArray[np.float32], NDArray[np.float32]]:
        """Matches of the options of a block, their stem's similarity, and that of the passages next to them."""
        offsets = self.offsets[start : start + _BLOCK + 1]
        rows, options = slice(start, start + _BLOCK), slice(int(offsets[0]), int(offsets[-1]))
        owner = row_numbers(offsets - offsets[0])
        stems = self.stems[rows]
        keys = np.full(len(offsets) - 1, 1, np.uint64)
        found = self.index.matches(self.shares[options], keys[owner], self.norms[options])
        if len(self.hidden):
            found = found.without(
                np.isin((owner[found.rows] + start) * len(self.index) + found.documents, self.hidden)
            )
        asking, last = owner[found.rows], len(self.index) - 1
        with self.index.score_array(stems, keys) as near:
            of_stem = near[asking, found.documents]
            beside = np.maximum(
                near[asking, np.maximum(found.documents - 1, 0)],
                near[asking, np.minimum(found.documents + 1, last)],
            )
        return found, of_stem, beside

    def columns(self, start: int) -> Columns:
        found, of_stem, beside = self.search(start)
        joint, covered = of_stem * found.similarity, of_stem * found.coverage
        full = found.coverage > FULL_COVERAGE
        around = np.maximum(of_stem, beside)
        return {
            "corpus_best": found.max(joint),
            "corpus_sum": found.sum(joint),
            "corpus_squares": found.sum(joint**2),
            "corpus_both": found.max(np.minimum(of_stem, found.similarity)),
            "corpus_total": found.max(of_stem + found.similarity),
            "corpus_covered_best": found.max(covered),
            "corpus_covered_squares": found.sum(covered**2),
            "corpus_covered_sharp": found.sum((of_stem * found.coverage**2) ** 2),
            "corpus_full_best": found.max(of_stem * full),
            "corpus_full_sum": found.sum(of_stem * full),
            "corpus_full_squares": found.sum(of_stem**2 * full),
            "corpus_full_count": np.log1p(found.sum(full)),
            "corpus_around_best": found.max(around * found.coverage),
            "corpus_around_squares": found.sum((around * found.coverage**2) ** 2),
        }


def _weights(
    vocabulary: Vocabulary, texts: Sequence[str]
) -> tuple[Any, NDArray[np.uint64], NDArray[np.float32]]:
    import scipy.sparse as sp

    rows, norms = [], []
    for start in range(0, len(texts), _CHUNK):
        counts = vocabulary.counts(texts[start : start + _CHUNK])
        rows.append(vocabulary.tfidf(counts))
        norms.append(vocabulary.norms(counts))
    return sp.vstack(rows).tocsr(), np.full(len(texts), NO_KEY), np.concatenate(norms)
