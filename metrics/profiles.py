"""What a figure means: the definitions that scorers of explanations differ in, and the known choices by name.

| profile | whose definition | tokens for BLEU | tokens for ROUGE | ROUGE-1/2 | ROUGE-L |
|---|---|---|---|---|---|
| `cmexam` | CMExam's evaluate_lora_result.py | characters | characters, see below | sets | beta = P/R |
| `cmexam-gpt` | CMExam's evaluate_gpt_result.py | jieba words | characters, see below | sets | beta = P/R |
| `google` | rouge-score | characters | characters | clipped | F1 |
| `sacrebleu`, `sacrebleu-char` | sacrebleu `-tok char` | characters | characters | clipped | F1 |
| `sacrebleu-zh` | sacrebleu `-tok zh` | its zh | its zh | clipped | F1 |

rouge-score has no BLEU and sacrebleu no ROUGE: there the other family is computed on the same tokens, BLEU
without smoothing for `google` as CMExam has it, ROUGE as rouge-score has it for sacrebleu's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cmexam_baseline.metrics.bleu import SMOOTHING
from cmexam_baseline.metrics.rouge import COUNTING, LCS_F
from cmexam_baseline.metrics.tokens import GIVEN, TOKENIZERS, WHITESPACE, Tokenizer

EMPTY_ROWS = ("drop-missing", "keep", "drop-empty")
CUSTOM = "custom"
CALLABLE = "callable:"
"""How a tokenizer that is a function is named in a signature: this and its qualified name."""


CHOICES: dict[str, Sequence[str]] = {
    "bleu_tokenizer": TOKENIZERS,
    "bleu_whitespace": WHITESPACE,
    "smoothing": SMOOTHING,
    "rouge_tokenizer": TOKENIZERS,
    "rouge_whitespace": WHITESPACE,
    "counting": COUNTING,
    "lcs_f": tuple(LCS_F),
    "empty_rows": EMPTY_ROWS,
}


def _is_choice(value: object, choices: Sequence[str], may_be_callable: bool) -> bool:
    if may_be_callable and (callable(value) or (isinstance(value, str) and value.startswith(CALLABLE))):
        return True
    return value in choices


def _either(choices: Sequence[str]) -> str:
    return ", ".join(map(repr, choices[:-1])) + f" or {choices[-1]!r}"


@dataclass(frozen=True)
class Profile:
    """Everything that decides what BLEU and ROUGE of explanations are.

    - `bleu_tokenizer`, `rouge_tokenizer`: `char`, `jieba` (its words), `zh` (sacrebleu's), `tokens` (the
      input is lists of tokens), or a function from a text to a list of tokens.
    - `bleu_whitespace`, `rouge_whitespace`: `remove`, `keep` or `official`; see `metrics/tokens.py`.
    - `smoothing`: `none`, `exp`, `floor` or `add-k`; see `bleu`.
    - `counting`: ROUGE-1/2 over sets of n-grams (`set`, with 1e-8 in the denominator of F) or clipped counts
      (`clip`).
    - `lcs_f`: the F of ROUGE-L, `official` (beta = precision / recall) or `f1`.
    - `swap_sides`: take the prediction for the reference in ROUGE, so that precision and recall trade places.
    - `empty_rows`: `drop-missing` leaves out rows where a text is None and scores empty texts; `keep` scores
      None as an empty text; `drop-empty` leaves out rows where a text is None, empty or nothing but
      whitespace.

    Raises `ValueError` naming every field with an unknown value.

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
    empty_rows: str = "drop-missing"

    def __post_init__(self) -> None:
        problems = [
            f"{field} must be {_either(choices)}, not {getattr(self, field)!r}"
            for field, choices in CHOICES.items()
            if not _is_choice(getattr(self, field), choices, "tokenizer" in field)
        ]
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
        Profile("cmexam", rouge_whitespace="official", counting="set", lcs_f="official"),
        Profile(
            "cmexam-gpt",
            bleu_tokenizer="jieba",
            bleu_whitespace="keep",
            rouge_whitespace="official",
            counting="set",
            lcs_f="official",
            swap_sides=True,
            empty_rows="keep",
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
    empty_rows: str | None = None,
) -> Profile:
    """A profile by its name, with parts set singly; its name becomes `custom` if that changes anything.

    `tokenizer` and `whitespace` hold for BLEU and ROUGE alike. Raises `ValueError` for an unknown name or
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
        "empty_rows": empty_rows,
    }
    given: dict[str, Any] = {field: value for field, value in parts.items() if value is not None}
    changed = replace(chosen, **given)
    return chosen if changed == chosen else replace(changed, name=CUSTOM)


def tokenizer_name(tokenizer: Tokenizer) -> str:
    """The tokenizer as a signature has it.

    >>> tokenizer_name(str.split)
    'callable:builtins.str.split'
    """
    if isinstance(tokenizer, str):
        return tokenizer
    qualified = getattr(tokenizer, "__qualname__", type(tokenizer).__qualname__)
    module = getattr(tokenizer, "__module__", None) or getattr(type(tokenizer), "__module__", "?")
    return f"{CALLABLE}{module}.{qualified}"


def _by_name(name: str) -> Profile:
    if not isinstance(name, str):
        raise TypeError(f"profile must be a name or a Profile, not {type(name).__name__}")
    if name not in PROFILES:
        import difflib

        near = difflib.get_close_matches(name, PROFILES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"profile must be {_either(tuple(PROFILES))}, not {name!r}{hint}")
    return PROFILES[name]
