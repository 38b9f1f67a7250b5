"""BLEU and ROUGE of explanations, from one pass over all pairs; results of parts can be added."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from cmexam_baseline.metrics.array_types import FloatArray
from cmexam_baseline.metrics.bleu_rouge import (
    AT,
    FIGURES,
    N_SUMMED,
    STATISTICS,
    as_counts,
    as_floats,
    exact_sums,
    figures_of,
)
from cmexam_baseline.metrics.explanation_statistics import Explanations, profile_statistics
from cmexam_baseline.metrics.lazy_names import package_version
from cmexam_baseline.metrics.ngrams import MAX_ORDER
from cmexam_baseline.metrics.profiles import Profile, choose_profile, same_tokenizer
from cmexam_baseline.metrics.signature import Signature, parse_signature, segmenter_name
from cmexam_baseline.metrics.tokens import GIVEN, Tokenizer

_ROWS_AT_ONCE = 1 << 13


@dataclass(frozen=True, eq=False)
class ExplanationScores:
    """BLEU and ROUGE of a set of explanations, in percent, with everything that they are computed from.

    `bleu1` to `bleu4` are corpus BLEU; `rouge1`, `rouge2` and `rougeL` are the mean F over the pairs, and the
    figures `_precision` and `_recall` of each are means as well. All are nan if no pair was scored.

    - `counts`: numbers of rows and pairs, missing and empty texts, tokens, n-grams and matches, by name;
      `n_missing` is the number of rows with a reference but without a prediction.
    - `per_pair`: every figure of every row, as a record array: `per_pair.rougeL[3]`, `per_pair["bleu4"]`; nan
      for an omitted row. The BLEU of a single pair is that of a corpus of one; see also `sentence_bleu()`.
    - `signature`: one line that describes the definition of the figures.
    - `statistics`: a float64 matrix (rows, k), one row per row of the input, of numbers that add up
      (`statistic_names`); column 0 is 1 for a scored row and 0 for an omitted one. `figures_of(sums)` turns
      sums of such rows, of shape (..., k), into the figures (..., m) in percent, in the order of
      `figure_names`. A bootstrap is therefore `figures_of(weights @ statistics)`.

    Results of parts add up to the result of the whole, bit for bit and in any order: `a + b`, `sum(parts)`.
    Results are equal if their definitions and exact sums are. `without_pairs()` drops the statistics of single
    pairs and keeps their sums. `to_dict()` is for JSON, and `from_dict` reads it.
    """

    bleu1: float
    bleu2: float
    bleu3: float
    bleu4: float
    rouge1: float
    rouge1_precision: float
    rouge1_recall: float
    rouge2: float
    rouge2_precision: float
    rouge2_recall: float
    rougeL: float
    rougeL_precision: float
    rougeL_recall: float
    profile: Profile
    segmenter: str | None
    version: str
    counts: dict[str, int] = field(repr=False)
    sums: tuple[int, ...] = field(repr=False)
    _statistics: FloatArray | None = field(repr=False)

    figure_names = FIGURES
    statistic_names = STATISTICS
    n_summed = N_SUMMED

    @classmethod
    def from_sums(
        cls,
        sums: tuple[int, ...],
        statistics: FloatArray | None,
        profile: Profile,
        segmenter: str | None,
        version: str,
    ) -> ExplanationScores:
        """The scores that belong to exact sums of statistics, in units of 2**-60."""
        figures = figures_of(as_floats(sums), profile.smoothing).tolist()
        return cls(
            **dict(zip(FIGURES, figures, strict=True)),
            profile=profile,
            segmenter=segmenter,
            version=version,
            counts=as_counts(sums),
            sums=sums,
            _statistics=statistics,
        )

    @property
    def statistics(self) -> FloatArray:
        """See the class. Raises `ValueError` after `without_pairs()`."""
        if self._statistics is None:
            raise ValueError(
                "the statistics of single pairs were left out of these scores; score the texts again"
            )
        return self._statistics

    def figures_of(self, sums: FloatArray) -> FloatArray:
        """The figures (..., m) in percent of summed statistics (..., k); nan where no pair is in the sum."""
        return figures_of(sums, self.profile.smoothing)

    @cached_property
    def per_pair(self) -> np.recarray[Any, Any]:
        """See the class. Raises `ValueError` after `without_pairs()`."""
        figures = np.ascontiguousarray(self.figures_of(self.statistics))
        return figures.view([(name, np.float64) for name in FIGURES])[:, 0].view(np.recarray)

    @property
    def figures(self) -> dict[str, float]:
        """All figures by name."""
        return {name: getattr(self, name) for name in FIGURES}

    @property
    def signature(self) -> str:
        """The definition of these figures, in one line that `parse_signature` reads."""
        n_pairs, n_several = self.counts["pairs"], self.counts["several_references"]
        numbers = n_pairs, self.counts["rows"] - n_pairs, self.n_missing
        return str(Signature(self.profile, *numbers, self.segmenter, self.version, n_several))

    @property
    def n_missing(self) -> int:
        """The number of rows with a reference but without a prediction; scored as `Profile.missing_predictions` defines."""
        return self.counts["missing_predictions"]

    def sentence_bleu(self, effective_order: bool = True) -> FloatArray:
        """BLEU-4 of each row, in percent, nan for an omitted row, with the profile's smoothing.

        With `effective_order`, the order of a prediction shorter than four tokens is its length, as in
        sacrebleu's `sentence_bleu`. Raises `ValueError` after `without_pairs()`.

        >>> scores = score_explanations(["发热伴咳嗽"], ["发热"], "sacrebleu")
        >>> scores.sentence_bleu().round(2), scores.sentence_bleu(effective_order=False)
        (array([22.31]), array([0.]))
        """
        figures = self.figures_of(self.statistics)
        n_tokens = self.statistics[:, AT["bleu_prediction_tokens"]].astype(np.int64)
        # With add-k every order has an n-gram.
        is_effective = effective_order and self.profile.smoothing != "add-k"
        orders = n_tokens.clip(1, MAX_ORDER) if is_effective else np.full(len(figures), MAX_ORDER)
        found: FloatArray = np.take_along_axis(figures, orders[:, None] - 1, axis=1)[:, 0]
        return found

    def same_definition(self, other: ExplanationScores) -> bool:
        """Whether the figures of both mean the same: profile, segmenter and version are equal."""
        rest, other_rest = (
            (replace(scores.profile, bleu_tokenizer=GIVEN, rouge_tokenizer=GIVEN), *scores._definition[1:])
            for scores in (self, other)
        )
        return rest == other_rest and all(
            map(same_tokenizer, self.profile.tokenizers, other.profile.tokenizers)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExplanationScores):
            return NotImplemented
        return self.same_definition(other) and self.sums == other.sums

    def __hash__(self) -> int:
        return hash((self.signature, self.sums))

    def __add__(self, other: ExplanationScores) -> ExplanationScores:
        if not isinstance(other, ExplanationScores):
            return NotImplemented
        return self.merged([self, other])

    def __radd__(self, other: int) -> ExplanationScores:
        """0 + scores, so that `sum(parts)` works."""
        return self if other == 0 else NotImplemented

    @classmethod
    def merged(cls, parts: Sequence[ExplanationScores]) -> ExplanationScores:
        """`sum(parts)` of one part or more, but single pairs are copied only once.

        Raises `ValueError` if there is no part or their definitions differ.
        """
        if not parts:
            raise ValueError("no scores to merge; give one part or more")
        for place, part in enumerate(parts):
            if not isinstance(part, ExplanationScores):
                raise TypeError(f"parts[{place}] must be scores of explanations, not {type(part).__name__}")
            if not part.same_definition(parts[0]):
                definitions = zip(parts[0]._definition, part._definition, strict=True)
                differing = [f"{a} and {b}" for a, b in definitions if a != b]
                raise ValueError(
                    f"scores of different definitions cannot be added: {'; '.join(differing)}; "
                    "a tokenizer of your own needs an attribute `name` to be recognised"
                )
        known = [part._statistics for part in parts if part._statistics is not None]
        statistics = np.concatenate(known) if len(known) == len(parts) else None
        sums = tuple(map(sum, zip(*(part.sums for part in parts), strict=True)))
        return cls.from_sums(sums, statistics, *parts[0]._definition)

    def without_pairs(self) -> ExplanationScores:
        """The same scores without the statistics of single pairs: of one size for any number of rows."""
        return self.from_sums(self.sums, None, *self._definition)

    def to_dict(self) -> dict[str, Any]:
        """Figures, counts, signature and exact sums as JSON takes them; single pairs are left out."""
        return {**self.figures, "signature": self.signature, "counts": self.counts, "sums": list(self.sums)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ExplanationScores:
        """Read what `to_dict` wrote, to be added to other parts. Raises `ValueError` for anything else."""
        try:
            signature = parse_signature(content["signature"])
            sums = tuple(int(total) for total in content["sums"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"not scores of explanations: {error}") from error
        if len(sums) != len(STATISTICS):
            raise ValueError(f"not scores of explanations: {len(sums)} sums instead of {len(STATISTICS)}")
        if min(sums) < 0:
            raise ValueError("not scores of explanations: a sum is negative")
        return cls.from_sums(sums, None, signature.profile, signature.segmenter, signature.version)

    @property
    def _definition(self) -> tuple[Profile, str | None, str]:
        return self.profile, self.segmenter, self.version


def score_explanations(
    references: Iterable[Explanations],
    predictions: Iterable[Explanations],
    profile: str | Profile = "cmexam",
    *,
    tokenizer: Tokenizer | None = None,
    whitespace: str | None = None,
    smoothing: str | None = None,
    counting: str | None = None,
    lcs_f: str | None = None,
    missing_references: str | None = None,
    missing_predictions: str | None = None,
    threads: int | None = None,
) -> ExplanationScores:
    """Corpus BLEU-1 to 4 and mean ROUGE-1, 2 and L of predicted explanations, under one definition.

    `references` and `predictions`, of n entries each, are texts, or lists of tokens with `tokenizer="tokens"`;
    None, NaN or pandas.NA where one is missing. A reference may also be a list of several references. `profile`
    names a definition (`PROFILES`), and the keywords change single parts of it (`Profile`). `threads` (by
    default all processors for long input) changes only the time; a tokenizer that is a function is called in
    the caller's thread. Raises `ValueError` if the numbers differ or for an unknown name, and `TypeError` if an
    entry is no text.

    Definitions: CMExam's evaluate_lora_result.py and evaluate_gpt_result.py, rouge-score, sacrebleu; see
    `PROFILES`.

    >>> scores = score_explanations(["心力衰竭患者应限盐。", None], ["心衰患者限盐。", "发热"])
    >>> round(scores.bleu1, 2), round(scores.rouge1, 2), scores.counts["pairs"], scores.n_missing
    (65.14, 82.35, 1, 0)
    >>> scores.signature.split("|")[:4]
    ['profile:cmexam', 'pairs:1', 'dropped:1', 'missing:0']
    """
    chosen = choose_profile(
        profile, tokenizer, whitespace, smoothing, counting, lcs_f, missing_references, missing_predictions
    )
    return score_profiles(references, predictions, [chosen], threads=threads)[chosen.name]


def score_profiles(
    references: Iterable[Explanations],
    predictions: Iterable[Explanations],
    profiles: Sequence[str | Profile],
    *,
    threads: int | None = None,
) -> dict[str, ExplanationScores]:
    """The scores under several definitions, by the profiles' names, from one pass over the texts.

    Parts that definitions share are computed once: two of them cost little more than one. Arguments and errors
    are those of `score_explanations`; profiles of one name raise `ValueError`.

    >>> scores = score_profiles(["心力衰竭"], ["心衰"], ["cmexam", "google"])
    >>> round(scores["cmexam"].rougeL, 2), round(scores["google"].rougeL, 2)
    (55.56, 66.67)
    """
    chosen = [choose_profile(profile) for profile in profiles]
    names = [profile.name for profile in chosen]
    if len(set(names)) < len(names):
        raise ValueError(
            f"profiles must have different names, not {names}; rename one: replace(profile, name=...)"
        )
    segmenter = segmenter_name() if any("jieba" in profile.tokenizers for profile in chosen) else None
    matrices = profile_statistics(references, predictions, chosen, threads)
    results = {}
    for profile, statistics in zip(chosen, matrices, strict=True):
        definition = profile, segmenter if "jieba" in profile.tokenizers else None, package_version()
        results[profile.name] = ExplanationScores.from_sums(exact_sums(statistics), statistics, *definition)
    return results


class ExplanationScorer:
    """Scores a stream of explanations: keeps only sums, neither texts nor the statistics of single pairs.

    `profile` is a name or a `Profile`. The result equals that of `score_explanations` of all pairs at once.

    >>> scorer = ExplanationScorer("google")
    >>> scorer.update(["心力衰竭"], ["心衰"])
    >>> scorer.update(iter(["发热", "咳嗽"]), iter(["高热", None]))
    >>> scorer.result() == score_explanations(["心力衰竭", "发热", "咳嗽"], ["心衰", "高热", None], "google")
    True
    """

    def __init__(self, profile: str | Profile = "cmexam", threads: int | None = None) -> None:
        self.profile = choose_profile(profile)
        self.threads = threads
        self._total = self._score([], [])

    def update(self, references: Iterable[Explanations], predictions: Iterable[Explanations]) -> None:
        """Add pairs, which may come from iterators: they are read some thousands at a time.

        Raises what `score_explanations` raises; the pairs before the wrong ones have been added by then.
        """
        for side, name in ((references, "references"), (predictions, "predictions")):
            if isinstance(side, (str, bytes, Set)) or not isinstance(side, Iterable):
                raise TypeError(f"{name} must be a list or an iterator, not {type(side).__name__}")
        sides = iter(references), iter(predictions)
        while True:
            batch = [list(islice(side, _ROWS_AT_ONCE)) for side in sides]
            if not any(batch):
                return
            self._total += self._score(*batch)

    def result(self) -> ExplanationScores:
        """The scores of all pairs so far, without the statistics of single pairs."""
        return self._total

    def _score(self, references: list[Explanations], predictions: list[Explanations]) -> ExplanationScores:
        return score_explanations(references, predictions, self.profile, threads=self.threads).without_pairs()
