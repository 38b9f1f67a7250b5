"""Pairs of explanations to test on: drawn by Hypothesis, hand-picked, and real where the data are here."""

from __future__ import annotations

import csv
import json
import random
import re

from hypothesis import strategies as st
from shared_data import SHARED

Pair = tuple[str | None, str | None]

# Few characters, so that they repeat: whitespace, digits and points, words of jieba's dictionary.
_FEW = st.text(st.sampled_from("的心力衰竭患者，。.5-a \n\r\u3000\x00\x1c😀\U00020000\ud800"), max_size=30)
_ANY = st.text(st.characters(exclude_categories=()), max_size=20)
texts = st.one_of(_FEW, _FEW, _ANY)


@st.composite
def pairs_of_texts(draw: st.DrawFn, missing: bool = True) -> list[Pair]:
    """A few pairs, some alike, some with nothing on one side, some None if `missing`."""
    either = st.one_of(texts, st.none()) if missing else texts
    pairs = draw(st.lists(st.tuples(either, either), max_size=6))
    for reference, _ in list(pairs):
        if reference and draw(st.booleans()):
            start = draw(st.integers(0, len(reference)))
            pairs.append((reference, reference[start:] + draw(texts)))
    return pairs


HARD_PAIRS: list[Pair] = [
    ("", ""),
    ("", "发热"),
    ("发热", ""),
    (" ", "发热 "),
    ("心力衰竭 患者", "心力衰竭\n患者"),
    ("的" * 500, "的" * 10),
    ("ab" * 40, "ba" * 50),
    ("\ud800\U00020000😀\x00", "😀\x00\ud800"),
    ("血压 140/90 mmHg,  心率 1-2.5次/分.", "血压140/90mmHg，心率..1.2-5 次/分"),
    ("\u3000\x85\u2028", "\x1c\x1d"),
]


def real_pairs(limit: int | None = None) -> list[Pair]:
    """Explanations of real exams against mixtures of them and other ones, and a real model's explanations."""
    texts = [row["Explanation"] for row in _validation_rows() if row["Explanation"]][:limit]
    pairs: list[Pair] = [*zip(texts, mixed(texts, seed=3), strict=True)]
    lines = (SHARED / "data/predictions/tcm_explanations.jsonl").read_text(encoding="utf-8").splitlines()
    return pairs + [(row["reference"], row["prediction"]) for row in map(json.loads, lines[:limit])]


def mixed(texts: list[str], seed: int) -> list[str]:
    """For each text a prediction: some of its clauses in their order, others from another text."""
    random_numbers = random.Random(seed)
    clauses = [re.findall(r"[^，。；]+[，。；]?", text) or [text] for text in texts]
    predictions = []
    for own in clauses:
        other = random_numbers.choice(clauses)
        predictions.append(
            "".join(c if random_numbers.random() < 0.6 else random_numbers.choice(other) for c in own)
        )
    return predictions


def _validation_rows() -> list[dict[str, str]]:
    with (SHARED / "data/cmexam/val.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
