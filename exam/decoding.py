"""Option scores to sets of letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmexam_baseline.exam.errors import InputError
from cmexam_baseline.exam.letters import MAX_OPTIONS
from cmexam_baseline.exam.stem_wording import asks_for_several

_RATIOS = np.round(np.arange(0.2, 1.0, 0.05), 2)
_N_THRESHOLDS = 40


@dataclass(frozen=True)
class SeveralRule:
    """Beside the best option, take each that scores at least `threshold` and `ratio` times the best."""

    threshold: float
    ratio: float


@dataclass(frozen=True)
class Decoder:
    """How the scores of a question's options become its answer, a bit mask.

    The best option (the first among equals) always belongs to the answer. `usual` says which others join it,
    `several` says the same for stems whose wording asks for several letters; None means none.

    >>> scores, offsets = [0.1, 0.7, 0.6, 0.2, 0.9], [0, 3, 5]
    >>> Decoder.argmax().decode(scores, offsets).tolist()
    [2, 2]
    >>> Decoder(usual=SeveralRule(0.5, 0.5)).decode(scores, offsets).tolist()
    [6, 2]
    """

    usual: SeveralRule | None = None
    several: SeveralRule | None = None

    @classmethod
    def argmax(cls) -> Decoder:
        """The decoder that answers with the best option alone."""
        return cls()

    @classmethod
    def fit(
        cls, scores: ArrayLike, offsets: ArrayLike, answers: ArrayLike, questions: Sequence[str] | None = None
    ) -> Decoder:
        """The decoder with the most exactly right answers on these questions, never fewer than `argmax`.

        scores and offsets as in `decode`, answers uint16 (n,) bit masks; questions without an answer do not
        count. Among equally good rules the one that adds the fewest letters wins. With the n stems in
        `questions` those that ask for several letters get a rule of their own.
        Raises `InputError` where the arguments do not fit together.

        >>> Decoder.fit([0.6, 0.5, 0.1, 0.9, 0.2, 0.1], [0, 3, 6], [3, 1]).decode([0.6, 0.5], [0, 2]).tolist()
        [3]
        """
        padded = _padded(scores, offsets)
        masks = np.asarray(answers, dtype=np.uint16)
        if masks.shape != (len(padded),):
            raise InputError(f"{len(padded)} questions need as many answers; got shape {masks.shape}")
        known = masks > 0
        asks = _asking(questions, len(padded))
        return cls(
            usual=_best_rule(padded[known & ~asks], masks[known & ~asks]),
            several=_best_rule(padded[known & asks], masks[known & asks]),
        )

    def decode(
        self, scores: ArrayLike, offsets: ArrayLike, questions: Sequence[str] | None = None
    ) -> NDArray[np.uint16]:
        """The answers as bit masks, uint16 (n,).

        scores: one number an option, flat, not negative where a rule is set (probabilities); offsets: (n+1,)
        bounds of the questions; questions: the n stems, without which no stem counts as asking for several.
        Raises `InputError` where the arguments do not fit together or a score is not finite.
        """
        padded = _padded(scores, offsets)
        asks = _asking(questions, len(padded))
        return np.where(asks, _decode(padded, self.several), _decode(padded, self.usual))

    def to_dict(self) -> dict[str, dict[str, float] | None]:
        """The rules as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, float] | None]) -> Decoder:
        """The decoder that `to_dict` described; raises `InputError` for anything else."""
        try:
            rules = (values["usual"], values["several"])
            known = (rule and (float(rule["threshold"]), float(rule["ratio"])) for rule in rules)
            return cls(*(None if rule is None else SeveralRule(*rule) for rule in known))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{values!r} does not describe a decoder; train the model again") from error


def _padded(scores: ArrayLike, offsets: ArrayLike) -> NDArray[np.float64]:
    """Scores as (n, 8), -inf where a question has no such option."""
    flat = np.asarray(scores, dtype=np.float64)
    bounds = np.asarray(offsets, dtype=np.int64)
    counts = np.diff(bounds)
    if flat.ndim != 1 or bounds.ndim != 1 or not len(bounds) or bounds[0] or bounds[-1] != len(flat):
        raise InputError(
            f"option offsets must run from 0 to the {flat.size} scores; got shape {bounds.shape}"
        )
    if len(counts) and not (counts.min() >= 1 and counts.max() <= MAX_OPTIONS):
        raise InputError(f"a question needs 1 to {MAX_OPTIONS} options; got {counts.min()} to {counts.max()}")
    if not np.isfinite(flat).all():
        raise InputError(f"option score {int(np.flatnonzero(~np.isfinite(flat))[0])} is not a finite number")
    padded = np.full((len(counts), MAX_OPTIONS), -np.inf)
    padded[np.arange(MAX_OPTIONS) < counts[:, None]] = flat
    return padded


def _asking(questions: Sequence[str] | None, n: int) -> NDArray[np.bool_]:
    if questions is None:
        return np.zeros(n, dtype=bool)
    if len(questions) != n:
        raise InputError(f"scores of {n} questions need as many stems; got {len(questions)}")
    return asks_for_several(questions)


def _decode(padded: NDArray[np.float64], rule: SeveralRule | None) -> NDArray[np.uint16]:
    taken = np.zeros(padded.shape, dtype=bool)
    if rule is not None:
        best = padded.max(axis=1, keepdims=True)
        taken = padded >= np.maximum(rule.threshold, rule.ratio * best)
    taken[np.arange(len(padded)), padded.argmax(axis=1)] = True
    masks: NDArray[np.uint16] = (taken << np.arange(MAX_OPTIONS, dtype=np.uint16)).sum(
        axis=1, dtype=np.uint16
    )
    return masks


def _best_rule(padded: NDArray[np.float64], answers: NDArray[np.uint16]) -> SeveralRule | None:
    """The rule with the most exact matches; None unless one beats the best option alone."""
    if not len(padded):
        return None
    finite = np.sort(padded[np.isfinite(padded)])
    thresholds = np.unique(np.quantile(finite, np.linspace(0, 1, _N_THRESHOLDS)))
    best_rule, best_matches = None, int((_decode(padded, None) == answers).sum())
    # From strict to loose, so that a rule that adds more letters must earn them.
    for threshold, ratio in product(thresholds[::-1], _RATIOS[::-1]):
        rule = SeveralRule(round(float(threshold), 6), float(ratio))
        matches = int((_decode(padded, rule) == answers).sum())
        if matches > best_matches:
            best_rule, best_matches = rule, matches
    return best_rule
