"""What workers do in tests: die, take their time, score by another definition; they import this module."""

from __future__ import annotations

import os
import signal
import time

from cmexam_baseline.metrics import ExplanationScores, score_explanations


def die(*columns: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def by_another_profile(
    references: list[str | None], predictions: list[str | None], profile: str, whole_replies: bool = False
) -> ExplanationScores:
    other = profile if references[0] is None else "google"
    return score_explanations(references, predictions, profile=other)


def score_slowly(
    references: list[str | None], predictions: list[str | None], profile: str, whole_replies: bool = False
) -> ExplanationScores:
    time.sleep(0.2)
    return score_explanations(references, predictions, profile=profile)


def slowly(texts: list[str], options: list[list[str]], stems: object = None) -> list[str]:
    time.sleep(0.2)
    return [text + options[0][0] for text in texts]
