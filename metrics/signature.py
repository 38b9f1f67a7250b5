"""A figure's signature: one line that describes its definition, and the parser of such lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from cmexam_baseline.metrics.profiles import Profile, tokenizer_name

_HASH_LENGTH = 12
_KEYS = {
    "profile": "name",
    "no-reference": "missing_references",
    "no-prediction": "missing_predictions",
    "bleu": "bleu_tokenizer",
    "bleu-space": "bleu_whitespace",
    "smooth": "smoothing",
    "rouge": "rouge_tokenizer",
    "rouge-space": "rouge_whitespace",
    "count": "counting",
    "lcs": "lcs_f",
    "swap": "swap_sides",
}
_NUMBERS = {"pairs": "n_pairs", "dropped": "n_dropped", "missing": "n_missing"}
_SEVERAL = "several-references"
_FLAGS = {"no": False, "yes": True}
_ESCAPES: dict[str, Any] = {"%": "%25", "|": "%7C", "\n": "%0A"}


@dataclass(frozen=True)
class Signature:
    """Everything that figures of explanations depend on: `str()` writes one line, `parse_signature` reads it.

    `n_dropped` is the number of rows that were omitted, `n_missing` the number of rows with a reference but
    without a prediction. `segmenter` is jieba's version and the beginning of its dictionary's hash, None where
    no words were cut. `n_several` is the number of rows with several references.

    >>> print(Signature(Profile("google"), 2, n_dropped=0, n_missing=1, segmenter=None, version="0.1.0"))
    profile:google|pairs:2|dropped:0|missing:1|no-reference:drop|no-prediction:empty|bleu:char|bleu-space:remove|smooth:none|rouge:char|rouge-space:remove|count:clip|lcs:f1|swap:no|version:0.1.0
    """  # noqa: E501 - a signature is one line

    profile: Profile
    n_pairs: int
    n_dropped: int
    n_missing: int
    segmenter: str | None
    version: str
    n_several: int = 0

    def __str__(self) -> str:
        parts = {"profile": self.profile.name}
        parts |= {key: str(getattr(self, field)) for key, field in _NUMBERS.items()}
        if self.n_several:
            parts[_SEVERAL] = str(self.n_several)
        for key, field in _KEYS.items():
            value = getattr(self.profile, field)
            parts[key] = ("yes" if value else "no") if isinstance(value, bool) else tokenizer_name(value)
        if self.segmenter is not None:
            parts["segmenter"] = self.segmenter
        parts["version"] = self.version
        return "|".join(f"{key}:{value.translate(str.maketrans(_ESCAPES))}" for key, value in parts.items())


def parse_signature(text: str) -> Signature:
    """Read what `str(Signature)` wrote; a tokenizer that was a function comes back as its name.

    Raises `ValueError` naming what is missing, unknown or wrong, and `TypeError` for anything but a string.

    >>> line = str(Signature(Profile("google"), 2, 0, 0, None, "0.1.0"))
    >>> parse_signature(line).profile == Profile("google")
    True
    """
    if not isinstance(text, str):
        raise TypeError(f"a signature is a string, not {type(text).__name__}")
    parts: dict[str, str] = {}
    for part in text.strip().split("|"):
        key, colon, value = part.partition(":")
        if not colon or key in parts:
            raise ValueError(f"not a signature: {part!r} in {text!r} should be another `key:value`")
        for character, escaped in reversed(_ESCAPES.items()):
            value = value.replace(escaped, character)
        parts[key] = value
    known = {*_KEYS, *_NUMBERS, "version"}
    missing, unknown = sorted(known - parts.keys()), sorted(parts.keys() - known - {"segmenter", _SEVERAL})
    if missing or unknown:
        found = {"lacks": missing, "has unknown": unknown}
        problems = [f"{word} {', '.join(keys)}" for word, keys in found.items() if keys]
        raise ValueError(f"not a signature of this version: {text!r} {' and '.join(problems)}")
    numbers = {field: parts.get(key, "0") for key, field in {**_NUMBERS, _SEVERAL: "n_several"}.items()}
    if parts["swap"] not in _FLAGS or not all(map(str.isdecimal, numbers.values())):
        raise ValueError(
            f"not a signature: in {text!r} swap must be yes or no, and pairs, dropped and missing numbers"
        )
    values: dict[str, Any] = {field: parts[key] for key, field in _KEYS.items()}
    profile = Profile(**{**values, "swap_sides": _FLAGS[parts["swap"]]})
    counts: dict[str, Any] = {field: int(number) for field, number in numbers.items()}
    return Signature(profile, segmenter=parts.get("segmenter"), version=parts["version"], **counts)


def segmenter_name() -> str:
    """jieba's version and the beginning of the hash of the dictionary that it uses at this moment."""
    from cmexam_baseline.metrics import segment

    return f"jieba-{_jieba_version()}-{segment.dictionary_hash()[:_HASH_LENGTH]}"


@cache
def _jieba_version() -> str:
    from importlib.metadata import version

    return version("jieba")


_ANSWER_SIGNATURE = re.compile(
    r"answers:exact\|no-answer:wrong\|questions:(0|[1-9][0-9]*)\|unanswered:(0|[1-9][0-9]*)"
    r"(\|weighted:yes)?(?:\|zero-division:(1|nan))?\|version:([^|]+)"
)


@dataclass(frozen=True)
class AnswerSignature:
    """Everything that figures of answers depend on: `str()` writes it as one line.

    Whole answers are compared as sets of letters, and a missing answer is wrong. Sample weights and a
    `zero_division` other than 0 are named if there are any.

    >>> print(AnswerSignature(n_questions=6811, n_unanswered=12, version="0.1.0"))
    answers:exact|no-answer:wrong|questions:6811|unanswered:12|version:0.1.0
    """

    n_questions: int
    n_unanswered: int
    version: str
    weighted: bool = False
    zero_division: float = 0.0

    def __str__(self) -> str:
        parts = ["answers:exact", "no-answer:wrong"]
        parts += [f"questions:{self.n_questions}", f"unanswered:{self.n_unanswered}"]
        parts += ["weighted:yes"] if self.weighted else []
        parts += [f"zero-division:{self.zero_division:g}"] if self.zero_division else []
        return "|".join([*parts, f"version:{self.version}"])


def parse_answer_signature(text: str) -> AnswerSignature:
    """Read what `str(AnswerSignature)` wrote; raises `ValueError` for any other text, `TypeError` for no text.

    >>> parse_answer_signature("answers:exact|no-answer:wrong|questions:9|unanswered:0|version:0.1.0").n_questions
    9
    """
    if not isinstance(text, str):
        raise TypeError(f"a signature is a string, not {type(text).__name__}")
    match = _ANSWER_SIGNATURE.fullmatch(text.strip())
    if match is None:
        example = AnswerSignature(6811, 12, "0.1.0")
        raise ValueError(f"not a signature of answers: {text!r}; one looks like {str(example)!r}")
    n_questions, n_unanswered, weighted, zero_division, version = match.groups()
    numbers = int(n_questions), int(n_unanswered)
    return AnswerSignature(*numbers, version, weighted is not None, float(zero_division or 0))
