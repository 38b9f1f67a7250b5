"""The table of labelled replies: text, options and the letters that a reader finds in them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cmexam_baseline.scoring import extract, extract_all, extract_answers
from cmexam_baseline.scoring.extraction import RULES

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in Path(__file__).with_name("extraction_cases.jsonl").read_text(encoding="utf-8").splitlines()
]
GROUPS = sorted({case["group"] for case in CASES})


@pytest.mark.parametrize("group", GROUPS)
def test_every_case_of_the_group_is_read_as_labelled(group: str) -> None:
    wrong = {
        case["text"][:80]: (case["expected"], found)
        for case in CASES
        if case["group"] == group
        and (found := extract(case["text"], case["options"], case.get("stem")).letters) != case["expected"]
    }
    assert not wrong


def test_the_table_is_broad() -> None:
    assert len(CASES) >= 1_500
    assert len(GROUPS) >= 20
    assert sum(case["expected"] is None for case in CASES) >= 60
    assert Counter(len(case["expected"] or "") for case in CASES)[3] >= 10


def test_the_three_calls_agree() -> None:
    texts = [case["text"] for case in CASES]
    options = [case["options"] for case in CASES]
    stems = [case.get("stem") for case in CASES]
    single = [extract(*row) for row in zip(texts, options, stems, strict=True)]
    assert extract_all(texts, options, stems) == single
    assert extract_answers(texts, options, stems) == [found.letters for found in single]


def test_every_rule_of_the_table_reads_more_than_one_case() -> None:
    used = Counter(extract(case["text"], case["options"], case.get("stem")).rule for case in CASES)
    assert {name for name in RULES if used[name] < 2} == set()


def test_a_span_shows_the_answer_in_the_raw_text() -> None:
    for case in CASES:
        found = extract(case["text"], case["options"], case.get("stem"))
        spans = [other.span for other in found.overruled] + ([found.span] if found.span else [])
        assert found.letters is None or found.span is not None
        assert all(0 <= start < end <= len(case["text"]) for start, end in spans)
