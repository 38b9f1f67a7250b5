"""Signatures say all that a figure depends on, and can be read back."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields, replace
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmexam_baseline.metrics import PROFILES, Profile, Signature, parse_signature, score_explanations
from cmexam_baseline.metrics.profiles import CHOICES
from cmexam_baseline.metrics.segment import dictionary_hash

PARTS = {field: st.sampled_from(list(choices)) for field, choices in CHOICES.items()}
GIVEN_TOKENS = {"bleu_tokenizer": "tokens", "rouge_tokenizer": "tokens"}


@given(
    st.text(), st.fixed_dictionaries(PARTS), st.booleans(), st.integers(0), st.one_of(st.none(), st.text())
)
def test_what_is_written_is_read(
    name: str, parts: dict[str, str], swap: bool, n_pairs: int, segmenter: str | None
) -> None:
    if "tokens" in parts.values():
        parts |= GIVEN_TOKENS
    signature = Signature(
        Profile(name, swap_sides=swap, **parts), n_pairs, 0, 3, segmenter, "1.0", n_pairs % 3
    )
    line = str(signature)
    assert "\n" not in line
    assert parse_signature(line) == signature
    assert str(parse_signature(line)) == line


@pytest.mark.parametrize("profile", [*PROFILES])
def test_a_signature_says_everything(profile: str) -> None:
    signature = parse_signature(score_explanations(["发热", None], ["发热", ""], profile).signature)
    assert signature.profile == PROFILES[profile]
    dropped = 0 if profile == "cmexam-gpt" else 1
    assert signature.n_missing == 0
    assert (signature.n_pairs, signature.n_dropped) == (2 - dropped, dropped)
    assert signature.version == version("cmexam-baseline")
    assert (signature.segmenter is not None) == (profile == "cmexam-gpt")


def test_each_part_shows() -> None:
    base = PROFILES["google"]
    lines = {str(Signature(base, 1, 0, 0, None, "1"))}
    for field, choices in CHOICES.items():
        for choice in choices:
            if choice not in (getattr(base, field), "tokens"):
                lines.add(str(Signature(replace(base, **{field: choice}), 1, 0, 0, None, "1")))
    lines.add(str(Signature(replace(base, swap_sides=True), 1, 0, 0, None, "1")))
    assert len(lines) == 1 + 1 + sum(len(choices) - 1 for choices in CHOICES.values()) - 2
    assert {"name", "swap_sides", *CHOICES} == {field.name for field in fields(Profile)}


def test_the_segmenters_dictionary_shows() -> None:
    signature = score_explanations(["发热"], ["发热"], "google", tokenizer="jieba").signature
    assert f"|segmenter:jieba-{version('jieba')}-{dictionary_hash()[:12]}|" in signature


def test_a_changed_dictionary_shows() -> None:
    # In a process of its own, for jieba never quite forgets a word.
    code = """
from cmexam_baseline.metrics import score_explanations
before = score_explanations(["发热"], ["发热"], "cmexam-gpt")
import jieba
jieba.setLogLevel(60)
jieba.add_word("低钠血症伴发热")
after = score_explanations(["发热"], ["发热"], "cmexam-gpt")
assert before.signature != after.signature
assert not before.same_definition(after)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_functions_are_named() -> None:
    line = score_explanations(["a b"], ["a"], "google", tokenizer=str.split).signature
    assert "|bleu:callable:builtins.str.split|" in line
    profile = parse_signature(line).profile
    assert profile.bleu_tokenizer == "callable:builtins.str.split"
    assert str(parse_signature(line)) == line


GOOD = "profile:google|pairs:2|dropped:0|missing:0|no-reference:drop|no-prediction:empty|bleu:char|bleu-space:remove|smooth:none|"
GOOD += "rouge:char|rouge-space:remove|count:clip|lcs:f1|swap:no|version:0.1.0"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "not a signature"),
        ("54.10", "not a signature"),
        (GOOD.replace("|swap:no", ""), "lacks swap"),
        (GOOD + "|colour:red", "has unknown colour"),
        (GOOD + "|swap:no", "'swap:no' .* should be another"),
        (GOOD.replace("swap:no", "swap:maybe"), "swap must be yes or no"),
        (GOOD.replace("pairs:2", "pairs:two"), "pairs, dropped and missing numbers"),
        (GOOD.replace("count:clip", "count:all"), "counting must be 'set' or 'clip', not 'all'"),
    ],
)
def test_anything_else_is_refused(wrong: str, message: str) -> None:
    parse_signature(GOOD)
    with pytest.raises(ValueError, match=message) as caught:
        parse_signature(wrong)
    assert not re.search(r"\n", str(caught.value))
