"""Scores as plain data: what `score --format json` prints, where its figures are, and one row a question.

The JSON has a schema, `scoring/score.schema.json`; a change that breaks readers raises its version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.exam import Exam
from cmexam_baseline.exam.io.table import pieces
from cmexam_baseline.exam.letters import LETTERS, letter_counts, masks_to_letters
from cmexam_baseline.exam.published import EXPLANATION_FIGURES
from cmexam_baseline.metrics.lazy_names import package_version
from cmexam_baseline.scoring.system_score import SMALL_SLICE, SystemScore

if TYPE_CHECKING:
    from cmexam_baseline.scoring.scorer import Report

SCHEMA = "cmexam-baseline/score"
SCHEMA_VERSION = 1
EXAMPLES = 5

SHOWN_FIGURES = ("bleu1", "bleu2", "bleu3", "bleu4", "rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class ShownFigure:
    """A figure of a system's report: its heading, the factor to percent, and the keys that lead to it.

    `n` are the keys that lead to the number of questions or pairs that it is over.
    """

    heading: str
    scale: int
    place: str
    n: str

    def of(self, system: Mapping[str, Any]) -> dict[str, float] | None:
        """value, low and high; None where the system has no such figure."""
        found = _at(system, self.place)
        if found is None:
            return None
        # A slice names its accuracy; its "value" is what its questions have in common.
        value = found["accuracy"] if "accuracy" in found else found["value"]
        return {"value": value, "low": found["low"], "high": found["high"]}

    def n_of(self, system: Mapping[str, Any]) -> int:
        """The number of questions or pairs behind the figure."""
        return int(_at(system, self.n))


FIGURES = {
    "accuracy": ShownFigure("Acc", 100, "answers accuracy", "answers n"),
    "accuracy_without_overlap": ShownFigure("Acc, no overlap", 100, "without_overlap", "without_overlap n"),
    "weighted_f1": ShownFigure("F1", 100, "answers weighted_f1", "answers n"),
    "unread_rate": ShownFigure("No answer", 100, "answers unread_rate", "answers n"),
    "accuracy_of_answered": ShownFigure(
        "Acc, answered", 100, "answers of_answered accuracy", "answers of_answered n"
    ),
    "weighted_f1_of_answered": ShownFigure(
        "F1, answered", 100, "answers of_answered weighted_f1", "answers of_answered n"
    ),
} | {
    key: ShownFigure(heading, 1, f"explanations figures {key}", "explanations n_pairs")
    for key, heading in EXPLANATION_FIGURES.items()
}


def _at(report: Any, place: str) -> Any:
    for name in place.split():
        report = report and report[name]
    return report


def missing_predictions(system: Mapping[str, Any]) -> dict[str, int | None]:
    """The numbers of answers and of explanations that a system's report lacks; None where it gives none at all."""
    answers, explanations = system["answers"], system["explanations"]
    return {
        "missing_answers": answers and answers["n_unanswered"],
        "missing_explanations": explanations and explanations["n_missing"],
    }


def report_of(scored: Report, fingerprint: bool = True) -> dict[str, Any]:
    """Everything that was measured, ready for JSON; the exam's `fingerprint` takes as long as reading predictions."""
    exam, settings = scored.exam, scored.settings
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "version": package_version(),
        "exam": {
            "source": scored.source.path,
            "split": scored.source.split,
            "n": len(exam) if exam is not None else int(scored.systems[0].rows.size),
            "left_out": scored.source.n_left_out,
            "fingerprint": exam.fingerprint() if exam is not None and fingerprint else None,
        },
        "profile": settings.profile_name,
        "missing": settings.missing,
        "resamples": settings.resamples,
        "seed": settings.random_state,
        "small_slice": SMALL_SLICE,
        "systems": [_system(exam, system) for system in scored.systems],
    }


def rows_of(scored: Report) -> Iterator[dict[str, list[Any]]]:
    """One row a system and question, as columns: what was right, what was answered and how it was read.

    They come in parts, the systems one after the other. Where the mean of samples counts, `answer` is that of the first
    and `correct` the share of right ones. BLEU and ROUGE of a row are those of its pair alone,
    None where there is no pair. Raises `InputError` where there is no exam.
    """
    exam = scored.exam
    if exam is None:
        raise InputError("scores per question need an exam; give `exam`")
    gold = exam.letters()
    for system in scored.systems:
        answers = masks_to_letters(system.aligned.answers)
        right = system.aligned.right_shares(exam.answers)
        whole = system.aligned.sample_answers is None
        pairs = None if system.explanations is None else system.explanations.per_pair
        for piece in pieces(len(system.rows)):
            rows = system.rows[piece].tolist()
            found = [system.aligned.extractions[row] for row in rows]
            spans = [each.span if each is not None else None for each in found]
            yield {
                "system": [system.name] * len(rows),
                "id": [exam.ids[row] for row in rows],
                "gold": [gold[row] for row in rows],
                "answer": [answers[row] for row in rows],
                "correct": [int(share) if whole else share for share in right[rows].tolist()],
                "rule": ["missing row" if each is None else each.rule for each in found],
                "span_start": [span and span[0] for span in spans],
                "span_end": [span and span[1] for span in spans],
                **{
                    name: [None] * len(rows)
                    if pairs is None
                    else [None if value != value else value for value in pairs[piece][name].tolist()]
                    for name in SHOWN_FIGURES
                },
            }


def _system(exam: Exam | None, system: SystemScore) -> dict[str, Any]:
    aligned, recognition = system.aligned, system.aligned.output.recognition
    best, worst = system.best_and_worst()
    rules = aligned.rule_counts() if aligned.has_answers else {}
    return {
        "name": system.name,
        "file": aligned.output.file,
        "recognised": recognition.describe(),
        "left_aside": recognition.describe_left_aside(),
        "remarks": aligned.all_remarks(),
        "join": _join(exam, system),
        "extraction": {"rules": rules, "unread": rules.get("", 0)},
        "answers": _answers(system),
        "explanations": _explanations(system),
        "probabilities": system.probabilities,
        "without_overlap": system.without_overlap and system.without_overlap.to_dict(),
        "slices": [part.to_dict() for part in system.slices],
        "best": best and best.to_dict(),
        "worst": worst and worst.to_dict(),
        "confusion": _confusion(exam, system) if exam is not None and system.answers else None,
    }


def _join(exam: Exam | None, system: SystemScore) -> dict[str, Any]:
    aligned, output = system.aligned, system.aligned.output
    missing, extra = aligned.missing.tolist(), aligned.extra
    ids = {"missing": missing, "by_order": output.join.by_order, "unmapped": aligned.unmapped}
    rows = {"duplicates": aligned.duplicates, "extra": extra}
    return {
        "by": output.join.by,
        "matched": int(aligned.matched.size),
        **{name: len(found) for name, found in (ids | rows).items()},
        "damaged": len(output.damaged),
        "examples": {
            **{
                key: [exam.ids[row] for row in found[:EXAMPLES]] if exam else [] for key, found in ids.items()
            },
            **{key: [output.rows[row] for row in found[:EXAMPLES]] for key, found in rows.items()},
            "damaged": list(output.damaged)[:EXAMPLES],
            "damage": list(output.damaged.values())[:EXAMPLES],
        },
    }


def _confusion(exam: Exam, score: SystemScore) -> dict[str, Any]:
    """How often each right letter met each given answer, over the replies to questions with one right letter.

    Columns are the letters, "several" for a set of letters, "none" for no answer.
    """
    single = score.rows[letter_counts(exam.answers[score.rows]) == 1]
    width = int(exam.n_options.max(initial=0))
    columns = [*LETTERS[:width], "several", "none"]
    table = score.aligned.counted_answers[single]
    gold = masks_to_letters(np.repeat(exam.answers[single], table.shape[1]))
    given = masks_to_letters(table.ravel())
    counts = np.zeros((width, len(columns)), dtype=np.int64)
    for right, answer in zip(gold, given, strict=True):
        column = answer if len(answer) == 1 else "several" if answer else "none"
        if column in columns:
            counts[LETTERS.index(right), columns.index(column)] += 1
    return {"rows": list(LETTERS[:width]), "columns": columns, "counts": counts.tolist()}


def _answers(system: SystemScore) -> dict[str, Any] | None:
    scores = system.answers
    if scores is None:
        return None
    return {
        "n": scores.n,
        "n_correct": scores.n_correct,
        "n_unanswered": scores.n_unanswered,
        **{name: system.intervals[name].to_dict() for name in ("accuracy", "weighted_f1", "unread_rate")},
        "macro_f1": scores.macro.f1,
        "of_answered": system.answered
        and {
            "n": system.answered.n,
            "accuracy": system.intervals["answered_accuracy"].to_dict(),
            "weighted_f1": system.intervals["answered_f1"].to_dict(),
        },
        "signature": scores.signature,
    }


def _explanations(system: SystemScore) -> dict[str, Any] | None:
    scores = system.explanations
    if scores is None:
        return None
    return {
        "n_pairs": scores.counts["pairs"],
        "n_dropped": scores.counts["rows"] - scores.counts["pairs"],
        "n_missing": scores.n_missing,
        "figures": {name: system.intervals[name].to_dict() for name in SHOWN_FIGURES},
        "signature": scores.signature,
    }
