"""Explanations composed of the stem, the verdicts of the answer and sentences of training explanations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.duplicates import copy_keys
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import LETTERS
from cmexam_baseline.exam.progress import Progress, no_progress
from cmexam_baseline.exam.stem_wording import is_negated
from cmexam_baseline.features.arrays import join_texts, split_texts
from cmexam_baseline.features.inverted_index import top_k
from cmexam_baseline.features.text import split_sentences
from cmexam_baseline.features.training_index import TrainingIndex
from cmexam_baseline.metrics.ragged import positions, row_numbers
from cmexam_baseline.metrics.threads import in_threads

if TYPE_CHECKING:
    import scipy.sparse as sp

_CANDIDATES = 40
_SHORTEST_SENTENCE = 10

# Chosen on val: length of an explanation in characters, and weights of the options beside the stem in the search.
_LENGTH = 160
_OVERHANG = 15
_CHOSEN_WEIGHT = 0.5
_OTHERS_WEIGHT = 0.25
# A sentence less like the query than this share of the best one is beside the point.
_LEAST_OF_BEST = 0.4
# A sentence with a smaller share of new character pairs is a repetition.
_LEAST_NEW = 0.5

# "（A错）", "（CDE对，为本题正确答案）", "(B)": verdicts on the options of the question the sentence came from.
_VERDICT = re.compile(r"[（(]\s*[A-H]+\s*(?:[对错][^（）()]{0,12})?[）)]")
_NUMBERING = re.compile(r"^\s*(?:[（(]?[0-9一二三四五六七八九十]{1,2}[）)、.．]|[①-⑳])\s*")
# What makes sense only beside the question it was written for.
_ABOUT_ITS_QUESTION = re.compile(
    r"(?<!\w)[A-H]+(?![A-Za-z0-9])|[A-H][项选]|知识点|[本该此]题|题干|选项|正确答案|故选"
)
_EDGES = "，,、：: "
_STEM_EDGES = "。.？?：:（）() \n"


@dataclass(frozen=True, eq=False)
class Explainer:
    """Writes explanations for given answers from sentences of the training explanations.

    sentences: one text for every document of `TrainingIndex.sentences`, without the verdicts on its own question's
               options; empty where it makes no sense elsewhere

    >>> from cmexam_baseline.exam import Question
    >>> solved = Question("1", "夜盲症的病因是", ("缺维生素A", "缺铁"), "A", "维生素A缺乏可引起夜盲症（A对）。")
    >>> exam = Exam.from_questions([solved])
    >>> asked = Exam.from_questions([Question("2", "夜盲症是由于", ("缺铁", "缺维生素A"))])
    >>> Explainer.fit(exam).explain(TrainingIndex.fit(exam), asked, np.array([2], np.uint16))
    ['夜盲症是由于，缺维生素A（B对）。维生素A缺乏可引起夜盲症。缺铁（A错）。']
    """

    sentences: list[str]

    @classmethod
    def fit(cls, exam: Exam) -> Explainer:
        """The sentences of `exam`, in the order of `TrainingIndex.fit`."""
        return cls([_standing_alone(part) for text in exam.explanations for part in split_sentences(text)])

    def explain(
        self, index: TrainingIndex, exam: Exam, answers: NDArray[np.uint16], progress: Progress = no_progress
    ) -> list[str] | None:
        """An explanation of each answer (bit masks, uint16 (n,)); "" where there is no answer.

        None if no training question had an explanation. No sentence comes from the explanation of the question
        itself or of a copy of it.
        """
        if not self.sentences:
            return None
        if not len(exam):
            return []
        keys = copy_keys(exam)
        queries = _queries(index, exam, answers)
        restated = [_Restated.of(exam, row, int(answer)) for row, answer in enumerate(answers.tolist())]
        for row, turned in enumerate(is_negated(exam.questions).tolist()):
            restated[row] = restated[row].turned() if turned else restated[row]

        size = index.block_size

        def block(start: int) -> list[str]:
            rows = slice(start, start + size)
            scores = index.sentences.scores(queries[rows], keys[rows])
            documents, similarity = top_k(scores, _CANDIDATES)
            documents[similarity < _LEAST_OF_BEST * similarity[:, :1]] = -1
            found = ([self.sentences[one] for one in row if one >= 0] for row in documents.tolist())
            return [frame.filled(texts) for frame, texts in zip(restated[rows], found, strict=True)]

        explanations: list[str] = []
        for written in in_threads(block, range(0, len(exam), size)):
            explanations += written
            progress("writing explanations", len(explanations), len(exam))
        return explanations

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as plain arrays, for a file."""
        return join_texts("sentences", self.sentences)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Explainer:
        """The explainer that `arrays` described."""
        return cls(split_texts("sentences", arrays))


def restate(exam: Exam, answers: NDArray[np.uint16]) -> list[str]:
    """Explanations that say nothing: stem and options with the verdicts of `answers`, for comparison.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("1", "夜盲症是由于", ("缺铁", "缺维生素A", "缺钙"))])
    >>> restate(exam, np.array([2], np.uint16))
    ['夜盲症是由于，缺维生素A（B对）。缺铁（A错）、缺钙（C错）。']
    """
    return [_Restated.of(exam, row, int(answer)).filled([]) for row, answer in enumerate(answers.tolist())]


@dataclass(frozen=True)
class _Restated:
    """The frame of an explanation: the stem, the chosen options and the others as (letter, text)."""

    stem: str
    chosen: list[tuple[str, str]]
    others: list[tuple[str, str]]
    chosen_verdict: str = "对"
    other_verdict: str = "错"

    @classmethod
    def of(cls, exam: Exam, row: int, answer: int) -> _Restated:
        lettered = list(zip(LETTERS, exam.options(row), strict=False))
        return cls(
            exam.questions[row].strip(_STEM_EDGES),
            [option for place, option in enumerate(lettered) if answer >> place & 1],
            [option for place, option in enumerate(lettered) if not answer >> place & 1],
        )

    def turned(self) -> _Restated:
        """For a stem that asks for the wrong option: the answer is what does not hold."""
        return _Restated(self.stem, self.chosen, self.others, "错，为本题正确答案", "对")

    def filled(self, sentences: Sequence[str]) -> str:
        """The explanation, with the first of `sentences` that fit and say something new."""
        if not self.chosen:
            return ""
        head = f"{self.stem}，{_verdicts(self.chosen, self.chosen_verdict)}"
        tail = _verdicts(self.others, self.other_verdict)
        left, used, middle = _LENGTH - len(head) - len(tail), set[str](), ""
        for sentence in sentences:
            if not sentence or len(sentence) > left + _OVERHANG:
                continue
            pairs = set(map(add, sentence, sentence[1:]))
            if len(pairs - used) >= _LEAST_NEW * len(pairs):
                middle += f"{sentence}。"
                used |= pairs
                left -= len(sentence) + 1
        return head + middle + tail


def _verdicts(options: list[tuple[str, str]], verdict: str) -> str:
    marked = "、".join(f"{text}（{letter}{verdict}）" for letter, text in options)
    return f"{marked}。" if marked else ""


def _standing_alone(sentence: str) -> str:
    """`sentence` without verdicts and numbering, or "" where it speaks of the question it was written for.

    >>> _standing_alone("2、回归热（C错）常见于霍奇金病"), _standing_alone("B为心肌损伤的心电图改变")
    ('回归热常见于霍奇金病', '')
    """
    text = _NUMBERING.sub("", _VERDICT.sub("", sentence)).strip(_EDGES)
    return "" if len(text) < _SHORTEST_SENTENCE or _ABOUT_ITS_QUESTION.search(text) else text


def _queries(index: TrainingIndex, exam: Exam, answers: NDArray[np.uint16]) -> sp.csr_matrix:
    """What sentences are wanted for each question: like the stem, like the chosen options, like the others."""
    import scipy.sparse as sp

    stems, texts = map(index.vocabulary.tfidf, index.counts(exam))
    owner = row_numbers(exam.option_offsets)
    place = positions(exam.option_offsets).astype(np.uint16)
    chosen = ((answers[owner] >> place) & 1).astype(bool)
    n_chosen = np.bincount(owner, chosen, len(exam))[owner]
    n_others = np.bincount(owner, ~chosen, len(exam))[owner]
    weights = np.where(
        chosen, _CHOSEN_WEIGHT / np.maximum(n_chosen, 1), _OTHERS_WEIGHT / np.maximum(n_others, 1)
    )
    options = sp.csr_matrix(
        (weights.astype(np.float32), np.arange(len(owner)), exam.option_offsets),
        shape=(len(exam), len(owner)),
    )
    return (stems + options @ texts).tocsr()
