"""The figures of one system on one exam, each with its 95% interval: Wilson's for shares, else the bootstrap's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmexam_baseline import metrics
from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.metrics.profiles import choose_profile
from cmexam_baseline.metrics.ragged import offsets_of
from cmexam_baseline.scoring.alignment import SAMPLES, AlignedOutput, texts_by_row
from cmexam_baseline.scoring.outputs.reader import SystemOutput
from cmexam_baseline.scoring.parallel import Executor
from cmexam_baseline.scoring.slices import NO_OVERLAP, OVERLAP, Slice

# Below this many questions an interval is wider than 30 points: the slice is shown, but marked.
SMALL_SLICE = 30

# Profiles of scripts whose accuracy is that of the answered questions.
LEAVING_UNANSWERED_OUT = {"cmexam-gpt"}


MISSING = ("wrong", "skip", "error")


@dataclass(frozen=True)
class Settings:
    """What the scores of a system depend on besides its file.

    profile:      whose definition of BLEU and ROUGE, a name or a definition of one's own
    resamples:    of the bootstrap and of permutation tests
    random_state: seed of the resamples
    missing:      what a question without a row is: "wrong", left out ("skip") or an "error"
    samples:      what several replies to a question come to, one of `alignment.SAMPLES`; None = a vote where
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
class Interval:
    """A figure with the ends of its 95% interval."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """value, low and high, for JSON."""
        return dict(vars(self))


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
        figure = {"accuracy": self.accuracy.value, "low": self.accuracy.low, "high": self.accuracy.high}
        return {"by": self.by, "value": self.value, "n": self.n, "small": self.small, **figure}


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
        return next((part for part in self.slices if (part.by, part.value) == (OVERLAP, NO_OVERLAP)), None)

    def best_and_worst(self) -> tuple[SliceScore, SliceScore] | tuple[None, None]:
        """The slices with the highest and lowest accuracy, small ones aside; None unless there are two."""
        large = [part for part in self.slices if not part.small]
        large.sort(key=lambda part: (part.accuracy.value, part.n))
        return (large[-1], large[0]) if len(large) > 1 else (None, None)


def score_system(
    exam: Exam,
    aligned: AlignedOutput,
    slices: Sequence[Slice] = (),
    settings: Settings | None = None,
    workers: Executor | None = None,
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
        given = rows[aligned.answers[rows] != 0]
        of_one = aligned.sample_answers is None  # reply to a question
        if chosen.profile_name in LEAVING_UNANSWERED_OUT and given.size and of_one:
            answered = metrics.score_answers(exam.answers[given], aligned.answers[given])
            of_answered = _answer_intervals(answered, chosen)
            intervals["answered_accuracy"] = of_answered["accuracy"]
            intervals["answered_f1"] = of_answered["weighted_f1"]
    explanations = _explanations(exam, aligned, rows, chosen.profile, workers or Executor())
    if explanations is not None:
        intervals |= _explanation_intervals(explanations, chosen)
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
    output: SystemOutput, settings: Settings | None = None, workers: Executor | None = None
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
    references, texts = (texts_by_row(part, rows) for part in (output.references, output.explanations))
    whole = "explanation" not in output.recognition.roles and _follows_script(chosen.profile)
    explanations = (workers or Executor()).score_explanations(references, texts, chosen.profile, whole)
    if explanations.counts["pairs"] <= explanations.n_missing:
        raise InputError(f"{output.file}: no row has both a reference and a predicted explanation")
    aligned = AlignedOutput(
        name=output.name,
        output=output,
        row_of=rows,
        answers=np.zeros(n, dtype=np.uint16),
        extractions=[None] * n,
        explanations=texts,
    )
    intervals = _explanation_intervals(explanations, chosen)
    return SystemScore(aligned, rows, None, explanations, intervals, [], None)


def _rows_that_count(exam: Exam, aligned: AlignedOutput, missing: str) -> NDArray[np.int64]:
    lacking = aligned.missing
    if missing == "error" and len(lacking):
        shown = ", ".join(exam.ids[row] for row in lacking[:3])
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
        return scores, _answer_intervals(scores, settings)
    samples = aligned.sample_answers[rows]
    each = [metrics.score_answers(gold, column) for column in samples.T]
    return sum(each[1:], each[0]), sampled_intervals(gold, samples, settings.resamples, settings.random_state)


def _share(n_found: float, n: int) -> Interval:
    """A share of n > 0 questions with Wilson's interval."""
    low, high = metrics.wilson_interval(round(n_found), n)
    return Interval(n_found / n, min(low, n_found / n), max(high, n_found / n))


def _answer_intervals(scores: metrics.AnswerScores, settings: Settings) -> dict[str, Interval]:
    """accuracy, weighted_f1 and unread_rate as fractions."""
    found = metrics.bootstrap(scores, resamples=settings.resamples, seed=settings.random_state)
    return {
        "accuracy": _share(scores.n_correct, scores.n),
        "weighted_f1": Interval(scores.weighted.f1, *found["weighted_f1"]),
        "unread_rate": _share(scores.n_unanswered, scores.n),
    }


def sampled_intervals(
    gold: NDArray[np.uint16], samples: NDArray[np.uint16], resamples: int, random_state: int
) -> dict[str, Interval]:
    """The same of k replies a question, (questions, k): questions are drawn, each with all its replies."""

    def figures(rows: NDArray[np.int64]) -> tuple[float, float, float]:
        return right[rows].mean(), _weighted_f1(gold[rows], samples[rows]), unread[rows].mean()

    random = np.random.default_rng(random_state)
    n = len(gold)
    right, unread = ((samples == gold[:, None]) & (samples > 0)).mean(axis=1), (samples == 0).mean(axis=1)
    drawn = np.array([figures(random.integers(0, n, n)) for _ in range(resamples)])
    ends = np.quantile(drawn, (0.025, 0.975), axis=0).tolist()
    names = ("accuracy", "weighted_f1", "unread_rate")
    found = zip(names, map(float, figures(np.arange(n))), *ends, strict=True)
    return {name: Interval(value, low, high) for name, value, low, high in found}


def _weighted_f1(gold: NDArray[np.uint16], samples: NDArray[np.uint16]) -> float:
    k = samples.shape[1]
    support = np.bincount(gold, minlength=1024) * k
    right = np.bincount(np.repeat(gold, k)[(samples == gold[:, None]).ravel()], minlength=1024)
    right[0] = 0  # no answer to a question without one is not right
    predicted = np.bincount(samples.ravel(), minlength=1024)
    f1 = 2 * right / np.maximum(support + predicted, 1)
    return float((f1 * support).sum() / support.sum())


def _explanation_intervals(scores: metrics.ExplanationScores, settings: Settings) -> dict[str, Interval]:
    """Every figure of BLEU and ROUGE, in percent."""
    found = metrics.bootstrap(scores, resamples=settings.resamples, seed=settings.random_state)
    return {name: Interval(value, *found[name]) for name, value in scores.figures.items()}


def _explanations(
    exam: Exam,
    aligned: AlignedOutput,
    rows: NDArray[np.int64],
    profile: str | metrics.Profile,
    workers: Executor,
) -> metrics.ExplanationScores | None:
    """None where nothing is explained, or the exam has no references."""
    references = texts_by_row(exam.explanations, rows)
    if aligned.explanations is None or not any(references):
        return None
    output = aligned.output
    texts, places = aligned.explanations, rows
    # Of a file without a column of explanations CMExam's script takes them from the replies.
    replies = output.raw if output.raw is not None else output.replies
    whole = _follows_script(profile) and output.explanations is None and replies is not None
    if whole and replies is not None:
        texts, places = replies, aligned.row_of[rows]
    scores = workers.score_explanations(references, texts_by_row(texts, places), profile, whole)
    return scores if scores.counts["pairs"] > scores.n_missing else None


def _follows_script(profile: str | metrics.Profile) -> bool:
    return choose_profile(profile).missing_predictions == "script"


def _slice_scores(
    exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64], slices: Sequence[Slice]
) -> list[SliceScore]:
    # The share of right replies to every question: 0 or 1 but for means of samples.
    right = aligned.right_shares(exam.answers)
    counted = np.zeros(len(exam), dtype=np.bool_)
    counted[rows] = True
    inside = [(part, part.rows[counted[part.rows]]) for part in slices]
    return [
        SliceScore(part.by, part.value, len(found), _share(float(right[found].sum()), len(found)))
        for part, found in inside
        if len(found)
    ]


def probability_scores(exam: Exam, aligned: AlignedOutput, rows: NDArray[np.int64]) -> dict[str, Any] | None:
    """Log loss, Brier score, calibration and accuracy at coverage over the questions with all probabilities.

    None where the system states none. `n` questions have one right option, to which the figures of a choice
    belong; a figure that is not defined (a right option with probability 0 has no log loss) is None.
    """
    if aligned.option_scores is None:
        return None
    scores_of = np.split(aligned.option_scores, exam.option_offsets[1:-1])
    stated = [row for row in rows.tolist() if np.isfinite(scores_of[row]).all()]
    if not stated:
        return None
    flat = np.concatenate([scores_of[row] for row in stated])
    n_options = exam.n_options[stated]
    # An answer with an option that its question does not have, as one in CMExam's test split, is not known.
    gold = np.where(exam.answers[stated] >> n_options, 0, exam.answers[stated])
    scores = metrics.score_probabilities(gold, flat, offsets_of(n_options))
    return {
        "n": scores.n,
        "log_loss": _finite(scores.log_loss),
        "brier": _finite(scores.brier),
        "calibration_error": _finite(scores.calibration_error),
        "reliability": [
            {"confidence": part.mean_confidence, "accuracy": part.accuracy, "n": part.n}
            for part in scores.reliability
            if part.n
        ],
        "accuracy_at_coverage": [
            {"coverage": coverage, "accuracy": _finite(accuracy)}
            for coverage, accuracy in scores.accuracy_at_coverage.items()
        ],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
