"""Definitions of BLEU and ROUGE: everything that scorers of explanations differ in, and known definitions by name.

| profile | definition of | tokens for BLEU | tokens for ROUGE | ROUGE-1/2 | ROUGE-L | missing prediction |
|---|---|---|---|---|---|---|
| `cmexam` | CMExam's evaluate_lora_result.py | characters | characters, see below | sets | beta = P/R | as the script |
| `cmexam-gpt` | CMExam's evaluate_gpt_result.py | jieba words | characters, see below | sets | beta = P/R | empty text |
| `google` | rouge-score | characters | characters | clipped | F1 | empty text |
| `sacrebleu`, `sacrebleu-char` | sacrebleu `-tok char` | characters | characters | clipped | F1 | empty text |
| `sacrebleu-zh` | sacrebleu `-tok zh` | its zh | its zh | clipped | F1 | empty text |

rouge-score has no BLEU and sacrebleu no ROUGE: there the other family is computed on the same tokens, BLEU
without smoothing for `google` as CMExam has it, ROUGE as rouge-score has it for sacrebleu's.
"""  # noqa: E501 - a table row has no line breaks

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any

from cmexam_baseline.metrics.bleu_rouge import COUNTING, LCS_F, SMOOTHING
from cmexam_baseline.metrics.tokens import GIVEN, TOKENIZERS, WHITESPACE, Tokenizer

MISSING_REFERENCES = ("drop", "drop-empty", "empty")
MISSING_PREDICTIONS = ("script", "empty", "drop", "drop-empty")
NO_ANSWER_TEXT = "无答案"
"""What CMExam's script scores in place of an empty reply."""
CUSTOM = "custom"
CALLABLE = "callable:"
"""Prefix of the name, in a signature, of a tokenizer that is a function."""


CHOICES: dict[str, Sequence[str]] = {
    "bleu_tokenizer": TOKENIZERS,
    "bleu_whitespace": WHITESPACE,
    "smoothing": SMOOTHING,
    "rouge_tokenizer": TOKENIZERS,
    "rouge_whitespace": WHITESPACE,
    "counting": COUNTING,
    "lcs_f": tuple(LCS_F),
    "missing_references": MISSING_REFERENCES,
    "missing_predictions": MISSING_PREDICTIONS,
}


def _is_choice(value: object, choices: Sequence[str], may_be_callable: bool) -> bool:
    if may_be_callable and (callable(value) or (isinstance(value, str) and value.startswith(CALLABLE))):
        return True
    return value in choices


def _either(choices: Sequence[str]) -> str:
    return ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"


@dataclass(frozen=True)
class Profile:
    """A definition of BLEU and ROUGE of explanations.

    - `bleu_tokenizer`, `rouge_tokenizer`: `char`, `jieba` (its words), `zh` (sacrebleu's), `tokens` (the
      input is lists of tokens), or a function from a text to a list of tokens.
    - `bleu_whitespace`, `rouge_whitespace`: `remove`, `keep` or `official`; see `metrics/tokens.py`.
    - `smoothing`: `none`, `exp`, `floor` or `add-k`; see `bleu`.
    - `counting`: ROUGE-1/2 over sets of n-grams (`set`, with 1e-8 in the denominator of F) or clipped counts
      (`clip`).
    - `lcs_f`: the F of ROUGE-L, `official` (beta = precision / recall) or `f1`.
    - `swap_sides`: exchange reference and prediction in ROUGE, so that precision and recall trade places.
    - `missing_references`: rows whose reference is missing are omitted (`drop`), or scored with an empty
      reference (`empty`); `drop-empty` also omits references that are empty or only whitespace.
    - `missing_predictions`: a missing prediction is scored as the text 无答案, as CMExam's script does
      (`script`), or as an empty text (`empty`), or its row is omitted (`drop`), which rewards a system that
      leaves difficult explanations out; `drop-empty` also omits predictions that are empty or only whitespace.

    Raises `ValueError` or `TypeError` naming every field with a wrong value.

    >>> from dataclasses import replace
    >>> replace(PROFILES["cmexam-gpt"], name="mine", rouge_tokenizer="jieba").rouge_tokenizer
    'jieba'
    """

    name: str
    bleu_tokenizer: Tokenizer = "char"
    bleu_whitespace: str = "remove"
    smoothing: str = "none"
    rouge_tokenizer: Tokenizer = "char"
    rouge_whitespace: str = "remove"
    counting: str = "clip"
    lcs_f: str = "f1"
    swap_sides: bool = False
    missing_references: str = "drop"
    missing_predictions: str = "empty"

    def __post_init__(self) -> None:
        problems = [
            f"{field} must be {_either(choices)}, not {getattr(self, field)!r}"
            for field, choices in CHOICES.items()
            if not _is_choice(getattr(self, field), choices, "tokenizer" in field)
        ]
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, not {self.name!r}")
        if not isinstance(self.swap_sides, bool):
            raise TypeError(f"swap_sides must be True or False, not {self.swap_sides!r}")
        if (self.bleu_tokenizer == GIVEN) != (self.rouge_tokenizer == GIVEN):
            problems.append(f"{GIVEN!r} must be the tokenizer of both BLEU and ROUGE or of neither")
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def tokenizers(self) -> tuple[Tokenizer, Tokenizer]:
        """Those of BLEU and of ROUGE."""
        return self.bleu_tokenizer, self.rouge_tokenizer


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "cmexam",
            rouge_whitespace="official",
            counting="set",
            lcs_f="official",
            missing_predictions="script",
        ),
        Profile(
            "cmexam-gpt",
            bleu_tokenizer="jieba",
            bleu_whitespace="keep",
            rouge_whitespace="official",
            counting="set",
            lcs_f="official",
            swap_sides=True,
            missing_references="empty",
        ),
        Profile("google"),
        Profile("sacrebleu", smoothing="exp"),
        Profile("sacrebleu-char", smoothing="exp"),
        Profile("sacrebleu-zh", bleu_tokenizer="zh", smoothing="exp", rouge_tokenizer="zh"),
    )
}


def choose_profile(
    profile: str | Profile,
    tokenizer: Tokenizer | None = None,
    whitespace: str | None = None,
    smoothing: str | None = None,
    counting: str | None = None,
    lcs_f: str | None = None,
    missing_references: str | None = None,
    missing_predictions: str | None = None,
) -> Profile:
    """A profile by its name, with parts set singly; its name becomes `custom` if that changes anything.

    `tokenizer` and `whitespace` apply to both BLEU and ROUGE. Raises `ValueError` for an unknown name or
    value.

    >>> choose_profile("google", tokenizer="jieba").bleu_tokenizer
    'jieba'
    """
    chosen = profile if isinstance(profile, Profile) else _by_name(profile)
    parts = {
        "bleu_tokenizer": tokenizer,
        "rouge_tokenizer": tokenizer,
        "bleu_whitespace": whitespace,
        "rouge_whitespace": whitespace,
        "smoothing": smoothing,
        "counting": counting,
        "lcs_f": lcs_f,
        "missing_references": missing_references,
        "missing_predictions": missing_predictions,
    }
    given: dict[str, Any] = {field: value for field, value in parts.items() if value is not None}
    changed = replace(chosen, **given)
    return chosen if changed == chosen else replace(changed, name=CUSTOM)


def tokenizer_name(tokenizer: Tokenizer) -> str:
    """The tokenizer in a signature: of a callable its attribute `name` if it has one, or else its qualified name.

    Functions without a name of their own, such as lambdas, are distinguished by a hash of their code.

    >>> tokenizer_name(str.split)
    'callable:builtins.str.split'
    """
    if isinstance(tokenizer, str):
        return tokenizer
    name = getattr(tokenizer, "name", None)
    if isinstance(name, str) and name:
        return CALLABLE + name
    qualified = getattr(tokenizer, "__qualname__", type(tokenizer).__qualname__)
    module = getattr(tokenizer, "__module__", None) or getattr(type(tokenizer), "__module__", "?")
    code = getattr(tokenizer, "__code__", None)
    if code is not None and "<" in qualified:
        cells = [cell.cell_contents for cell in getattr(tokenizer, "__closure__", None) or ()]
        content = repr((_content(code), getattr(tokenizer, "__defaults__", None), cells))
        qualified += f"-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    return f"{CALLABLE}{module}.{qualified}"


def _content(code: CodeType) -> tuple[object, ...]:
    constants = tuple(_content(each) if isinstance(each, CodeType) else each for each in code.co_consts)
    return code.co_code, code.co_names, code.co_varnames, constants


def same_tokenizer(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether two tokenizers are known to be the same: equal, or of the same distinctive name.

    Two objects of one class without the attribute `name` may cut differently and are not the same.

    >>> same_tokenizer(str.split, "callable:builtins.str.split"), same_tokenizer("char", "zh")
    (True, False)
    """
    if one is other or one == other:
        return True
    if tokenizer_name(one) != tokenizer_name(other):
        return False
    return any(
        isinstance(each, str) or hasattr(each, "name") or hasattr(each, "__code__") for each in (one, other)
    )


def _by_name(name: str) -> Profile:
    if not isinstance(name, str):
        raise TypeError(f"profile must be a name or a Profile, not {type(name).__name__}")
    if name not in PROFILES:
        import difflib

        near = difflib.get_close_matches(name, PROFILES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"profile must be {_either(tuple(PROFILES))}, not {name!r}{hint}")
    return PROFILES[name]
