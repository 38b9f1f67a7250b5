"""The training exam, indexed for retrieval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam, remembered
from cmexam_baseline.exam.normalise import fold_texts
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.features.arrays import join_parts, join_texts, split_parts, split_texts
from cmexam_baseline.features.inverted_index import InvertedIndex, Keys
from cmexam_baseline.features.text import split_sentences
from cmexam_baseline.features.vocabulary import Vocabulary
from cmexam_baseline.metrics.ragged import offsets_of, positions, row_numbers, row_sums

if TYPE_CHECKING:
    import scipy.sparse as sp

_INDICES = ("stems", "right", "wrong", "statements", "options", "sentences")
_TEXTS = ("option_texts", "ids", "questions", "sentence_texts")


@dataclass(frozen=True, eq=False)
class TrainingIndex:
    """Training questions, their options and the sentences of their explanations, each as an index.

    Documents of `stems` are the n questions, of `right` and `wrong` their right and wrong options, of
    `statements` each stem with the options that make it true, of `options` the m options in exam order, of
    `sentences` the sentences of the explanations. Terms and their weights come from stems and options alone,
    whoever is right, so that no answer and no explanation moves the figures of its own question.

    option_owner:   int64 (m,) question of each option
    option_right:   bool (m,)
    option_texts:   m texts as compared for "the same option"
    ids, questions: n texts, to name the source of evidence
    sentence_texts: the sentences
    sentence_owner: int64 (sentences,) question of each sentence
    negated:        bool (n,) whether the stem asks for the wrong option
    from_other_exam:       bool (n,) whether the question comes from another exam than those to be answered
    """

    vocabulary: Vocabulary
    stems: InvertedIndex
    right: InvertedIndex
    wrong: InvertedIndex
    statements: InvertedIndex
    options: InvertedIndex
    sentences: InvertedIndex
    option_owner: NDArray[np.int64]
    option_right: NDArray[np.bool_]
    option_texts: list[str]
    ids: list[str]
    questions: list[str]
    sentence_texts: list[str]
    sentence_owner: NDArray[np.int64]
    negated: NDArray[np.bool_]
    from_other_exam: NDArray[np.bool_]

    @classmethod
    def fit(
        cls,
        exam: Exam,
        keys: Keys | None = None,
        progress: Progress = no_progress,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> TrainingIndex:
        """The index of `exam`; questions with equal `keys` (default: `copy_keys`) never see each other."""
        keys = copy_keys(exam) if keys is None else keys
        owner = row_numbers(exam.option_offsets)
        texts = [*exam.questions, *exam.option_texts]
        progress("collecting words", 0, 2)
        vocabulary, counts = Vocabulary.fit_counts(texts, np.concatenate([np.arange(len(exam)), owner]))
        stems, options = counts[: len(exam)], counts[len(exam) :]
        _counted(exam)[:] = vocabulary, stems, options
        progress("collecting words", 1, 2)
        option_right, negated = right_options(exam), is_negated(exam.questions)
        true = option_right ^ negated[owner]
        bags = {
            "right": _bags(options, exam.option_offsets, option_right),
            "wrong": _bags(options, exam.option_offsets, ~option_right),
            "statements": (stems + _bags(options, exam.option_offsets, true)).tocsr(),
        }
        split = [split_sentences(text) for text in exam.explanations]
        sentence_owner = np.repeat(np.arange(len(exam)), [len(parts) for parts in split])
        sentence_texts = [part for parts in split for part in parts]
        sentences = vocabulary.counts(sentence_texts)
        progress("collecting words", 2, 2)
        return cls(
            vocabulary=vocabulary,
            stems=InvertedIndex.build(vocabulary.tfidf(stems), keys),
            right=InvertedIndex.build(vocabulary.tfidf(bags["right"]), keys),
            wrong=InvertedIndex.build(vocabulary.tfidf(bags["wrong"]), keys),
            statements=InvertedIndex.build(vocabulary.tfidf(bags["statements"]), keys),
            options=InvertedIndex.build(vocabulary.tfidf(options), keys[owner]),
            sentences=InvertedIndex.build(
                vocabulary.tfidf(sentences), keys[sentence_owner], vocabulary.norms(sentences)
            ),
            option_owner=owner,
            option_right=option_right,
            option_texts=comparable(exam.option_texts),
            ids=list(exam.ids),
            questions=list(exam.questions),
            sentence_texts=sentence_texts,
            sentence_owner=sentence_owner,
            negated=negated,
            from_other_exam=np.zeros(len(exam), dtype=np.bool_)
            if from_other_exam is None
            else from_other_exam,
        )

    def counts(self, exam: Exam) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """How often each term occurs in the stems and in the options of `exam`, CSR (n, terms) and (m, terms)."""
        known = _counted(exam)
        found = tuple(known)
        if not found or found[0] is not self.vocabulary:
            counts = map(self.vocabulary.counts, (exam.questions, exam.option_texts))
            found = known[:] = self.vocabulary, *counts
        return found[1], found[2]

    @property
    def block_size(self) -> int:
        """How many questions to look up at once: many, for few calls, unless their arrays of documents get large."""
        return min(256, max(64, 2**22 // max(1, len(self.stems))))

    @cached_property
    def text_ids(self) -> dict[str, int]:
        """A number for each distinct option text."""
        return {text: number for number, text in enumerate(dict.fromkeys(self.option_texts))}

    @cached_property
    def stem_idf(self) -> sp.csr_matrix:
        """The idf of the terms of each stem, CSR (n, terms), without the terms that too many stems hold."""
        return self.with_idf(self.stems.postings.T.tocsr())

    def with_idf(self, stems: sp.csr_matrix) -> sp.csr_matrix:
        """`stems` with the idf of each term as its weight, without the terms that `stem_idf` omits."""
        rows = stems.copy()
        rows.data = np.where(np.diff(self.stems.postings.indptr) > 0, self.vocabulary.idf, 0)[rows.indices]
        rows.eliminate_zeros()
        return rows

    @cached_property
    def option_ids(self) -> NDArray[np.int64]:
        """The numbers of the options of each question in `text_ids`, int64 (n, most options), -2 for none."""
        offsets = offsets_of(np.bincount(self.option_owner, minlength=len(self.ids)))
        return padded_ids([self.text_ids[text] for text in self.option_texts], offsets, -2)

    @cached_property
    def sentence_folded(self) -> list[str]:
        """The sentences, made comparable as the texts of options are."""
        return comparable(self.sentence_texts)

    @cached_property
    def option_words(self) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """How many options of each question hold a term and make the stem true, and false; CSR (terms, n)."""
        import scipy.sparse as sp

        true = self.option_right ^ self.negated[self.option_owner]
        shape = (len(self.option_owner), len(self.ids))
        places = (np.arange(shape[0]), self.option_owner)
        chosen = (sp.csr_matrix((one.astype(np.float32), places), shape) for one in (true, ~true))
        made_true, made_false = ((self.options.presence @ one).tocsr() for one in chosen)
        made_true.eliminate_zeros()
        made_false.eliminate_zeros()
        return made_true, made_false

    @cached_property
    def option_word_counts(self) -> list[tuple[sp.csr_matrix, NDArray[np.float64]]]:
        """`option_words` by question, CSR (n, terms), each with its sums, float64 (terms,)."""
        return [
            (words.T.tocsr(), row_sums(words.data.astype(np.float64), words.indptr))
            for words in self.option_words
        ]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        parts = {name: getattr(self, name).arrays() for name in ("vocabulary", *_INDICES)}
        return {
            **join_parts(parts),
            **{key: texts for name in _TEXTS for key, texts in join_texts(name, getattr(self, name)).items()},
            "option_owner": self.option_owner,
            "option_right": self.option_right,
            "sentence_owner": self.sentence_owner,
            "negated": self.negated,
            "from_other_exam": self.from_other_exam,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> TrainingIndex:
        """The index that `arrays` described; raises `KeyError` where a part is missing."""
        parts = split_parts(arrays)
        indices: dict[str, Any] = {name: InvertedIndex.from_arrays(parts[name]) for name in _INDICES}
        texts: dict[str, Any] = {name: split_texts(name, arrays) for name in _TEXTS}
        return cls(
            vocabulary=Vocabulary.from_arrays(parts["vocabulary"]),
            **indices,
            **texts,
            option_owner=arrays["option_owner"],
            option_right=arrays["option_right"],
            sentence_owner=arrays["sentence_owner"],
            negated=arrays["negated"],
            from_other_exam=arrays["from_other_exam"],
        )


@remembered
def _counted(exam: Exam) -> list[Any]:
    """The last vocabulary that counted `exam`, and its counts: index, features and explanations ask for the same."""
    return []


def right_options(exam: Exam) -> NDArray[np.bool_]:
    """Whether each option of each question belongs to the answer, flat, bool."""
    owner = row_numbers(exam.option_offsets)
    place = positions(exam.option_offsets)
    return ((exam.answers[owner] >> place.astype(np.uint16)) & 1).astype(bool)


def comparable(option_texts: Sequence[str]) -> list[str]:
    """Option texts made equal where only width, blanks, capitals or a final stop differ."""
    return [text.casefold().rstrip("。.") for text in fold_texts(option_texts)]


def padded_ids(ids: Sequence[int], offsets: NDArray[np.int64], filling: int = -1) -> NDArray[np.int64]:
    """One number per option as a table, int64 (questions, most options)."""
    owner = row_numbers(offsets)
    table = np.full((len(offsets) - 1, int(np.diff(offsets).max(initial=1))), filling, dtype=np.int64)
    table[owner, positions(offsets)] = ids
    return table


def _bags(options: sp.csr_matrix, offsets: NDArray[np.int64], chosen: NDArray[np.bool_]) -> sp.csr_matrix:
    """The counts of the chosen options of each question, added up."""
    import scipy.sparse as sp

    bounds = np.concatenate([[0], np.cumsum(chosen)])[offsets]
    picked = np.flatnonzero(chosen)
    ones = np.ones(len(picked), dtype=np.float32)
    membership = sp.csr_matrix((ones, picked, bounds), shape=(len(offsets) - 1, options.shape[0]))
    return (membership @ options).tocsr()
