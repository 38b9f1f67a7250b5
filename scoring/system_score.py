"""The figures of one system on one exam, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.letters import LETTERS, letter_counts, masks_to_letters
from cmexam_baseline.metrics.profiles import choose_profile
from cmexam_baseline.scoring.alignment import SAMPLES, AlignedOutput, TextsByRow, script_explanation
from cmexam_baseline.scoring.extractions import Extractions
from cmexam_baseline.scoring.intervals import (
    Interval,
    answer_intervals,
    explanation_intervals,
    sampled_intervals,
    share,
)
from cmexam_baseline.scoring.outputs.reader import SystemOutput
from cmexam_baseline.scoring.parallel import Workers
from cmexam_baseline.scoring.probabilities import probability_scores
from cmexam_baseline.scoring.slices import NO_OVERLAP, OVERLAP, Slice

# Below this many questions an interval is wider than 30 points: the slice is shown, but marked.
SMALL_SLICE = 30

# Profiles of scripts whose accuracy is that of the answered questions.
LEAVING_UNANSWERED_OUT = {"cmexam-gpt"}


MISSING = {
    "wrong": "a question without a row counts as wrong",
    "skip": "only questions with a row count",
    "error": "a question without a row is an error",
}


@dataclass(frozen=True)
class Settings:
    """What the scores of a system depend on besides its file.

    profile:      whose definition of BLEU and ROUGE, a name or a definition of one's own
    resamples:    of the bootstrap and of permutation tests
    random_state: seed of the resamples
    missing:      a key of `MISSING`
    samples:      what several replies to a question come to, a key of `alignment.SAMPLES`; None = a vote where
                  every question has equally many

    >>> Settings(missing="left out")
    Traceback (most recent call last):
    cmexam_baseline.exam.errors.InputError: `missing` must be one of wrong, skip, error; got 'left out'
    """

    profile: str | metrics.Profile = "cmexam"
    resamples: int = 1000
    random_state: int = 0
    missing: str = "wrong"
    samples: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (("missing", self.missing, MISSING), ("samples", self.samples, SAMPLES)):
            if value is not None and value not in known:
                raise InputError(f"`{name}` must be one of {', '.join(known)}; got {value!r}")
        if isinstance(self.profile, str) and self.profile not in metrics.PROFILES:
            raise InputError(f"`profile` must be one of {', '.join(metrics.PROFILES)}; got {self.profile!r}")

    @property
    def profile_name(self) -> str:
        """The name of the profile."""
        return self.profile if isinstance(self.profile, str) else self.profile.name


@dataclass(frozen=True)
class SliceScore:
    """Accuracy on the questions of a slice, with Wilson's interval; `small` marks slices that say little."""

    by: str
    value: str
    n: int
    accuracy: Interval

    @property
    def small(self) -> bool:
        """Whether the slice has fewer than `SMALL_SLICE` questions."""
        return self.n < SMALL_SLICE

    def to_dict(self) -> dict[str, Any]:
        """Flat, for JSON: by, value, n, small, accuracy, low, high."""
        return {
            "by": self.by,
            "value": self.value,
            "n": self.n,
            "small": self.small,
            "accuracy": self.accuracy.value,
            "low": self.accuracy.low,
            "high": self.accuracy.high,
        }


@dataclass(frozen=True, eq=False)
class SystemScore:
    """Everything that is known about one system on one exam.

    rows:         int64, the questions (0-based) that count: all, or with `missing="skip"` the matched ones
    answers:      scores over `rows`, None where the system gives no answers
    explanations: scores over the questions of the exam, None where the system explains nothing
    intervals:    figure -> its interval: accuracy, weighted_f1, unread_rate as fractions, bleu1 … in percent
    answered:     with the profile "cmexam-gpt", scores over the answered ones among `rows`, as CMExam's
                  script for GPT counts; their intervals are answered_accuracy and answered_f1
    probabilities: log loss, Brier score, calibration, None where the system states none
    """

    aligned: AlignedOutput
    rows: NDArray[np.int64]
    answers: metrics.AnswerScores | None
    explanations: metrics.ExplanationScores | None
    intervals: dict[str, Interval]
    slices: list[SliceScore]
    probabilities: dict[str, Any] | None
    answered: metrics.AnswerScores | None = None

    @property
    def name(self) -> str:
        """The system's name."""
        return self.aligned.name

    @property
    def without_overlap(self) -> SliceScore | None:
        """Accuracy on the questions that do not overlap with training; None where that is not known."""
        clean = (part for part in self.slices if (part.by, part.value) == (OVERLAP, NO_OVERLAP))
        return next(clean, None)

    def best_and_worst(self) -> tuple[SliceScore, SliceScore] | None:
        """The slices with the highest and lowest accuracy, small ones aside; None unless there are two."""
        large = [part for part in self.slices if not part.small]
        if len(large) < 2:
            return None
        in_order = sorted(large, key=lambda part: (part.accuracy.value, part.n))
        return in_order[-1], in_order[0]


def score_system(
    exam: Exam,
    aligned: AlignedOutput,
    slices: Sequence[Slice] = (),
    settings: Settings | None = None,
    workers: Workers | None = None,
) -> SystemScore:
    """Score what `align` made of a system's file; `workers` score the explanations, None = this process.

    Raises `InputError` where `missing` is "error" and a question has no row, or where the system holds
    neither answers nor explanations for any question.

    >>> from cmexam_baseline.exam.sample import sample_exam
    >>> from cmexam_baseline.scoring import align, read_outputs
    >>> exam = sample_exam("val")[:2]
    >>> (output,) = read_outputs([{"id": "val-1", "answer": exam[0].answer}], exam)
    >>> score = score_system(exam, align(exam, output))
    >>> score.answers.accuracy, score.intervals["accuracy"].low < 0.5
    (0.5, True)
    """
    chosen = settings or Settings()
    rows = _rows_that_count(exam, aligned, chosen.missing)
    answers = answered = None
    intervals: dict[str, Interval] = {}
    if aligned.has_answers:
        answers, intervals = _answer_scores(exam, aligned, rows, chosen)
        if chosen.profile_name in LEAVING_UNANSWERED_OUT:
            answered = _answered(exam, aligned, rows)
    if answered is not None:
        of_answered = answer_intervals(answered, chosen.resamples, chosen.random_state)
        intervals["answered_accuracy"] = of_answered["accuracy"]
        intervals["answered_f1"] = of_answered["weighted_f1"]
    explanations = _explanations(exam, aligned, rows, chosen.profile, workers or Workers())
    if explanations is not None:
        intervals |= explanation_intervals(explanations, chosen.resamples, chosen.random_state)
    if answers is None and explanations is None:
        raise InputError(
            f"{aligned.output.file}: nothing to score, no answers and no explanations that the exam has references for"
        )
    return SystemScore(
        aligned=aligned,
        rows=rows,
        answers=answers,
        explanations=explanations,
        intervals=intervals,
        slices=_slice_scores(exam, aligned, rows, slices) if aligned.has_answers else [],
        probabilities=probability_scores(exam, aligned, rows),
        answered=answered,
    )


def score_pairs(
    output: SystemOutput, settings: Settings | None = None, workers: Workers | None = None
) -> SystemScore:
    """Score the explanations of a file that brings its reference explanations along, without an exam.

    Raises `InputError` where no row has both texts.

    >>> from cmexam_baseline.scoring import read_pairs
    >>> output = read_pairs([{"reference": "维生素A缺乏可致夜盲症", "explanation": "维生素A缺乏可致夜盲症"}])
    >>> round(score_pairs(output).explanations.rougeL, 1)
    100.0
    """
    chosen = settings or Settings()
    if output.explanations is None or output.references is None:
        raise InputError(f"{output.file} has no column of explanations; name it with `explanation_column`")
    n = len(output)
    rows = np.arange(n, dtype=np.int64)
    references = TextsByRow(output.references, rows)
    whole = "explanation" not in output.recognition.roles and _follows_script(chosen.profile)
    texts = TextsByRow(output.explanations, rows, script_explanation if whole else None)
    explanations = (workers or Workers()).score_explanations(references, texts, chosen.profile)
    if explanations.counts["pairs"] <= explanations.n_missing:
        raise InputError(f"{output.file}: no row has both a reference and a predicted explanation")
    aligned = AlignedOutput(
        name=output.name,
        output=output,
        row_of=rows,
        answers=np.zeros(n, dtype=np.uint16),
        extractions=Extractions([None] * n),
        explanations=texts,
    )
    intervals = explanation_intervals(explanations, chosen.resamples, chosen.random_state)
    return SystemScore(aligned, rows, None, explanations, intervals, [], None)


def letter_confusion(exam: Exam, score: SystemScore) -> dict[str, Any]:
    """How often each right letter met each given answer, over questions with one right letter.

    Columns are the letters, "several" for a set of letters, "none" for no answer.
    """
    single = score.rows[letter_counts(exam.answers[score.rows]) == 1]
    width = int(exam.n_options.max(initial=0))
    columns = [*LETTERS[:width], "several", "none"]
    gold = masks_to_letters(exam.answers[single])
    given = masks_to_letters(score.aligned.answers[single])
    counts = np.zeros((width, len(columns)), dtype=np.int64)
    for right, answer in zip(gold, given, strict=True):
        column = answer if len(answer) == 1 else "several" if answer else "none"
        if column in columns:
            counts[LETTERS.index(right), columns.index(column)] += 1
    return {"rows": list(LETTERS[:width]), "columns": columns, "counts": counts.tolist()}


def _rows_that_count(exam: Exam, aligned: AlignedOutput, missing: str) -> NDArray[np.int64]:
    lacking = aligned.missing
    if missing == "error" and len(lacking):
        shown = ", ".join(exam.ids[row] for row in lacking[:3].tolist())
        raise InputError(
            f"{aligned.output.file}: {len(lacking)} of {len(exam)} questions have no row ({shown}, …); "
            'add them, or choose `missing="wrong"` or `missing="skip"`'
        )
    return aligned.matched if missing == "skip" else np.arange(len(exam), dtype=np.int64)


def _answer_scores(
    exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64], settings: Settings
) -> tuple[metrics.AnswerScores, dict[str, Interval]]:
    gold = exam.answers[rows]
    if aligned.sample_answers is None:
        scores = metrics.score_answers(gold, aligned.answers[rows])
        return scores, answer_intervals(scores, settings.resamples, settings.random_state)
    samples = aligned.sample_answers[rows]
    each = [metrics.score_answers(gold, column) for column in samples.T]
    return sum(each[1:], each[0]), sampled_intervals(gold, samples, settings.resamples, settings.random_state)


def _explanations(
    exam: Exam,
    aligned: AlignedOutput,
    rows: NDArray[np.int64],
    profile: str | metrics.Profile,
    workers: Workers,
) -> metrics.ExplanationScores | None:
    if aligned.explanations is None:
        return None
    references = TextsByRow(exam.explanations, rows)
    if not any(references):
        return None
    texts = TextsByRow(aligned.explanations, rows)
    replies = _whole_replies(aligned.output, profile)
    if replies is not None:
        texts = TextsByRow(replies, aligned.row_of[rows], script_explanation)
    scores = workers.score_explanations(references, texts, profile)
    return scores if scores.counts["pairs"] > scores.n_missing else None


def _follows_script(profile: str | metrics.Profile) -> bool:
    return choose_profile(profile).missing_predictions == "script"


def _whole_replies(output: SystemOutput, profile: str | metrics.Profile) -> Sequence[str | None] | None:
    """Replies that CMExam's script takes the explanations from: those of a file without a column of them."""
    if not _follows_script(profile) or output.explanations is not None:
        return None
    return output.raw if output.raw is not None else output.replies


def _answered(exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64]) -> metrics.AnswerScores | None:
    answered = rows[aligned.answers[rows] != 0]
    return metrics.score_answers(exam.answers[answered], aligned.answers[answered]) if answered.size else None


def _slice_scores(
    exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64], slices: Sequence[Slice]
) -> list[SliceScore]:
    right = _correct(exam, aligned)
    counted = np.zeros(len(exam), dtype=np.bool_)
    counted[rows] = True
    scores = []
    for part in slices:
        inside = part.rows[counted[part.rows]]
        if len(inside):
            found = share(float(right[inside].sum()), len(inside))
            scores.append(SliceScore(part.by, part.value, len(inside), found))
    return scores


def _correct(exam: Exam, aligned: AlignedOutput) -> NDArray[np.float64]:
    """The share of right replies to every question: 0 or 1 but for means of samples."""
    given = aligned.answers[:, None] if aligned.sample_answers is None else aligned.sample_answers
    right = np.equal(given, exam.answers[:, None]).astype(np.float64)
    share: NDArray[np.float64] = right.sum(axis=1) / right.shape[1]
    return share
