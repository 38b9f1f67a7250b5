"""Arrays and strings in, figures out: the official scores of CMExam and means to compare systems by them.

Names are loaded from their modules when first used, so that importing this package costs no more than numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmexam_baseline.metrics.answers import AnswerScores as AnswerScores
    from cmexam_baseline.metrics.answers import accuracy as accuracy
    from cmexam_baseline.metrics.answers import score_answers as score_answers
    from cmexam_baseline.metrics.answers import weighted_f1 as weighted_f1
    from cmexam_baseline.metrics.explanations import ExplanationScores as ExplanationScores
    from cmexam_baseline.metrics.explanations import score_explanations as score_explanations
    from cmexam_baseline.metrics.explanations import score_profiles as score_profiles
    from cmexam_baseline.metrics.intervals import wilson_interval as wilson_interval
    from cmexam_baseline.metrics.profiles import PROFILES as PROFILES
    from cmexam_baseline.metrics.profiles import Profile as Profile
    from cmexam_baseline.metrics.profiles import choose_profile as choose_profile
    from cmexam_baseline.metrics.segment import Segmenter as Segmenter
    from cmexam_baseline.metrics.segment import cut as cut
    from cmexam_baseline.metrics.segment import dictionary_hash as dictionary_hash
    from cmexam_baseline.metrics.segment import word_starts as word_starts
    from cmexam_baseline.metrics.signature import Signature as Signature
    from cmexam_baseline.metrics.signature import parse_signature as parse_signature

_MODULE_OF = {
    "AnswerScores": "answers",
    "accuracy": "answers",
    "score_answers": "answers",
    "weighted_f1": "answers",
    "ExplanationScores": "explanations",
    "PROFILES": "profiles",
    "Profile": "profiles",
    "Segmenter": "segment",
    "Signature": "signature",
    "choose_profile": "profiles",
    "cut": "segment",
    "dictionary_hash": "segment",
    "parse_signature": "signature",
    "score_explanations": "explanations",
    "score_profiles": "explanations",
    "wilson_interval": "intervals",
    "word_starts": "segment",
}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
