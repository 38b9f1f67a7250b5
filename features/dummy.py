"""Baselines that ignore almost everything: a lower bound for any trained model, as scikit-learn's DummyClassifier."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam import Exam, Predictions
from cmexam_baseline.exam.estimator import Estimator
from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.exam.progress import Progress
from cmexam_baseline.metrics.ragged import positions

# 以上都是, 以上说法均正确, 上述皆可, 全部正确 …, and not 以上都不是, 以上均非, 以上均错误.
_ALL_OF_THE_ABOVE = re.compile(
    r"(?:以上|上述)[^都均全皆不非无错]{0,4}(?:都|均|全|皆)[^不非无错没]{1,6}|(?:全部|都|均|皆)(?:是|对|正确)的?"
)


Self = TypeVar("Self", bound="DummyBaseline")


class DummyBaseline(Estimator):
    """A fixed rule; `random_state` matters to rules that draw at random."""

    letter_counts_: NDArray[np.int64]

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(
        self: Self,
        exam: Exam,
        val: Exam | None = None,
        *,
        progress: Progress | None = None,
        from_other_exam: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Count how often each letter belongs to an answer of `exam`; the other arguments change nothing."""
        bits = exam.answers[:, None] >> np.arange(MAX_OPTIONS, dtype=np.uint16) & 1
        self.letter_counts_ = bits.sum(axis=0, dtype=np.int64)
        return self

    def predict(self, exam: Exam, progress: Progress | None = None) -> Predictions:
        """One answer a question; the same for the same exam and seed."""
        self._check_is_fitted()
        return Predictions(ids=list(exam.ids), answers=self._masks(exam))

    @abstractmethod
    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        """Bit masks, uint16 (n,)."""


class RandomSubset(DummyBaseline):
    """Any non-empty set of the options with equal probability: the paper's "Random", 1 in 31 for five options.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "下列正确的是", ("甲", "乙", "丙"))])
    >>> RandomSubset(random_state=1).fit(exam).predict(exam).letters()
    ['C']
    """

    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        generator = np.random.default_rng(self.random_state)
        return generator.integers(1, 2**exam.n_options, dtype=np.int64).astype(np.uint16)


class RandomLetter(DummyBaseline):
    """One of the options with equal probability.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "下列正确的是", ("甲", "乙", "丙"))])
    >>> RandomLetter(random_state=1).fit(exam).predict(exam).letters()
    ['B']
    """

    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        return _letter_masks(np.random.default_rng(self.random_state).integers(0, exam.n_options))


class MostFrequentLetter(DummyBaseline):
    """The letter that is right most often in the training exam, among those that the question offers.

    >>> from cmexam_baseline.exam import Question
    >>> train = Exam.from_questions([Question("", "问题", ("甲", "乙", "丙"), letter) for letter in "CCB"])
    >>> MostFrequentLetter().fit(train).predict(train[:1]).letters()
    ['C']
    """

    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        best = [int(np.argmax(self.letter_counts_[: n + 1])) for n in range(MAX_OPTIONS)]
        return _letter_masks(np.array(best)[exam.n_options - 1])


class LongestOption(DummyBaseline):
    """The option with the most characters, the first of them where several are as long.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "下列正确的是", ("甲", "乙和丙", "丁"))])
    >>> LongestOption().fit(exam).predict(exam).letters()
    ['B']
    """

    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        if not len(exam):
            return np.zeros(0, dtype=np.uint16)
        lengths = np.fromiter(map(len, exam.option_texts), dtype=np.int64, count=len(exam.option_texts))
        # Ties go to the first option.
        ranks = lengths * MAX_OPTIONS + (MAX_OPTIONS - 1 - positions(exam.option_offsets))
        best = np.maximum.reduceat(ranks, exam.option_offsets[:-1])
        return _letter_masks(MAX_OPTIONS - 1 - best % MAX_OPTIONS)


class AllOfTheAbove(LongestOption):
    """The option that means "all of the above" (以上都是, 上述均对), else the longest.

    >>> from cmexam_baseline.exam import Question
    >>> exam = Exam.from_questions([Question("q1", "下列正确的是", ("甲乙丙丁戊己", "丁", "以上均是"))])
    >>> AllOfTheAbove().fit(exam).predict(exam).letters()
    ['C']
    """

    def _masks(self, exam: Exam) -> NDArray[np.uint16]:
        masks = super()._masks(exam)
        for place, text in enumerate(exam.option_texts):
            if _ALL_OF_THE_ABOVE.fullmatch(text.strip("。. ")):
                row = int(np.searchsorted(exam.option_offsets, place, side="right")) - 1
                masks[row] = 1 << (place - int(exam.option_offsets[row]))
        return masks


DUMMY_BASELINES: dict[str, type[DummyBaseline]] = {
    "random subset": RandomSubset,
    "random letter": RandomLetter,
    "most frequent letter": MostFrequentLetter,
    "longest option": LongestOption,
    "all of the above": AllOfTheAbove,
}


def _letter_masks(positions: NDArray[np.integer]) -> NDArray[np.uint16]:
    return np.left_shift(1, positions.astype(np.int64)).astype(np.uint16)
