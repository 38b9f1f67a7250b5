"""The sentences of explanations, answered questions and a corpus, and the best of them for each option."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.extras import require
from cmexam_baseline.exam.io.files import write_atomically
from cmexam_baseline.exam.io.manifest import UNREADABLE, pack_arrays, unpack_arrays
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.features.arrays import join_parts, join_texts, split_parts, split_texts
from cmexam_baseline.features.corpus import NO_KEY, Corpus, contained_questions
from cmexam_baseline.features.inverted_index import MIN_SIMILARITY, InvertedIndex, top_k
from cmexam_baseline.features.text import split_sentences
from cmexam_baseline.features.vocabulary import Vocabulary
from cmexam_baseline.metrics.ragged import row_numbers
from cmexam_baseline.metrics.threads import in_threads

if TYPE_CHECKING:
    import scipy.sparse as sp

_FORMAT = 2
_BLOCK = 64
# Over-fetch factor: duplicates are removed afterwards.
_SPARE = 3


@dataclass(frozen=True, eq=False)
class SentenceRetriever:
    """What a training exam says: the sentences of its explanations, and every question with its right answer; and a corpus.

    texts:      the sentences, and after them the passages of the corpus with their headings
    n_passages: how many of the texts are passages
    vocabulary: terms and weights of stems and options alone, whoever is right
    index:      the sentences by the key of their question (see `copy_keys`), which it keeps from that
                question and its copies, so that no row ever reads its own answer or explanation; no question
                reads a passage that contains it either (see `contained_questions`)

    >>> from cmexam_baseline.exam import Question
    >>> solved = Question("1", "夜盲症是缺乏", ("维生素A", "维生素C"), "A", "维生素A缺乏可致夜盲症。")
    >>> asked = Question("2", "可预防夜盲症的是", ("维生素A", "铁"))
    >>> index = SentenceRetriever.fit(Exam.from_questions([solved]))
    >>> index.find(Exam.from_questions([asked]), 2)
    [['夜盲症是缺乏：维生素A', '维生素A缺乏可致夜盲症'], []]
    >>> index.find(Exam.from_questions([solved]), 2)
    [[], []]
    """

    texts: list[str]
    n_passages: int
    vocabulary: Vocabulary
    index: InvertedIndex

    @classmethod
    def fit(
        cls, exam: Exam, progress: Progress = no_progress, corpus: Corpus | None = None
    ) -> SentenceRetriever:
        """The sentences of `exam`; questions without answer or explanation give none of that kind.

        corpus: without the questions of `exam`, as `training_corpus` returns it
        """
        require("lightgbm", "scipy", purpose="evidence")
        owner = row_numbers(exam.option_offsets)
        progress("collecting sentences", 0, 2)
        vocabulary = Vocabulary.fit(
            [*exam.questions, *exam.option_texts], np.concatenate([np.arange(len(exam)), owner])
        )
        progress("collecting sentences", 1, 2)
        sentences = [
            (row, text) for row, whole in enumerate(exam.explanations) for text in split_sentences(whole)
        ]
        sentences += _solved(exam)
        passages = [] if corpus is None else corpus.texts_with_headings("：")
        texts = [*(text for _, text in sentences), *passages]
        of_question = np.array([row for row, _ in sentences], np.int64)
        keys = np.append(copy_keys(exam)[of_question], np.full(len(passages), NO_KEY))
        index = InvertedIndex.build(_rows(vocabulary, texts), keys)
        progress("collecting sentences", 2, 2)
        return cls(texts, len(passages), vocabulary, index)

    def find(self, exam: Exam, n: int, progress: Progress = no_progress) -> list[list[str]]:
        """For every option, flat in exam order, its at most `n` best sentences, the best first.

        The score of a sentence is its similarity to the option times its similarity to the stem; sentences with
        score 0 and duplicates are omitted.
        """
        keys = copy_keys(exam)
        queries = _rows(self.vocabulary, [*exam.questions, *exam.option_texts])
        stems, options = queries[: len(exam)], queries[len(exam) :]
        first = len(self.texts) - self.n_passages
        contained = contained_questions(self.texts[first:], exam) if self.n_passages else ()
        hidden = np.array([row * len(self.texts) + first + passage for passage, row in contained], np.int64)

        def block(start: int) -> list[list[str]]:
            questions = slice(start, start + _BLOCK)
            offsets = exam.option_offsets[start : start + _BLOCK + 1]
            owner = row_numbers(offsets - offsets[0])
            similarity = self.index.scores(
                options[offsets[0] : offsets[-1]], keys[questions][owner], MIN_SIMILARITY
            )
            asking = owner[row_numbers(similarity.indptr)]
            with self.index.score_array(stems[questions], keys[questions]) as near:
                similarity.data *= near[asking, similarity.indices]
            if len(hidden):
                similarity.data[np.isin((asking + start) * len(self.texts) + similarity.indices, hidden)] = 0
            similarity.eliminate_zeros()
            return self._distinct(top_k(similarity, _SPARE * n)[0], n)

        found: list[list[str]] = []
        for done, lists in enumerate(in_threads(block, range(0, len(exam), _BLOCK))):
            progress("looking up sentences", done * _BLOCK, len(exam))
            found += lists
        progress("looking up sentences", len(exam), len(exam))
        return found

    def _distinct(self, documents: NDArray[np.int64], n: int) -> list[list[str]]:
        rows = documents.tolist()
        return [list(dict.fromkeys(self.texts[one] for one in row if one >= 0))[:n] for row in rows]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one npz file, without pickle."""
        parts = {"vocabulary": self.vocabulary.arrays(), "index": self.index.arrays()}
        numbers = {"format": np.array(_FORMAT), "n_passages": np.array(self.n_passages)}
        content = {**numbers, **join_texts("texts", self.texts), **join_parts(parts)}
        write_atomically(Path(path), pack_arrays(content))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SentenceRetriever:
        """What `save` wrote; raises `InputError` naming the file if it is missing or damaged."""
        require("lightgbm", "scipy", purpose="evidence")
        try:
            arrays = unpack_arrays(Path(path).read_bytes())
            if int(arrays["format"]) != _FORMAT:
                raise InputError(
                    f"{path} has format {arrays['format']}, this version reads {_FORMAT}; train again"
                )
            parts = split_parts(arrays)
            return cls(
                split_texts("texts", arrays),
                int(arrays.get("n_passages", 0)),  # absent where there was no corpus yet
                Vocabulary.from_arrays(parts["vocabulary"]),
                InvertedIndex.from_arrays(parts["index"]),
            )
        except OSError as error:
            raise InputError(
                f"{path} cannot be read: {error.strerror or error}; copy the whole run folder or train it again"
            ) from error
        except (EOFError, *UNREADABLE) as error:
            raise InputError(f"{path} holds no evidence sentences ({error}); train the run again") from error


def _rows(vocabulary: Vocabulary, texts: list[str]) -> sp.csr_matrix:
    return vocabulary.tfidf(vocabulary.counts(texts))


def _solved(exam: Exam) -> list[tuple[int, str]]:
    """Row and text of every question that has an answer: the stem, a colon and the right options."""
    solved = []
    for row in np.flatnonzero(exam.answers).tolist():
        answer = int(exam.answers[row])
        right = [text for i, text in enumerate(exam.options(row)) if answer >> i & 1]
        solved.append((row, f"{exam.questions[row]}：{'、'.join(right)}"))
    return solved
