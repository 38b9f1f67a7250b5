"""Arrays and strings in, figures out: the official scores of CMExam and means to compare systems by them.

Names are loaded from their modules when first used, so that importing this package costs no more than numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmexam_baseline.metrics.lazy_names import lazy_names

if TYPE_CHECKING:
    from cmexam_baseline.metrics.accuracy_f1 import AnswerScores as AnswerScores
    from cmexam_baseline.metrics.accuracy_f1 import accuracy as accuracy
    from cmexam_baseline.metrics.accuracy_f1 import score_answers as score_answers
    from cmexam_baseline.metrics.accuracy_f1 import weighted_f1 as weighted_f1
    from cmexam_baseline.metrics.bootstrap_permutation import PairedComparison as PairedComparison
    from cmexam_baseline.metrics.bootstrap_permutation import bootstrap as bootstrap
    from cmexam_baseline.metrics.bootstrap_permutation import compare_answers as compare_answers
    from cmexam_baseline.metrics.bootstrap_permutation import compare_explanations as compare_explanations
    from cmexam_baseline.metrics.calibration import ProbabilityScores as ProbabilityScores
    from cmexam_baseline.metrics.calibration import ReliabilityBin as ReliabilityBin
    from cmexam_baseline.metrics.calibration import accuracy_at_coverage as accuracy_at_coverage
    from cmexam_baseline.metrics.calibration import calibration_error as calibration_error
    from cmexam_baseline.metrics.calibration import reliability_curve as reliability_curve
    from cmexam_baseline.metrics.calibration import score_probabilities as score_probabilities
    from cmexam_baseline.metrics.explanations import ExplanationScorer as ExplanationScorer
    from cmexam_baseline.metrics.explanations import ExplanationScores as ExplanationScores
    from cmexam_baseline.metrics.explanations import score_explanations as score_explanations
    from cmexam_baseline.metrics.explanations import score_profiles as score_profiles
    from cmexam_baseline.metrics.learning_curve import LearningCurve as LearningCurve
    from cmexam_baseline.metrics.learning_curve import extrapolate as extrapolate
    from cmexam_baseline.metrics.learning_curve import fit_learning_curve as fit_learning_curve
    from cmexam_baseline.metrics.profiles import PROFILES as PROFILES
    from cmexam_baseline.metrics.profiles import Profile as Profile
    from cmexam_baseline.metrics.profiles import choose_profile as choose_profile
    from cmexam_baseline.metrics.segment import Segmenter as Segmenter
    from cmexam_baseline.metrics.segment import cut as cut
    from cmexam_baseline.metrics.segment import dictionary_hash as dictionary_hash
    from cmexam_baseline.metrics.segment import word_starts as word_starts
    from cmexam_baseline.metrics.signature import AnswerSignature as AnswerSignature
    from cmexam_baseline.metrics.signature import Signature as Signature
    from cmexam_baseline.metrics.signature import parse_answer_signature as parse_answer_signature
    from cmexam_baseline.metrics.signature import parse_signature as parse_signature
    from cmexam_baseline.metrics.significance import ConfidenceInterval as ConfidenceInterval
    from cmexam_baseline.metrics.significance import McNemar as McNemar
    from cmexam_baseline.metrics.significance import cohen_kappa as cohen_kappa
    from cmexam_baseline.metrics.significance import holm as holm
    from cmexam_baseline.metrics.significance import mcnemar as mcnemar
    from cmexam_baseline.metrics.significance import wilson_interval as wilson_interval

__getattr__, __dir__, __all__ = lazy_names(__name__)
