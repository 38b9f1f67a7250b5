"""What one model answered to every question of an exam, in the exam's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import pieces
from cmexam_baseline.exam.letters import LETTERS, MAX_OPTIONS
from cmexam_baseline.scoring.extraction import Extraction, extract
from cmexam_baseline.scoring.outputs.column_evidence import FEW_ROWS
from cmexam_baseline.scoring.outputs.joining import map_back
from cmexam_baseline.scoring.outputs.reader import SystemOutput
from cmexam_baseline.scoring.parallel import Executor

# What several replies to a question come to: the first, the most frequent (of equal ones the first), the mean of figures.
SAMPLES = ("first", "vote", "mean")
# Replies of which no more hold an answer are rather in a form that is not known.
_HARDLY_READ = 0.1


@dataclass(frozen=True, eq=False)
class AlignedOutput:
    """One system's outputs beside the n questions of an exam.

    row_of:         int64 (n,), the row of every question that counts for it, -1 where there is none
    answers:        uint16 (n,) bit masks, 0 = missing, unread or no answer
    extractions:    how each answer was read, None where the file has no row for the question
    explanations:   n texts, None where there is none; or None where the system explains nothing
    option_scores:  float64, a probability per option, flat by the exam's offsets, NaN where unknown; or None
    unmapped:       questions (0-based) whose letters could not be brought into the exam's order of options
    duplicates:     rows (0-based) that repeat a question and do not count
    sample_answers: uint16 (n, k) bit masks of k replies a question where all of them count; or None
    remarks:        single lines on what was assumed
    """

    name: str
    output: SystemOutput
    row_of: NDArray[np.int64]
    answers: NDArray[np.uint16]
    extractions: Sequence[Extraction | None]
    explanations: Sequence[str | None] | None
    option_scores: NDArray[np.float64] | None = None
    unmapped: list[int] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    sample_answers: NDArray[np.uint16] | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def counted_answers(self) -> NDArray[np.uint16]:
        """The answers of the replies that count, (n, k); k is 1 but for means of samples."""
        return self.answers[:, None] if self.sample_answers is None else self.sample_answers

    def right_shares(self, gold: NDArray[np.uint16]) -> NDArray[np.float64]:
        """The share of right ones among the replies to each question, float64 (n,); 0 where it has no right answer."""
        right = (self.counted_answers == gold[:, None]) & (gold[:, None] > 0)
        shares: NDArray[np.float64] = right.mean(axis=1)
        return shares

    @property
    def matched(self) -> NDArray[np.int64]:
        """The questions (0-based) that have a row."""
        return np.flatnonzero(self.row_of >= 0)

    @property
    def missing(self) -> NDArray[np.int64]:
        """The questions (0-based) that have none."""
        return np.flatnonzero(self.row_of < 0)

    @property
    def extra(self) -> list[int]:
        """The rows (0-based) of no question."""
        found: list[int] = np.flatnonzero(self.output.join.question_of < 0).tolist()
        return found

    def all_remarks(self) -> list[str]:
        """What was assumed of the file: its rows, its columns, its replies."""
        found = [*self.output.join.remarks, *self.output.recognition.remarks, *self.remarks]
        return list(dict.fromkeys(found))

    def summary(self) -> list[str]:
        """How the file was read, in a line each: its columns and rows, answers that fit no option, and all remarks."""
        matched = f"matched by {self.output.join.by}: {self.matched.size} questions"
        lines = [f"{self.output.recognition.describe()}; {matched}"]
        if self.unmapped:
            lines.append(f"warning: {len(self.unmapped)} answers fit no option of the exam")
        return lines + self.all_remarks()

    def rule_counts(self) -> dict[str, int]:
        """How many answers each extraction rule read, the most used first; texts without an answer are ""."""
        found = (each.rule if each.mask else "" for each in self.extractions if each is not None)
        return dict(Counter(found).most_common())

    def reply(self, question: int) -> str:
        """The whole reply to a question (0-based), or the letters where the file holds no more; "" without one."""
        row = int(self.row_of[question])
        texts = self.output.raw or self.output.replies
        return texts[row] if texts is not None and row >= 0 else ""

    @property
    def has_answers(self) -> bool:
        """Whether the file holds answers at all; one with explanations alone does not."""
        return self.output.replies is not None


def texts_by_row(texts: Sequence[str | None], row_of: NDArray[np.int64]) -> list[str | None]:
    """Texts of a file in the exam's order; None for no text or row."""
    return [texts[row] or None if row >= 0 else None for row in row_of.tolist()]


def align(
    exam: Exam, output: SystemOutput, workers: Executor | None = None, samples: str | None = None
) -> AlignedOutput:
    """Read the answers out of the replies and bring all in the exam's order.

    Letters that were given to options in another order are mapped back by the options' texts. `workers` read
    the replies; None = this process. `samples` says what several replies to a question come to: "first", "vote"
    or "mean"; None votes where the file holds equally many replies to every question, else raises `InputError` where
    the answers differ.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> from cmexam_baseline.scoring.outputs import read_outputs
    >>> exam = sample_exam("val")[:2]
    >>> rows = [{"id": "val-2", "response": "答案：B"}, {"id": "val-1", "response": "选A"}]
    >>> (output,) = read_outputs(rows, exam)
    >>> align(exam, output).answers.tolist()
    [1, 2]
    """
    if samples is not None and samples not in SAMPLES:
        raise InputError(f"`samples` must be one of {', '.join(SAMPLES)}; got {samples!r}")
    # The rows that have a question, in the order of the questions, those of one question in the file's order.
    rows = np.argsort(output.join.question_of, kind="stable")
    rows = rows[output.join.question_of[rows] >= 0]
    questions = output.join.question_of[rows]
    found, masks = _read_replies(exam, output, rows, workers or Executor())
    unmapped = [place for place, each in enumerate(found) if each and each.mask and not masks[place]]
    chosen = np.arange(len(rows))
    duplicates: list[int] = []
    remarks: list[str] = []
    sample_answers = None
    if (np.diff(questions) == 0).any():
        several = _Replies(exam, output, rows, questions, masks)
        policy = samples or several.policy()
        chosen = several.chosen(policy)
        remarks += several.remarks(policy)
        sample_answers = several.table() if policy == "mean" else None
        if not several.sampled:
            duplicates = sorted(set(rows.tolist()) - set(rows[chosen].tolist()))
    row_of = np.full(len(exam), -1, dtype=np.int64)
    row_of[questions[chosen]] = rows[chosen]
    answers = np.zeros(len(exam), dtype=np.uint16)
    answers[questions[chosen]] = masks[chosen]
    extractions: list[Extraction | None] = [None] * len(exam)
    for question, place in zip(questions[chosen].tolist(), chosen.tolist(), strict=True):
        extractions[question] = found[place]
    if n_unknown := int((exam.answers == 0).sum()):
        remarks.append(f"warning: {n_unknown:,} questions have no right answer; every reply to them is wrong")
    read = [each.mask != 0 for each in extractions if each is not None]
    if len(read) >= FEW_ROWS and sum(read) <= _HARDLY_READ * len(read):
        remarks.append(f"warning: no answer is found in {len(read) - sum(read):,} of {len(read):,} replies")
    return AlignedOutput(
        name=output.name,
        output=output,
        row_of=row_of,
        answers=answers,
        extractions=extractions,
        explanations=_explanations(output, row_of, extractions),
        option_scores=_option_scores(exam, output, row_of),
        unmapped=sorted({int(questions[place]) for place in unmapped} & set(questions[chosen].tolist())),
        duplicates=duplicates,
        sample_answers=sample_answers,
        remarks=remarks,
    )


class _Replies:
    """Several rows to a question: samples of a model, or the same row twice.

    sampled: whether they are samples: the file says so, or each question has equally many, not all the same
    """

    def __init__(
        self,
        exam: Exam,
        output: SystemOutput,
        rows: NDArray[np.int64],
        questions: NDArray[np.int64],
        masks: NDArray[np.uint16],
    ) -> None:
        self._exam, self._output, self._rows, self._questions = exam, output, rows, questions
        self._texts = output.raw or output.replies or output.explanations
        self._starts = np.flatnonzero(np.diff(questions, prepend=-1))
        self._counts = np.diff(np.append(self._starts, len(questions)))
        self._masks = np.split(masks, self._starts[1:])
        self._least, self._most = int(self._counts.min()), int(self._counts.max())
        self.sampled = output.sampled or self._least == self._most and not self._are_repeated

    @cached_property
    def _are_repeated(self) -> bool:
        """Whether all rows of each question hold the same reply."""
        texts = self._texts
        firsts = np.repeat(self._rows[self._starts], self._counts).tolist()
        pairs = zip(self._rows.tolist(), firsts, strict=True)
        return texts is None or all(texts[row] == texts[first] for row, first in pairs)

    def policy(self) -> str:
        """What the replies come to where the user does not say; `InputError` where that cannot be told."""
        condition = self._output.condition
        if condition is not None and not self._are_repeated:
            models = self._output.recognition.roles.get("model")
            apart = (
                f"`model_column={condition!r}`"
                if models in (None, condition)
                else "a file for each of its values"
            )
            raise InputError(
                f"{self._output.file}: each question has {self._most} replies, which {condition} tells apart; score them "
                f'apart with {apart}, or say that they are samples with `samples="vote"`'
            )
        if self.sampled:
            return "vote"
        several = False
        for start, masks in zip(self._starts.tolist(), self._masks, strict=True):
            if (masks == masks[0]).all():
                continue
            # A failed attempt left an empty row beside the reply.
            rows = self._rows[start : start + len(masks)].tolist()
            texts = [(self._texts[row] or "").strip() if self._texts else "" for row in rows]
            filled = [mask for mask, text in zip(masks.tolist(), texts, strict=True) if text]
            several = several or len({*filled, int(masks[0])}) > 1
            if len(set(filled)) > 1:
                numbers = [self._output.rows[row] for row in self._rows[start : start + 2].tolist()]
                raise InputError(
                    f"{self._output.file}: {int((self._counts > 1).sum())} questions have several rows, with different "
                    f"answers (rows {numbers[0]} and {numbers[1]} to {self._exam.ids[int(self._questions[start])]!r}); "
                    'remove one, or say what counts with `samples="first"`, `samples="vote"` or `samples="mean"`'
                )
        return "vote" if several else "first"

    def chosen(self, policy: str) -> NDArray[np.int64]:
        """The place in the rows of the reply that counts for each question."""
        if policy != "vote":
            return self._starts
        # A reply without an answer has no vote.
        votes = [
            (masks.tolist(), Counter(filter(None, masks.tolist())).most_common(1)) for masks in self._masks
        ]
        places = [masks.index(vote[0][0] if vote else 0) for masks, vote in votes]
        return self._starts + np.array(places, dtype=np.int64)

    def table(self) -> NDArray[np.uint16]:
        """The answers of all replies, uint16 (questions, k); `InputError` where some questions have fewer."""
        if self._least < self._most:
            raise InputError(
                f"{self._output.file}: {self._least} to {self._most} replies a question; "
                '`samples="mean"` needs equally many, use `samples="vote"`'
            )
        table = np.zeros((len(self._exam), self._most), dtype=np.uint16)
        table[self._questions[self._starts]] = self._masks
        return table

    def remarks(self, policy: str) -> list[str]:
        """How many replies there are and what they come to."""
        if not self.sampled and policy == "first":
            return []
        number = " to ".join(map(str, sorted({self._least, self._most})))
        words = {"vote": "majority vote", "first": "the first counts", "mean": "mean of all"}
        return [f'{number} replies a question: {words[policy]} (samples="{policy}")']


def _read_replies(
    exam: Exam, output: SystemOutput, rows: NDArray[np.int64], workers: Executor
) -> tuple[list[Extraction | None], NDArray[np.uint16]]:
    """How the reply in each of the rows reads, and its answer in the exam's order, 0 where it cannot be mapped."""
    if output.replies is None:
        return [None] * len(rows), np.zeros(len(rows), dtype=np.uint16)
    # A letter alone reads the same for every question that has such an option.
    alone = {letter: extract(letter) for letter in LETTERS[:8]}
    place_of = {letter: place for place, letter in enumerate(LETTERS)}
    bounds, n_options = exam.option_offsets.tolist(), exam.n_options.tolist()
    found: list[Extraction | None] = []
    for piece in pieces(len(rows)):
        picked = rows[piece].tolist()
        questions = output.join.question_of[rows[piece]].tolist()
        texts = [output.replies[row] for row in picked]
        known = [
            alone.get(text) if place_of.get(text, MAX_OPTIONS) < n_options[question] else None
            for text, question in zip(texts, questions, strict=True)
        ]
        rest = [place for place, each in enumerate(known) if each is None or picked[place] in output.options]
        read = workers.extract_all(
            [texts[place] for place in rest],
            [
                output.options.get(picked[place])
                or exam.option_texts[bounds[questions[place]] : bounds[questions[place] + 1]]
                for place in rest
            ],
            [exam.questions[questions[place]] for place in rest],
        )
        for place, each in zip(rest, read, strict=True):
            known[place] = each
        found += known
    masks = np.array([each.mask if each else 0 for each in found], dtype=np.uint16)
    for place, row in enumerate(rows.tolist() if output.options else ()):
        if row in output.options and masks[place]:
            options_of = exam.options(int(output.join.question_of[row]))
            masks[place] = map_back(int(masks[place]), output.options[row], options_of)
    return found, masks


def _explanations(
    output: SystemOutput, row_of: NDArray[np.int64], extractions: Sequence[Extraction | None]
) -> Sequence[str | None] | None:
    texts = output.explanations if output.explanations is not None else output.raw
    if texts is not None:
        return texts_by_row(texts, row_of)
    found = [each.explanation or None if each else None for each in extractions]
    return found if any(found) else None


def _option_scores(exam: Exam, output: SystemOutput, row_of: NDArray[np.int64]) -> NDArray[np.float64] | None:
    if output.probabilities is None:
        return None
    width = output.probabilities.shape[1]
    scores = np.full(len(exam.option_texts), np.nan)
    for question, row in enumerate(row_of.tolist()):
        # Probabilities of options in another order cannot be told from the exam's own.
        if row < 0 or row in output.options:
            continue
        start, end = exam.option_offsets[question : question + 2]
        stated = output.probabilities[row]
        if end - start > width or np.isfinite(stated[end - start :]).any():
            raise InputError(
                f"{output.file}: probabilities for other options than the {end - start} of question "
                f"{exam.ids[question]!r}; give one for each letter from probability_A on"
            )
        scores[start:end] = stated[: end - start]
    return scores if np.isfinite(scores).any() else None
